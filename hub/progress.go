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

func newTally(tell func(Event)) *tally { return &tally{tell: tell, files: map[string]*progress{}} }

// expect adds files that are wanted.
func (t *tally) expect(files []remote) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range files {
		size := max(0, f.size)
		t.files[f.name] = &progress{size: size}
		t.total += size
	}
}

// note makes a function that tells why a file does not move.
func (t *tally) note(name string) func(string) {
	return func(text string) {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.tell == nil {
			return
		}
		e := Event{File: name, AllDone: t.done, AllTotal: t.total, Note: text}
		if p := t.files[name]; p != nil {
			e.Done, e.Total = p.done, p.size
		}
		t.tell(e)
	}
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
	if t.tell == nil || p.ended && done == size || done != size && now.Sub(p.told) < eventPause {
		return
	}
	p.told, p.ended = now, done == size
	t.tell(Event{File: name, Done: done, Total: size, AllDone: t.done, AllTotal: t.total})
}
