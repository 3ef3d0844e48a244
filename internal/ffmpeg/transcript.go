package ffmpeg

import (
	"bytes"
	"sync"
)

// A transcript keeps the beginning and the end of what the program says.
type transcript struct {
	marker string
	mu     sync.Mutex
	head   []byte
	tail   []byte
	found  chan struct{} // closed when the head has a word behind the marker, or is full
	done   bool
}

const mostText = 1 << 16 // bytes kept

func (t *transcript) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if room := mostText - len(t.head); room > 0 {
		t.head = append(t.head, b[:min(room, len(b))]...)
	}
	t.tail = append(t.tail, b...)
	if over := len(t.tail) - mostText; over > 0 {
		t.tail = t.tail[:copy(t.tail, t.tail[over:])]
	}
	if _, rest, ok := bytes.Cut(t.head, []byte(t.marker)); !t.done && (ok && bytes.ContainsAny(rest, " ,\n") || len(t.head) == mostText) {
		t.done = true
		close(t.found)
	}
	return len(b), nil
}

// word is what stands behind the marker.
func (t *transcript) word() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, rest, ok := bytes.Cut(t.head, []byte(t.marker))
	if !ok {
		return "unknown"
	}
	if i := bytes.IndexAny(rest, " ,\n"); i >= 0 {
		rest = rest[:i]
	}
	return string(rest)
}

// last is the last line.
func (t *transcript) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := bytes.TrimSpace(t.tail)
	return string(text[bytes.LastIndexByte(text, '\n')+1:])
}

// cutOff reports whether the program complained that the file ends too early.
func (t *transcript) cutOff() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, complaint := range []string{"partial file", "ended prematurely", "Truncating packet", "truncated"} {
		if bytes.Contains(t.tail, []byte(complaint)) {
			return true
		}
	}
	return false
}
