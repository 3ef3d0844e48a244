package kernel

import (
	"encoding/binary"
	"math"
)

// FromF16 widens len(dst) IEEE half-precision numbers, two little-endian bytes each. It is exact.
func FromF16(dst []float32, src []byte) {
	if enough("from f16", dst, src, 2) {
		fromF16(dst, src)
	}
}

// GenericFromF16 defines FromF16.
func GenericFromF16(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = f16(binary.LittleEndian.Uint16(src[2*i:]))
	}
}

// f16 widens one number. A signalling NaN becomes quiet, as the processors do it.
func f16(h uint16) float32 {
	sign, exponent, fraction := uint32(h>>15)<<31, uint32(h>>10&31), uint32(h&0x3ff)
	switch exponent {
	case 0: // zero and subnormals: fraction·2⁻²⁴
		return math.Float32frombits(math.Float32bits(float32(fraction)*0x1p-24) | sign)
	case 31:
		if fraction != 0 {
			fraction |= 0x200
		}
		return math.Float32frombits(sign | 0xff<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
}

// ToF16 rounds numbers to IEEE half precision, half to even, two little-endian bytes each.
func ToF16(dst []byte, src []float32) {
	if enough("to f16", src, dst, 2) {
		toF16(dst, src)
	}
}

// GenericToF16 defines ToF16.
func GenericToF16(dst []byte, src []float32) {
	for i, v := range src {
		binary.LittleEndian.PutUint16(dst[2*i:], f16Of(v))
	}
}

// f16Of rounds one number, half to even. What is too large becomes infinite.
func f16Of(v float32) uint16 {
	b := math.Float32bits(v)
	sign, size := uint16(b>>16)&0x8000, b&0x7fffffff
	switch {
	case size > 0x7f800000: // NaN, which becomes quiet
		return sign | 0x7e00 | uint16(size>>13)&0x3ff
	case size >= 0x477ff000: // beyond the middle between the largest number and the next
		return sign | 0x7c00
	case size < 0x38800000: // the result is a multiple of 2⁻²⁴: adding ½ rounds to one
		return sign | uint16(math.Float32bits(math.Float32frombits(size)+0.5)-0x3f000000)
	}
	return sign | uint16((size-0x38000000+0xfff+size>>13&1)>>13)
}

// FromBF16 widens len(dst) bfloat16 numbers, two little-endian bytes each. It is exact.
func FromBF16(dst []float32, src []byte) {
	if enough("from bf16", dst, src, 2) {
		fromBF16(dst, src)
	}
}

// GenericFromBF16 defines FromBF16.
func GenericFromBF16(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(src[2*i:])) << 16)
	}
}

// FromF32 reads len(dst) little-endian numbers.
func FromF32(dst []float32, src []byte) {
	if enough("from f32", dst, src, 4) {
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
		}
	}
}

// FromF64 rounds len(dst) little-endian double-precision numbers.
func FromF64(dst []float32, src []byte) {
	if enough("from f64", dst, src, 8) {
		for i := range dst {
			dst[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(src[8*i:])))
		}
	}
}

// FromInt rounds len(dst) little-endian signed integers of size 1, 2, 4 or 8 bytes.
func FromInt(dst []float32, src []byte, size int) {
	if !enough("from int", dst, src, size) {
		return
	}
	for i := range dst {
		switch size {
		case 1:
			dst[i] = float32(int8(src[i]))
		case 2:
			dst[i] = float32(int16(binary.LittleEndian.Uint16(src[2*i:])))
		case 4:
			dst[i] = float32(int32(binary.LittleEndian.Uint32(src[4*i:])))
		case 8:
			dst[i] = float32(int64(binary.LittleEndian.Uint64(src[8*i:])))
		default:
			need(false, "from int", "expected a size up to %d bytes, a power of two, got %d", size, 8)
		}
	}
}

// FromUint8 turns len(dst) bytes into numbers.
func FromUint8(dst []float32, src []byte) {
	if enough("from uint8", dst, src, 1) {
		for i := range dst {
			dst[i] = float32(src[i])
		}
	}
}

// enough checks that src holds exactly the numbers of dst and reports whether there are any.
func enough(op string, dst []float32, src []byte, size int) bool {
	need(len(src) == size*len(dst), op, "expected %d bytes, got %d", len(src), size*len(dst))
	return len(dst) > 0
}
