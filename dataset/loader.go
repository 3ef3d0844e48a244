package dataset

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"sync"

	"github.com/chiasm/chiasm/internal/cpu"
)

// An Example is an item on its way into a batch.
type Example struct {
	Ref   Ref
	Epoch int
	Item  *Item
	Rand  *rand.Rand // of the seed, the epoch and the item: for what is drawn in its making
}

// A Batch is what a [Loader] made of some items.
type Batch[T any] struct {
	Place Place // its own
	Next  Place // of the batch behind it: where to go on once this one has been learned
	Refs  []Ref // of the items made
	Items []T   // without the broken ones, so there may be fewer than the plan says
}

// A Loader reads and makes items ahead of whoever takes the batches. What it gives is the same for any number of workers.
type Loader[T any] struct {
	Plan    *Plan
	Workers int // goroutines; 0: as many as there are cores
	Ahead   int // items at most that are made and not taken yet, or being made; 0: two batches, and one for every worker

	// Make turns an item into what a batch holds: it decodes, augments, and lays out numbers. It is called by several goroutines at
	// once. An error says that the item is broken.
	Make func(ctx context.Context, x Example) (T, error)

	Broken *Report // takes the errors of broken items, in the order of the plan; may be nil
}

// errAllBroken ends an epoch of which nothing could be made.
var errAllBroken = errors.New("dataset: no item of an epoch could be used")

// From gives the batches from a place on, epoch after epoch, until the caller stops or ctx ends, which is an error and the last that
// comes. When it returns no goroutine is left. A batch of broken items alone is left out.
func (l *Loader[T]) From(ctx context.Context, at Place) iter.Seq2[*Batch[T], error] {
	return l.run(ctx, at, -1)
}

// Once gives the batches of the first epoch alone, as an evaluation needs them.
func (l *Loader[T]) Once(ctx context.Context) iter.Seq2[*Batch[T], error] {
	return l.run(ctx, Place{}, 1)
}

// A task is an item to be made, in its batch.
type task[T any] struct {
	ref         Ref
	place, next Place
	last        bool // of its batch
	result      chan made[T]
}

type made[T any] struct {
	value T
	err   error
	panic any
}

// run gives the batches of epochs before end, of all if end is -1.
func (l *Loader[T]) run(ctx context.Context, at Place, end int) iter.Seq2[*Batch[T], error] {
	return func(yield func(*Batch[T], error) bool) {
		if err := l.Plan.Check(); err != nil {
			yield(nil, err)
			return
		}
		inner, cancel := context.WithCancel(ctx)
		var group sync.WaitGroup
		defer group.Wait()
		defer cancel()

		workers := l.Workers
		if workers <= 0 {
			workers = cpu.Cores()
		}
		ahead := l.Ahead
		if ahead <= 0 {
			ahead = 2*l.Plan.Batch + workers
		}
		// A task is in order before it is in work, so what is made and not taken is never more than order holds.
		order, work := make(chan *task[T], ahead-1), make(chan *task[T])
		group.Go(func() { defer close(order); defer close(work); l.feed(inner, at, end, order, work) })
		for range workers {
			group.Go(func() {
				for t := range work {
					t.result <- l.make(inner, t)
				}
			})
		}
		l.collect(ctx, order, yield)
	}
}

// feed hands out the tasks of one epoch after another.
func (l *Loader[T]) feed(ctx context.Context, at Place, end int, order, work chan<- *task[T]) {
	for ; end < 0 || at.Epoch < end; at = (Place{Epoch: at.Epoch + 1}) {
		batches := l.Plan.Epoch(at.Epoch)
		if len(batches) == 0 {
			return
		}
		for step := at.Step; step < len(batches); step++ {
			place, next := Place{at.Epoch, step}, Place{at.Epoch, step + 1}
			if next.Step == len(batches) {
				next = Place{Epoch: at.Epoch + 1}
			}
			for i, ref := range batches[step] {
				t := &task[T]{ref, place, next, i == len(batches[step])-1, make(chan made[T], 1)}
				for _, to := range []chan<- *task[T]{order, work} {
					select {
					case to <- t:
					case <-ctx.Done():
						return
					}
				}
			}
		}
	}
}

// make makes one item.
func (l *Loader[T]) make(ctx context.Context, t *task[T]) (m made[T]) {
	if m.err = ctx.Err(); m.err != nil {
		return m
	}
	defer func() { m.panic = recover() }()
	set := l.Plan.Sets[t.ref.Set]
	x := Example{Ref: t.ref, Epoch: t.place.Epoch}
	if x.Item, m.err = set.Item(int(t.ref.Index)); m.err != nil {
		return m
	}
	x.Rand = Random(l.Plan.Seed, chanceItem, uint64(x.Epoch), uint64(t.ref.Set), uint64(t.ref.Index), uint64(t.ref.Copy))
	if m.value, m.err = l.Make(ctx, x); m.err != nil {
		var named *ItemError
		if !errors.As(m.err, &named) {
			m.err = &ItemError{set.Name, int(t.ref.Index), x.Item.Key, m.err}
		}
	}
	return m
}

// collect takes the items in order and gives them as batches.
func (l *Loader[T]) collect(ctx context.Context, order <-chan *task[T], yield func(*Batch[T], error) bool) {
	batch, epoch, usable := &Batch[T]{}, 0, true // whether anything of the epoch could be used
	for {
		var t *task[T]
		var m made[T]
		var open bool
		select {
		case t, open = <-order:
		case <-ctx.Done():
		}
		if open {
			select {
			case m = <-t.result:
			case <-ctx.Done():
			}
		}
		switch {
		case ctx.Err() != nil:
			yield(nil, ctx.Err())
			return
		case !open:
			if !usable {
				yield(nil, errors.Join(errAllBroken, l.Broken.Err()))
			}
			return
		case m.panic != nil:
			panic(m.panic)
		case t.place.Epoch != epoch:
			if !usable && t.place.Step == 0 {
				yield(nil, errors.Join(errAllBroken, l.Broken.Err()))
				return
			}
			epoch, usable = t.place.Epoch, false
		}
		if m.err != nil {
			l.Broken.Add(m.err)
		} else {
			batch.Refs, batch.Items, usable = append(batch.Refs, t.ref), append(batch.Items, m.value), true
		}
		if !t.last {
			continue
		}
		batch.Place, batch.Next = t.place, t.next
		if len(batch.Items) > 0 && !yield(batch, nil) {
			return
		}
		batch = &Batch[T]{}
	}
}
