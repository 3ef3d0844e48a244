package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/chiasm/chiasm"
)

// A gate is a model that waits for leave before each batch, and remembers them.
type gate struct {
	mu      sync.Mutex
	batches [][]int
	entered chan []int
	leave   chan error
	held    int
}

func newGate() *gate { return &gate{entered: make(chan []int, 100), leave: make(chan error)} }

func (g *gate) run(ctx context.Context, items []int) ([]chiasm.Embedding, error) {
	g.mu.Lock()
	g.batches = append(g.batches, slices.Clone(items))
	g.mu.Unlock()
	g.entered <- items
	select {
	case err := <-g.leave:
		if err != nil {
			return nil, err
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	out := make([]chiasm.Embedding, len(items))
	for i, x := range items {
		if x < 0 {
			panic("a negative item")
		}
		out[i].Values = []float32{float32(x)}
	}
	return out, nil
}

func (g *gate) batcher(most int) *batcher[int] {
	return &batcher[int]{run: g.run, most: most, ran: func(int) {}, hold: func() func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.held++
		return func() {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.held--
		}
	}}
}

// ask sends items and checks what comes back.
func ask(t *testing.T, all *sync.WaitGroup, b *batcher[int], items ...int) {
	all.Go(func() {
		got, err := b.do(t.Context(), items)
		if err != nil {
			t.Errorf("%v: %v", items, err)
			return
		}
		for i, x := range items {
			if got[i].Values[0] != float32(x) {
				t.Errorf("item %d of %v got %v", i, items, got[i].Values)
			}
		}
	})
}

// until waits for a state that other goroutines bring about.
func until(t *testing.T, b *batcher[int], waiting int) {
	t.Helper()
	for t.Context().Err() == nil {
		b.mu.Lock()
		n := len(b.waiting)
		b.mu.Unlock()
		if n == waiting {
			return
		}
	}
}

// An idle batcher runs at once; what comes while it is busy is joined, and taken in turns.
func TestBatcherJoinsWhatWaits(t *testing.T) {
	g := newGate()
	b := g.batcher(4)
	var all sync.WaitGroup
	ask(t, &all, b, 1)
	if first := <-g.entered; !slices.Equal(first, []int{1}) {
		t.Fatalf("idle: %v", first)
	}
	ask(t, &all, b, 10, 11, 12, 13, 14, 15)
	until(t, b, 1)
	ask(t, &all, b, 20)
	until(t, b, 2)
	ask(t, &all, b, 30, 31)
	until(t, b, 3)
	for range 4 {
		g.leave <- nil
	}
	all.Wait()
	want := [][]int{{1}, {10, 20, 30, 11}, {12, 31, 13, 14}, {15}}
	if !slices.EqualFunc(g.batches, want, slices.Equal) {
		t.Errorf("batches %v, want %v", g.batches, want)
	}
}

// One request's error is not another's, and no panic gets out.
func TestBatcherKeepsErrorsApart(t *testing.T) {
	g := newGate()
	b := g.batcher(8)
	var all sync.WaitGroup
	ask(t, &all, b, 1)
	<-g.entered
	var bad error
	all.Go(func() { _, bad = b.do(t.Context(), []int{-1, 2}) })
	until(t, b, 1)
	ask(t, &all, b, 3)
	until(t, b, 2)
	for range 4 { // alone, both, and each of the two again
		g.leave <- nil
	}
	all.Wait()
	var bug *panicError
	if !errors.As(bad, &bug) {
		t.Errorf("the bad one got %v", bad)
	}
}

// Who has gone frees its place: before a batch, and in one that nobody else waits for.
func TestBatcherForgetsWhoHasGone(t *testing.T) {
	g := newGate()
	b := g.batcher(8)
	var all sync.WaitGroup
	gone := func(items ...int) context.CancelFunc {
		ctx, cancel := context.WithCancel(t.Context())
		all.Go(func() {
			if _, err := b.do(ctx, items); !errors.Is(err, context.Canceled) {
				t.Errorf("%v: %v", items, err)
			}
		})
		return cancel
	}
	stop := gone(1)
	<-g.entered
	stopWaiting := gone(2, 3)
	until(t, b, 1)
	ask(t, &all, b, 4)
	until(t, b, 2)
	stopWaiting()
	stop() // the running batch ends without leave
	<-g.entered
	g.leave <- nil
	all.Wait()
	if want := [][]int{{1}, {4}}; !slices.EqualFunc(g.batches, want, slices.Equal) {
		t.Errorf("batches %v, want %v", g.batches, want)
	}
}

func TestBatcherUnderLoad(t *testing.T) {
	g := newGate()
	close(g.leave)
	b := g.batcher(5)
	b.run = func(ctx context.Context, items []int) ([]chiasm.Embedding, error) {
		if len(items) > 5 {
			return nil, fmt.Errorf("%d items", len(items))
		}
		out := make([]chiasm.Embedding, len(items))
		for i, x := range items {
			out[i].Values = []float32{float32(x)}
		}
		return out, nil
	}
	var all sync.WaitGroup
	for i := range 50 {
		items := make([]int, i%7+1)
		for j := range items {
			items[j] = 100*i + j
		}
		ask(t, &all, b, items...)
	}
	all.Wait()
	for { // the loop lets go of the model after the last answer
		g.mu.Lock()
		held := g.held
		g.mu.Unlock()
		if held == 0 {
			break
		}
	}
}
