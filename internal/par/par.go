package par

import (
	"math/bits"
	"sync/atomic"
	"time"

	"github.com/chiasm/chiasm/internal/cpu"
)

// A Task is work in chunks that any goroutine may run, in any order, each once.
type Task interface{ Run(chunk int) }

// Workers is the number of goroutines that run chunks, the caller's included: the cores this process may use.
func Workers() int { return cpu.Cores() }

// Do runs chunks 0 to chunks-1 of t, each once, on at most that many workers, the caller among them (0 or less: all there are), and
// returns when all are done. If a chunk panics, chunks not yet begun are left out and Do panics with that value.
func Do(t Task, chunks, workers int) {
	if all := Workers(); workers <= 0 || workers > all {
		workers = all
	}
	workers = min(workers, chunks)
	if workers > 1 {
		if j := take(); j != nil {
			j.do(t, chunks, workers-1)
			return
		}
	}
	for i := range chunks {
		t.Run(i)
	}
}

// A job is one Do under way. Jobs lie in a fixed array and are used again and again; a worker that looks at one at the wrong time
// finds it closed, or helps with what is there now.
type job struct {
	state   atomic.Int64 // 0, or the sum of open, waiting and the number of workers inside
	next    atomic.Int64 // the next chunk to take
	helpers atomic.Int64 // how many workers may be inside at once
	chunks  int64
	task    Task
	failure atomic.Pointer[failure]
	left    chan struct{} // the last worker out tells a waiting caller
	_       [64]byte      // jobs share no cache line
}

// A failure is what a chunk panicked with.
type failure struct{ value any }

const (
	open    = 1 << 32 // workers may enter
	waiting = 1 << 33 // the caller sleeps until none is inside
)

// A word of flags has a bit per job: which are in use, and which have chunks that nobody has taken.
var (
	jobs   [64]job
	used   atomic.Uint64
	wanted atomic.Uint64
)

// take finds a job that nobody uses, or nil.
func take() *job {
	for {
		u := used.Load()
		i := bits.TrailingZeros64(^u)
		if i == len(jobs) {
			return nil
		}
		if used.CompareAndSwap(u, u|1<<i) {
			return &jobs[i]
		}
	}
}

func (j *job) do(t Task, chunks, helpers int) {
	i := j.index()
	if j.left == nil {
		j.left = make(chan struct{}, 1)
	}
	j.task, j.chunks = t, int64(chunks)
	j.next.Store(0)
	j.helpers.Store(int64(helpers))
	j.state.Store(open)
	wanted.Or(1 << i)
	call(helpers)

	j.run()
	wanted.And(^(1 << i))
	if j.state.Add(-open) != 0 {
		j.join()
	}
	f := j.failure.Load()
	j.failure.Store(nil)
	j.task = nil
	used.And(^(1 << i))
	if f != nil {
		panic(f.value)
	}
}

func (j *job) index() int {
	for i := range jobs {
		if j == &jobs[i] {
			return i
		}
	}
	panic("par: a job outside the array")
}

// run takes chunks until none is left, and keeps the first panic.
func (j *job) run() {
	defer func() {
		if v := recover(); v != nil {
			j.next.Store(j.chunks)
			j.failure.CompareAndSwap(nil, &failure{v})
		}
	}()
	for {
		i := j.next.Add(1) - 1
		if i >= j.chunks {
			return
		}
		j.task.Run(int(i))
	}
}

// join waits for the workers inside: some microseconds awake, then asleep.
func (j *job) join() {
	for s := spin(); s.more(); {
		if j.state.Load() == 0 {
			return
		}
	}
	if j.state.Add(waiting) != waiting { // someone is inside and will see the flag
		<-j.left
	}
	j.state.Store(0)
}

// help enters j if it is open and has room, and runs chunks of it.
func (j *job) help(i int) bool {
	for {
		s := j.state.Load()
		if s&open == 0 || s&(open-1) >= j.helpers.Load() {
			return false
		}
		if j.state.CompareAndSwap(s, s+1) {
			break
		}
	}
	j.run()
	wanted.And(^(1 << i)) // no chunk is left; the job cannot be used anew while we are inside
	if j.state.Add(-1) == waiting {
		j.left <- struct{}{}
	}
	return true
}

// A spinner bounds how long to look around before going to sleep.
type spinner struct {
	until time.Time
	n     int
}

const (
	patience = 60 * time.Microsecond // more than what lies between two forks of a forward pass
	glances  = 32                    // between two looks at the clock
)

func spin() spinner { return spinner{} }

// more pauses for some nanoseconds and reports whether to look again.
func (s *spinner) more() bool {
	pause()
	if s.n++; s.n%glances != 0 {
		return true
	}
	now := time.Now()
	if s.until.IsZero() {
		s.until = now.Add(patience)
	}
	return now.Before(s.until)
}
