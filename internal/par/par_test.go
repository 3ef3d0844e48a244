package par

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// counts is a task that notes how often each chunk ran.
type counts struct{ n []atomic.Int32 }

func (c *counts) Run(i int) { c.n[i].Add(1) }

func (c *counts) check(t *testing.T) {
	t.Helper()
	for i := range c.n {
		if n := c.n[i].Load(); n != 1 {
			t.Errorf("chunk %d ran %d times", i, n)
		}
	}
}

type taskFunc func(i int)

func (f taskFunc) Run(i int) { f(i) }

func atProcs(t *testing.T, n int) {
	old := runtime.GOMAXPROCS(n)
	t.Cleanup(func() { runtime.GOMAXPROCS(old) })
}

func TestEachChunkRunsOnce(t *testing.T) {
	for _, procs := range []int{1, 2, 4} {
		t.Run(fmt.Sprint(procs), func(t *testing.T) {
			atProcs(t, procs)
			for chunks := range 70 {
				for _, workers := range []int{0, 1, 2, 3, 100} {
					c := &counts{make([]atomic.Int32, chunks)}
					Do(c, chunks, workers)
					c.check(t)
				}
			}
		})
	}
}

func TestManyCallersShareThePool(t *testing.T) {
	atProcs(t, 4)
	var callers sync.WaitGroup
	for range 100 { // more than there are jobs
		callers.Go(func() {
			for n := range 50 {
				c := &counts{make([]atomic.Int32, n)}
				Do(c, n, 0)
				c.check(t)
			}
		})
	}
	callers.Wait()
	if used.Load() != 0 || wanted.Load() != 0 {
		t.Errorf("jobs left: used %b, wanted %b", used.Load(), wanted.Load())
	}
}

func TestWritesOfChunksAreSeenByTheCaller(t *testing.T) {
	atProcs(t, 2)
	sum := make([]int, 64) // plain memory: the race detector watches
	for round := range 2000 {
		Do(taskFunc(func(i int) { sum[i] += i }), len(sum), 0)
		if round%100 == 0 {
			time.Sleep(200 * time.Microsecond) // let the workers fall asleep
		}
	}
	for i, s := range sum {
		if s != 2000*i {
			t.Fatalf("chunk %d: %d, want %d", i, s, 2000*i)
		}
	}
}

func TestNeverMoreWorkersThanAsked(t *testing.T) {
	atProcs(t, 4)
	var now, most atomic.Int32
	Do(taskFunc(func(int) {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(100 * time.Microsecond)
		now.Add(-1)
	}), 50, 2)
	if most.Load() > 2 {
		t.Errorf("%d chunks at once, want at most 2", most.Load())
	}
}

func TestPanicReachesTheCaller(t *testing.T) {
	atProcs(t, 2)
	for bad := range 20 {
		got := func() (v any) {
			defer func() { v = recover() }()
			Do(taskFunc(func(i int) {
				time.Sleep(20 * time.Microsecond) // so that the worker gets some
				if i == bad {
					panic(fmt.Sprint("chunk ", i))
				}
			}), 20, 0)
			return nil
		}()
		if want := fmt.Sprint("chunk ", bad); got != want {
			t.Errorf("recovered %v, want %v", got, want)
		}
	}
	c := &counts{make([]atomic.Int32, 20)}
	Do(c, 20, 0)
	c.check(t)
}

func TestChunksMayFork(t *testing.T) {
	atProcs(t, 3)
	var n atomic.Int32
	Do(taskFunc(func(int) {
		Do(taskFunc(func(int) {
			Do(taskFunc(func(int) { n.Add(1) }), 5, 0)
		}), 5, 0)
	}), 5, 0)
	if n.Load() != 125 {
		t.Errorf("%d chunks ran, want 125", n.Load())
	}
}

func TestTheCallerFinishesAlone(t *testing.T) {
	atProcs(t, 2)
	// Other goroutines hold every worker's core; the caller must not wait for one.
	var stop atomic.Bool
	defer stop.Store(true)
	for range 4 {
		go func() {
			for !stop.Load() {
			}
		}()
	}
	for range 20 {
		c := &counts{make([]atomic.Int32, 10)}
		Do(c, 10, 0)
		c.check(t)
	}
}

func TestDoAllocatesNothing(t *testing.T) {
	atProcs(t, 2)
	c := &counts{make([]atomic.Int32, 8)}
	Do(c, 8, 0)
	if n := testing.AllocsPerRun(100, func() { Do(c, 8, 0) }); n != 0 {
		t.Errorf("%v allocations a fork", n)
	}
}

// BenchmarkDo is what a fork and join costs beyond the work itself, for 16 chunks of some serial work.
func BenchmarkDo(b *testing.B) {
	for _, each := range []int{0, 100, 1000, 10000} {
		b.Run(fmt.Sprintf("work=%d", each), func(b *testing.B) {
			task := taskFunc(func(int) {
				for range each {
					pauseFree()
				}
			})
			for b.Loop() {
				Do(task, 16, 0)
			}
		})
	}
}

//go:noinline
func pauseFree() {}

// BenchmarkDoCold leaves the workers time to fall asleep between forks.
func BenchmarkDoCold(b *testing.B) {
	var inside time.Duration
	task := taskFunc(func(int) {
		for range 20000 {
			pauseFree()
		}
	})
	for b.Loop() {
		time.Sleep(300 * time.Microsecond)
		start := time.Now()
		Do(task, 16, 0)
		inside += time.Since(start)
	}
	b.ReportMetric(float64(inside.Nanoseconds())/float64(b.N), "ns/fork")
}

type squares []int

func (s squares) Run(i int) { s[i] = i * i }

func ExampleDo() {
	s := make(squares, 5)
	Do(s, len(s), 0)
	fmt.Println(s)
	// Output: [0 1 4 9 16]
}
