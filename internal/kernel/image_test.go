package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// imageOf copies the image of a weight to where a page begins, as a mapped file would have it.
func imageOf(p *Packed) []byte {
	m := newMapping(len(p.Image())/4 + 1)
	b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(m.floats))), len(p.Image()))
	copy(b, p.Image())
	return b
}

// A weight over the image of another gives the same bits, and releasing it leaves the image alone.
func TestMapPacked(t *testing.T) {
	eachFormat(t, func(t *testing.T, f Format) {
		const m, n, k = 5, 75, 90
		w, a := packedAs(f, n, k, random(seeded(1), n*k)), random(seeded(2), m*k)
		image := imageOf(w)
		mapped, ok := MapPacked(n, k, f, image)
		if !ok {
			t.Fatal("the image does not fit")
		}
		product := func(w *Packed) []float32 {
			g := &Gemm{C: make([]float32, m*n), LDC: n, A: a, LDA: k, M: m, W: []*Packed{w}}
			multiply(g, 2)
			return g.C
		}
		got := product(mapped)
		for i, v := range product(w) {
			if math.Float32bits(v) != math.Float32bits(got[i]) {
				t.Fatalf("value %d is %v, packed anew %v", i, got[i], v)
			}
		}
		mapped.Release()
		if string(image) != string(w.Image()) {
			t.Error("the image has changed")
		}
		if _, ok := MapPacked(n, k, f, image[:len(image)-4]); ok {
			t.Error("a short image fits")
		}
		if _, ok := MapPacked(n, k, f, append(image[:len(image):len(image)], 0)); ok {
			t.Error("a long image fits")
		}
		short := packedAs(f, n, k-1, random(seeded(1), n*(k-1)))
		if crooked := imageOf(w)[4:]; len(short.Image()) <= len(crooked) {
			if _, ok := MapPacked(n, k-1, f, crooked[:len(short.Image())]); ok {
				t.Error("an image that begins in the middle of a cache line fits")
			}
		}
	})
}

// Whatever an image holds, a product ends and stays within its operands.
func TestMapAnything(t *testing.T) {
	eachFormat(t, func(t *testing.T, f Format) {
		const m, n, k = 3, 75, 90
		image := imageOf(packedAs(f, n, k, make([]float32, n*k)))
		r := rand.New(rand.NewPCG(1, uint64(f)))
		for range 20 {
			for i := range image {
				image[i] = byte(r.Uint32())
			}
			w, _ := MapPacked(n, k, f, image)
			multiply(&Gemm{C: make([]float32, m*n), LDC: n, A: random(seeded(2), m*k), LDA: k, M: m, W: []*Packed{w}}, 2)
		}
	})
}

func TestSignature(t *testing.T) {
	seen := map[uint32]string{}
	eachFormat(t, func(t *testing.T, f Format) {
		s := Signature(f)
		if Signature(f) != s {
			t.Error("the signature changes")
		}
		layout := layoutOf(tier, f)
		name := layout.tier.String() + f.String()
		if other, ok := seen[s]; ok && other != name {
			t.Errorf("%s and %s have the same signature", name, other)
		}
		seen[s] = name
	})
}

// The signature of blocks in integers is the same wherever they are computed so, and there is none elsewhere.
func TestQuantSignature(t *testing.T) {
	first := uint32(0)
	eachTier(t, func(t *testing.T) {
		s := QuantSignature()
		if (s != 0) != Quantizes() || s != QuantSignature() {
			t.Errorf("the signature is %x, while blocks are in integers: %v", s, Quantizes())
		}
		if s != 0 && first != 0 && s != first {
			t.Errorf("the signature is %x, before %x", s, first)
		}
		first = max(first, s)
	})
}
