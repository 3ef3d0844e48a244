package kernel

import (
	"math"
	"slices"
	"testing"
)

// keep runs a Keep of one sequence: rows first to end-1 of a's keys go to the same positions of a slot.
func keep(a *Attention, k *Kept, slot, first, end int) {
	task := &Keep{
		Kept: k, K: a.K[first*a.LDK:], V: a.V[first*a.LDV:], LDK: a.LDK, LDV: a.LDV,
		Starts: []int32{0, int32(end - first)}, Slots: []int32{int32(slot)}, At: []int32{int32(first)},
	}
	for i := range task.Plan() {
		task.Run(i)
	}
}

// What is kept, in pieces of any size, copied from slot to slot, gives the bits that attention over the rows gives.
func TestKeptEqualsRows(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		r := seeded(31)
		for _, c := range []attentionCase{
			{heads: 2, d: 64, tq: []int{1}, tk: []int{1500}},
			{heads: 2, d: 64, tq: []int{5}, tk: []int{700}},
			{heads: 3, d: 33, tq: []int{7}, tk: []int{47}, causal: true},
			{heads: 1, d: 8, tq: []int{40}, tk: []int{40}, causal: true},
			{heads: 2, d: 12, tq: []int{3}, tk: []int{3}, causal: true},
			{heads: 1, d: 80, tq: []int{2}, tk: []int{0}},
		} {
			keptEqualsRows(t, c, c.make(r), false)
			keptEqualsRows(t, c, c.make(r), true)
		}
	})
}

func keptEqualsRows(t *testing.T, c attentionCase, a Attention, half bool) {
	n := c.tk[0]
	k := NewKept(c.heads, c.d, n+5, half)
	if k.Half { // nothing is lost of what half precision can hold
		for _, v := range [][]float32{a.K, a.V} {
			short := make([]byte, 2*len(v))
			ToF16(short, v)
			FromF16(v, short)
		}
	}
	runAll(&a, 1)
	want := slices.Clone(a.Out)
	// Slot 1 gets the first half by a copy of slot 0, where something else lies behind it; the rest comes piece by piece.
	keep(&a, k, 0, 0, n)
	keep(&a, k, 1, n/3, n)
	k.Copy(1, 0, 0, n/2)
	for at, step := n/2, 1; at < n; at, step = at+step, step*2+1 {
		keep(&a, k, 1, at, min(at+step, n))
	}
	for slot := range 2 {
		b := Attention{
			Q: a.Q, LDQ: a.LDQ, Out: a.Out, LDO: a.LDO, Heads: a.Heads, D: a.D, Starts: a.Starts, Causal: a.Causal, Scale: a.Scale,
			Kept: k, Slots: []int32{int32(slot)}, Lengths: []int32{int32(n)},
		}
		for row := range c.tq[0] {
			clear(b.Out[row*b.LDO:][:c.heads*c.d])
		}
		runAll(&b, 1)
		if !slices.Equal(a.Out, want) {
			t.Errorf("%+v, slot %d: other bits than over the rows", c, slot)
		}
	}
	scores := make([]float32, c.tq[0]*n)
	for h := range c.heads {
		k.Scores(scores, a.Q[h*c.d:], a.LDQ, 1, h, n, a.Scale)
		for i, got := range scores {
			want := 0.0
			for x := range c.d {
				want += float64(a.Q[i/n*a.LDQ+h*c.d+x]) * float64(a.K[i%n*a.LDK+h*c.d+x])
			}
			near(t, "score", got, want*float64(a.Scale), 4*eps32*math.Sqrt(float64(c.d))*8)
		}
	}
}

func TestKeptRefusesWhatDoesNotFit(t *testing.T) {
	k := NewKept(2, 4, 16, false)
	k.grow(1)
	rows, out := make([]float32, 400), make([]float32, 8)
	for name, f := range map[string]func(){
		"no room": func() { NewKept(1, 1, 0, false) },
		"too many": func() {
			(&Keep{Kept: k, K: rows, V: rows, LDK: 8, LDV: 8, Starts: []int32{0, 2}, Slots: []int32{0}, At: []int32{int32(k.Room) - 1}}).Plan()
		},
		"slot": func() {
			(&Keep{Kept: k, K: rows, V: rows, LDK: 8, LDV: 8, Starts: []int32{0, 2}, Slots: []int32{-1}, At: []int32{0}}).Plan()
		},
		"copy": func() { k.Copy(0, 0, 3, k.Room+1) },
		"length": func() {
			(&Attention{Q: rows, Out: out, LDQ: 8, LDO: 8, Heads: 2, D: 4, Starts: []int32{0, 1}, Kept: k, Slots: []int32{0}, Lengths: []int32{int32(k.Room) + 1}}).Plan(1)
		},
		"strange slot": func() {
			(&Attention{Q: rows, Out: out, LDQ: 8, LDO: 8, Heads: 2, D: 4, Starts: []int32{0, 1}, Kept: k, Slots: []int32{1}, Lengths: []int32{1}}).Plan(1)
		},
		"heads": func() {
			(&Attention{Q: rows, Out: out, LDQ: 8, LDO: 8, Heads: 4, D: 2, Starts: []int32{0, 1}, Kept: k, Slots: []int32{0}, Lengths: []int32{1}}).Plan(1)
		},
	} {
		mustPanic(t, name, f)
	}
}
