package dataset

import "math/rand/v2"

// Random is a source of chance that follows from a seed and numbers, such as an epoch and an item's: nothing that is drawn from one
// source moves another.
func Random(seed uint64, numbers ...uint64) *rand.Rand {
	a := mix(seed)
	for _, n := range numbers {
		a = mix(a ^ n)
	}
	return rand.New(rand.NewPCG(a, mix(a)))
}

// mix is the step of SplitMix64 (Steele, Lea, Flood 2014): neighbouring numbers come out unlike each other.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// What chance is for: the first of the numbers.
const (
	chanceOrder = iota + 1
	chanceShare
	chanceItem
)
