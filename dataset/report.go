package dataset

import (
	"errors"
	"fmt"
	"sync"
)

// An ItemError is why an item of a set can't be used. It says which, so that the rest may be.
type ItemError struct {
	Set   string // name of the set
	Index int
	Key   string // "" where not even that could be read
	Err   error
}

// Error names the item and says what is wrong with it.
func (e *ItemError) Error() string {
	name := ""
	if e.Key != "" {
		name = fmt.Sprintf(" (%s)", e.Key)
	}
	return fmt.Sprintf("dataset: %s: item %d%s: %v", e.Set, e.Index, name, e.Err)
}

// Unwrap is the cause.
func (e *ItemError) Unwrap() error { return e.Err }

// kept is how many errors a Report keeps.
const kept = 100

// A Report counts broken items and keeps the first errors. Its methods may be called by several goroutines; a nil *Report has
// nothing to say.
type Report struct {
	mu    sync.Mutex
	count int
	first []error
}

// Add counts an error.
func (r *Report) Add(err error) {
	if r == nil || err == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count++
	if len(r.first) < kept {
		r.first = append(r.first, err)
	}
}

// Count is how many errors there were.
func (r *Report) Count() int {
	if r == nil {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count
}

// First are the first hundred errors, in the order in which they came.
func (r *Report) First() []error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]error(nil), r.first...)
}

// Err is nil if nothing was broken, else one error that says how much and begins with the first cause.
func (r *Report) Err() error {
	first := r.First()
	switch n := r.Count(); {
	case n == 0:
		return nil
	case n == 1:
		return first[0]
	default:
		return fmt.Errorf("%w (and %d more)", first[0], n-1)
	}
}

var errNothing = errors.New("no items")
