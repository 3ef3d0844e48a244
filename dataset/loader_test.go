package dataset

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

var errOdd = errors.New("an odd one")

// draws is a loader whose items say what was drawn for them; those whose numbers end in 7 are broken.
func draws(workers, ahead int) *Loader[string] {
	return &Loader[string]{
		Plan: &Plan{Sets: []*Set{numbered("a", 50), numbered("b", 30)}, Weights: []float64{1.5, 1}, Batch: 8, Seed: 3}, Workers: workers, Ahead: ahead,
		Broken: &Report{},
		Make: func(_ context.Context, x Example) (string, error) {
			if rand.IntN(4) == 0 {
				time.Sleep(time.Duration(rand.IntN(200)) * time.Microsecond) // so that workers overtake each other
			}
			if strings.HasSuffix(x.Item.Key, "7") {
				return "", errOdd
			}
			text, _ := x.Item.Pick(x.Rand)
			return fmt.Sprint(x.Item.Key, text.Text, x.Rand.Uint64()), nil
		},
	}
}

// take takes n batches.
func take(t *testing.T, l *Loader[string], at Place, n int) (out []Batch[string]) {
	t.Helper()
	for b, err := range l.From(t.Context(), at) {
		if err != nil {
			t.Fatal(err)
		}
		if out = append(out, *b); len(out) == n {
			break
		}
	}
	return out
}

func TestLoadsAlikeForAnyWorkers(t *testing.T) {
	one := draws(1, 1)
	want := take(t, one, Place{}, 40)
	for _, workers := range []int{2, 3, 8} {
		l := draws(workers, 5*workers)
		if got := take(t, l, Place{}, 40); !reflect.DeepEqual(got, want) {
			t.Errorf("%d workers give others", workers)
		}
		if !reflect.DeepEqual(fmt.Sprint(l.Broken.First()), fmt.Sprint(one.Broken.First())) {
			t.Errorf("%d workers report others", workers)
		}
	}
	if one.Broken.Count() == 0 || !errors.Is(one.Broken.Err(), errOdd) || !strings.Contains(one.Broken.Err().Error(), "7): an odd one") {
		t.Errorf("got %v", one.Broken.Err())
	}
	for _, from := range []int{1, 12, 13, 25} {
		if got := take(t, draws(2, 0), want[from-1].Next, 40-from); !reflect.DeepEqual(got, want[from:]) {
			t.Errorf("goes on otherwise from batch %d", from)
		}
	}
	again := map[string]bool{}
	for _, b := range want {
		for _, s := range b.Items {
			if again[s] {
				t.Errorf("%s was drawn twice", s)
			}
			again[s] = true
		}
	}
}

func TestOnceCoversAll(t *testing.T) {
	l := draws(3, 0)
	l.Plan.Weights, l.Plan.InOrder, l.Plan.KeepShort = nil, true, true
	var refs []Ref
	for b, err := range l.Once(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		refs = append(refs, b.Refs...)
	}
	if len(refs) != 72 || l.Broken.Count() != 8 || refs[0] != (Ref{0, 0, 0}) || refs[71] != (Ref{1, 29, 0}) {
		t.Errorf("got %d, %d broken", len(refs), l.Broken.Count())
	}
}

func TestLoaderStops(t *testing.T) {
	before := runtime.NumGoroutine()
	take(t, draws(8, 100), Place{}, 2)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	for _, err := range draws(8, 100).From(ctx, Place{}) {
		if n++; n == 2 {
			cancel()
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
	if n < 3 || n > 4 {
		t.Errorf("got %d batches until the end", n)
	}

	l := draws(4, 10)
	l.Make = func(context.Context, Example) (string, error) { panic("caller's bug") }
	func() {
		defer func() {
			if recover() != "caller's bug" {
				t.Error("a panic got lost")
			}
		}()
		take(t, l, Place{}, 1)
	}()

	l.Make = func(context.Context, Example) (string, error) { return "", errOdd }
	for _, err := range l.From(t.Context(), Place{}) {
		if !errors.Is(err, errAllBroken) || !errors.Is(err, errOdd) {
			t.Errorf("got %v", err)
		}
	}
	for range 100 { // those that were told to end may need a moment
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

func TestMemoryIsBounded(t *testing.T) {
	var made, most atomic.Int64
	l := draws(4, 6)
	l.Make = func(context.Context, Example) (string, error) {
		if n := made.Add(1); n > most.Load() {
			most.Store(n)
		}
		return "x", nil
	}
	taken := 0
	for b, err := range l.From(t.Context(), Place{}) {
		if err != nil {
			t.Fatal(err)
		}
		made.Add(int64(-len(b.Items)))
		runtime.Gosched()
		if taken++; taken == 200 {
			break
		}
	}
	if limit := int64(6 + l.Plan.Batch); most.Load() > limit {
		t.Errorf("%d items were made ahead, want at most %d", most.Load(), limit)
	}
}
