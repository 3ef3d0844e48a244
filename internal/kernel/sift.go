package kernel

import "unsafe"

// SieveWidth is the number of codes of a row that [Sift] reads.
const SieveWidth = 128

// A Sieve is a query as [Sift] wants it. Query is its codes. No sum of products of codes, each 0 to 255, with a lane's values of Query may leave
// int16, where lane l has the values 32i+2l and 32i+2l+1 for i from 0 to 3: their length is at most [LaneLimit].
//
// A row's bound is ((Σ code·query − Offset)·Scale + Loose)·facts[0] + facts[1] + Third·facts[2] + Fourth·facts[3], each step rounded to float32.
type Sieve struct {
	Query  [SieveWidth]int8
	Offset int32
	Scale  float32
	Loose  float32
	Third  float32
	Fourth float32
	Floor  float32 // rows whose bound is lower are left out
}

// LaneLimit is the length of the values of a [Sieve]'s lane below which no sum of products leaves int16: 8 codes are at most 255·√8 long.
const LaneLimit = 45

func (s *Sieve) numbers() *[6]float32 { return (*[6]float32)(unsafe.Pointer(&s.Offset)) }

// Sift sets bit i%8 of mask[i/8] where the bound of row i of codes [8·len(mask), 128] is no lower than the sieve's floor, and clears it elsewhere.
// The facts of row i lie at i, stride+i, 2·stride+i and 3·stride+i.
func Sift(mask, codes []byte, facts []float32, stride int, s *Sieve) {
	rows := 8 * len(mask)
	need(len(codes) == rows*SieveWidth, "sift", "expected %d bytes of codes, got %d", rows*SieveWidth, len(codes))
	need(stride >= rows && len(facts) >= 3*stride+rows, "sift", "expected %d facts, got %d", 3*stride+rows, len(facts))
	if rows > 0 {
		sift(mask, codes, facts, stride, s)
	}
}

// GenericSift defines Sift.
func GenericSift(mask, codes []byte, facts []float32, stride int, s *Sieve) {
	clear(mask)
	for i := range 8 * len(mask) {
		var sum int32
		for k, c := range codes[i*SieveWidth : (i+1)*SieveWidth] {
			sum += int32(c) * int32(s.Query[k])
		}
		bound := float32(float32(sum-s.Offset)*s.Scale) + s.Loose
		bound = float32(bound*facts[i]) + facts[stride+i]
		bound = float32(bound) + float32(facts[2*stride+i]*s.Third)
		bound = float32(bound) + float32(facts[3*stride+i]*s.Fourth)
		if bound >= s.Floor {
			mask[i/8] |= 1 << (i % 8)
		}
	}
}
