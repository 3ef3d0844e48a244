package par

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

// A worker is a goroutine that looks for jobs to help with, for as long as the process lives.
type worker struct {
	wake   chan struct{}
	parked bool // it is in pool.asleep
}

// pool holds the workers that sleep. It grows to as many as were ever asked for.
var pool struct {
	sync.Mutex
	asleep  []*worker
	parked  atomic.Int32 // len(asleep)
	started atomic.Int32
}

// call sees to it that there are n workers, and wakes up to n that sleep.
func call(n int) {
	if int(pool.started.Load()) < n {
		grow(n)
	}
	if pool.parked.Load() == 0 {
		return
	}
	pool.Lock()
	for ; n > 0 && len(pool.asleep) > 0; n-- {
		last := len(pool.asleep) - 1
		w := pool.asleep[last]
		pool.asleep = pool.asleep[:last]
		w.parked = false
		w.wake <- struct{}{}
	}
	pool.parked.Store(int32(len(pool.asleep)))
	pool.Unlock()
}

func grow(n int) {
	pool.Lock()
	defer pool.Unlock()
	for int(pool.started.Load()) < n {
		w := &worker{wake: make(chan struct{}, 1)}
		pool.started.Add(1)
		go w.live()
	}
}

func (w *worker) live() {
	for {
		for s := spin(); s.more(); {
			if help() {
				s = spin()
			}
		}
		w.sleep()
	}
}

// help looks through the jobs that want it and reports whether it helped with one.
func help() bool {
	for m := wanted.Load(); m != 0; m &= m - 1 {
		if i := bits.TrailingZeros64(m); jobs[i].help(i) {
			return true
		}
	}
	return false
}

// sleep parks w until call wakes it. A job that came between the last look and the parking is seen by the look after it.
func (w *worker) sleep() {
	pool.Lock()
	w.parked = true
	pool.asleep = append(pool.asleep, w)
	pool.parked.Store(int32(len(pool.asleep)))
	pool.Unlock()
	if help() && w.unpark() {
		return
	}
	<-w.wake
}

// unpark takes w off the list of sleepers and reports false if it was woken meanwhile.
func (w *worker) unpark() bool {
	pool.Lock()
	defer pool.Unlock()
	if !w.parked {
		return false
	}
	w.parked = false
	for i, x := range pool.asleep {
		if x == w {
			last := len(pool.asleep) - 1
			pool.asleep[i] = pool.asleep[last]
			pool.asleep = pool.asleep[:last]
			break
		}
	}
	pool.parked.Store(int32(len(pool.asleep)))
	return true
}
