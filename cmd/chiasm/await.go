package main

import (
	"context"
	"io"
)

// await runs f beside, so that a cancelled context ends the wait at once; f's work is then abandoned.
func await[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		value  T
		err    error
		broken any // what f panicked with
	}
	done := make(chan result, 1)
	go func() {
		var r result
		defer func() {
			r.broken = recover()
			done <- r
		}()
		r.value, r.err = f()
	}()
	select {
	case r := <-done:
		if r.broken != nil {
			panic(r.broken)
		}
		return r.value, r.err
	case <-ctx.Done():
		var zero T
		return zero, ctx.Err()
	}
}

// A patient reader waits for a slow source no longer than until its context is cancelled. It is for one goroutine.
type patient struct {
	ctx    context.Context
	r      io.Reader
	buffer []byte // what was read and not yet given
	space  []byte
}

// Read is r's, or the context's error.
func (p *patient) Read(b []byte) (int, error) {
	if len(p.buffer) == 0 {
		n, err := await(p.ctx, func() (int, error) {
			if p.space == nil {
				p.space = make([]byte, 1<<16)
			}
			return p.r.Read(p.space)
		})
		if n == 0 || p.ctx.Err() != nil {
			return 0, err
		}
		p.buffer = p.space[:n] // an error comes again with the next read
	}
	n := copy(b, p.buffer)
	p.buffer = p.buffer[n:]
	return n, nil
}
