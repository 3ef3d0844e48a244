package pixel

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// codes makes a random table of at most n symbols below limit, short codes for some and long ones for others.
func codes(r *rand.Rand, n, limit int, first bool) *Huffman {
	var counts [16]uint8
	var symbols [256]uint8
	place, room := 0, 1
	for i := range counts {
		room *= 2
		most := min(room-1, n-place, 255)
		if most <= 0 {
			continue
		}
		c := r.IntN(most + 1)
		if i > 3 && r.IntN(2) == 0 {
			c = min(c, 2)
		}
		for range c {
			s := r.IntN(limit)
			if !first && r.IntN(3) > 0 { // mostly what pictures have
				s = r.IntN(3)<<4 | r.IntN(4)
			}
			symbols[place] = uint8(s)
			place++
		}
		counts[i] = uint8(c)
		room -= c
	}
	h := new(Huffman)
	if err := h.Set(&counts, &symbols, first); err != nil {
		panic(err)
	}
	return h
}

// checkUnits decodes random data by the assembly and by plain Go.
func checkUnits(t *testing.T, r *rand.Rand) {
	data := random(r, 600+r.IntN(4000))
	for i := range data[:len(data)-1] {
		if data[i] == 0xff && r.IntN(200) > 0 {
			data[i+1] = 0
		}
	}
	dc := []*Huffman{codes(r, 16, 16, true), codes(r, 16, 12, true)}
	ac := []*Huffman{codes(r, 200, 256, false), codes(r, 40, 256, false)}
	count, parts := 1+r.IntN(6), 1+r.IntN(3)
	const units = 12
	decode := func() (all []Slot, sums [3]int32, done []int, b *Bits) {
		b = &Bits{Data: data}
		slots := make([]Slot, count)
		for i := range slots {
			step := 1 + i%2
			slots[i] = Slot{make([]int16, 64*units*step), make([]uint8, units*step), step, &sums[i%parts], dc[i%2], ac[i%parts%2], 0}
		}
		for range 40 {
			for _, s := range slots {
				clear(s.Coefs)
			}
			for from := 0; from < units; {
				n := b.Units(slots, from, units-from)
				done = append(done, n)
				from += n
			}
			for _, s := range slots {
				s.Coefs, s.Last = slices.Clone(s.Coefs), slices.Clone(s.Last)
				all = append(all, s)
			}
			if b.Overrun() {
				break
			}
		}
		return all, sums, done, b
	}
	got, sums, done, b := decode()
	back := UseGeneric()
	want, wantSums, wantDone, c := decode()
	back()
	if len(got) != len(want) || sums != wantSums || b.Marker != c.Marker || b.Ended != c.Ended || b.Overrun() != c.Overrun() || !slices.Equal(done, wantDone) {
		t.Fatalf("ended at %d slots, %v, %x; expected %d, %v, %x; %v %v", len(got), sums, b.Marker, len(want), wantSums, c.Marker, done, wantDone)
	}
	for i := range got {
		if !slices.Equal(got[i].Coefs, want[i].Coefs) || !slices.Equal(got[i].Last, want[i].Last) {
			t.Fatalf("slot %d of %d differs", i, count)
		}
	}
}

func TestUnits(t *testing.T) {
	needFast(t)
	r := rand.New(rand.NewPCG(11, 12))
	for range 3000 {
		checkUnits(t, r)
	}
}

func FuzzUnits(f *testing.F) {
	needFast(f)
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, a, b uint64) { checkUnits(t, rand.New(rand.NewPCG(a, b))) })
}
