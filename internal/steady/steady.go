// Package steady holds what tests share that count allocations.
package steady

import (
	"runtime"
	"testing"
)

// NoAllocs is an error of the test if f allocates, on all cores or on one, once it has run a few times. Under the race detector, where pools
// forget at random, f runs and nothing is counted.
func NoAllocs(t testing.TB, what string, f func()) {
	t.Helper()
	if race {
		f()
		return
	}
	all := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(all)
	for _, cores := range []int{all, 1} {
		if runtime.GOMAXPROCS(0) != cores {
			runtime.GOMAXPROCS(cores) // which empties the pools: not to be done again by testing.AllocsPerRun
		}
		if n := least(f, cores); n > 0 {
			t.Errorf("%s: %v allocations on %d of %d cores", what, n, cores, all)
		}
	}
}

// least is the fewest objects that f takes in one of some rounds: others take some too, and the collector may empty the pools.
func least(f func(), cores int) float64 {
	const rounds, runs = 20, 3
	n := 1.0
	for round := 0; n > 0 && round < rounds; round++ {
		for range 3 {
			f()
		}
		if cores == 1 {
			n = testing.AllocsPerRun(runs, f)
		} else {
			n = allocs(runs, f)
		}
	}
	return n
}

// allocs is [testing.AllocsPerRun] on all cores.
func allocs(runs int, f func()) float64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		f()
	}
	runtime.ReadMemStats(&after)
	return float64((after.Mallocs - before.Mallocs) / uint64(runs))
}
