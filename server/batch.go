package server

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/chiasm/chiasm"
)

// A batcher lets inputs of one kind go through a model: at once if it is idle, else together with all others that came while it was busy.
// Requests take turns input by input, so that a long one does not hold up a short one.
type batcher[T any] struct {
	run  func(context.Context, []T) ([]chiasm.Embedding, error)
	most int                  // inputs of a batch
	ran  func(inputs int)     // told of every batch
	hold func() (done func()) // keeps the model open

	mu      sync.Mutex
	waiting []*job[T]
	busy    bool
}

// A job is the inputs of one request.
type job[T any] struct {
	ctx   context.Context
	items []T
	taken int // how many are in batches already
	left  int // how many have no answer yet
	got   []chiasm.Embedding
	err   error
	done  chan struct{} // closed when there is an answer
}

// A seat is one input of a batch.
type seat[T any] struct {
	*job[T]
	at int
}

// do gives the embeddings of items, or ctx's error as soon as that ends.
func (b *batcher[T]) do(ctx context.Context, items []T) ([]chiasm.Embedding, error) {
	if len(items) == 0 {
		return nil, nil
	}
	j := &job[T]{ctx: ctx, items: items, left: len(items), got: make([]chiasm.Embedding, len(items)), done: make(chan struct{})}
	b.mu.Lock()
	b.waiting = append(b.waiting, j)
	if !b.busy {
		b.busy = true
		go b.loop(b.hold())
	}
	b.mu.Unlock()
	select {
	case <-j.done:
		return j.got, j.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// loop works until nothing waits.
func (b *batcher[T]) loop(done func()) {
	defer done()
	for {
		batch := b.take()
		if len(batch) == 0 {
			return
		}
		b.answer(batch)
	}
}

// take chooses the next batch: an input of each waiting job in turn. Jobs that nobody waits for any more are dropped.
func (b *batcher[T]) take() (batch []seat[T]) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = slices.DeleteFunc(b.waiting, func(j *job[T]) bool { return j.ctx.Err() != nil || j.err != nil })
	for more := true; more && len(batch) < b.most; {
		more = false
		for _, j := range b.waiting {
			if j.taken < len(j.items) && len(batch) < b.most {
				batch = append(batch, seat[T]{j, j.taken})
				j.taken++
				more = true
			}
		}
	}
	b.waiting = slices.DeleteFunc(b.waiting, func(j *job[T]) bool { return j.taken == len(j.items) })
	b.busy = len(batch) > 0
	return batch
}

// answer computes a batch. If it fails, each job's inputs are tried by themselves, so that one request's error is not another's.
func (b *batcher[T]) answer(batch []seat[T]) {
	b.ran(len(batch))
	err := b.compute(batch)
	if err == nil {
		return
	}
	jobs := map[*job[T]][]seat[T]{}
	for _, s := range batch {
		jobs[s.job] = append(jobs[s.job], s)
	}
	for j, seats := range jobs {
		own := err
		if len(jobs) > 1 && j.ctx.Err() == nil {
			b.ran(len(seats))
			own = b.compute(seats)
		}
		if own != nil {
			b.mu.Lock()
			if j.err == nil {
				j.err = own
				close(j.done)
			}
			b.mu.Unlock()
		}
	}
}

// compute runs the model on a batch and hands out the results. It stops when nobody waits for any of them.
func (b *batcher[T]) compute(batch []seat[T]) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var mu sync.Mutex
	wanted := map[*job[T]]bool{}
	items := make([]T, len(batch))
	for i, s := range batch {
		items[i], wanted[s.job] = s.items[s.at], true
	}
	jobs := len(wanted)
	for j := range wanted {
		stop := context.AfterFunc(j.ctx, func() {
			mu.Lock()
			defer mu.Unlock()
			if jobs--; jobs == 0 {
				cancel()
			}
		})
		defer stop()
	}
	got, err := guard(func() ([]chiasm.Embedding, error) { return b.run(ctx, items) })
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, s := range batch {
		s.got[s.at] = got[i]
		if s.left--; s.left == 0 && s.err == nil {
			close(s.done)
		}
	}
	return nil
}

// A panicError is a bug that one input met, which must not end the server.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string {
	return fmt.Sprintf("server: this is a bug in chiasm: %v", e.value)
}

// guard turns a panic of f into an error.
func guard[T any](f func() (T, error)) (v T, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &panicError{r, debug.Stack()}
		}
	}()
	return f()
}
