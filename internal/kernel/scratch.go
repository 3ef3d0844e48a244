package kernel

import "sync"

// A scratch is memory that one chunk needs while it runs.
type scratch struct {
	floats []float32
	next   *scratch
}

// free keeps the scratches that nobody uses, for ever: there are as many as chunks ever ran at once.
var free struct {
	sync.Mutex
	list *scratch
}

// takeScratch hands out a scratch of n floats at least, aligned to 64 bytes where the tier minds, of unspecified values.
func takeScratch(n int) *scratch {
	free.Lock()
	s := free.list
	if s != nil {
		free.list = s.next
	}
	free.Unlock()
	if s == nil {
		s = &scratch{}
	}
	if len(s.floats) < n {
		s.floats = aligned(max(n, 2*len(s.floats)))
	}
	return s
}

func (s *scratch) release() {
	free.Lock()
	s.next = free.list
	free.list = s
	free.Unlock()
}
