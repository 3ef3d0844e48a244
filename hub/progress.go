package hub

import (
	"sync"
	"time"
)

const eventPause = 50 * time.Millisecond // between two events of one file

// A tally adds up what parallel downloads have done and tells the client's Progress.
type tally struct {
	tell  func(Event)
	mu    sync.Mutex
	files map[string]*progress
	done  int64
	total int64
}

type progress struct {
	done, size int64
	told       time.Time
	ended      bool
}

func newTally(tell func(Event), files []remote) *tally {
	t := &tally{tell: tell, files: map[string]*progress{}}
	for _, f := range files {
		size := max(0, f.size)
		t.files[f.name] = &progress{size: size}
		t.total += size
	}
	return t
}

// resize corrects a size that the description lacked.
func (t *tally) resize(name string, size int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.files[name]
	t.total += size - p.size
	p.size = size
}

// moved notes how many bytes of a file are there; the first, the last and now and then one between are told.
func (t *tally) moved(name string, done, size int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.files[name]
	t.done += done - p.done
	p.done = done
	now := time.Now()
	if t.tell == nil || p.ended || done != size && now.Sub(p.told) < eventPause {
		return
	}
	p.told, p.ended = now, done == size
	t.tell(Event{File: name, Done: done, Total: size, AllDone: t.done, AllTotal: t.total})
}
