package chiasm

import (
	"context"
	"iter"
	"time"

	"github.com/chiasm/chiasm/model/vad"
)

// A feeder makes windows in the background, a batch ahead of whoever takes them.
type feeder struct {
	windows chan *vad.Window
	cancel  context.CancelFunc
	broken  any // what the making panicked with
}

// feed begins to make windows for batches of up to n.
func feed(ctx context.Context, windows iter.Seq[*vad.Window], n int) *feeder {
	ctx, cancel := context.WithCancel(ctx)
	f := &feeder{windows: make(chan *vad.Window, n), cancel: cancel}
	go func() {
		defer close(f.windows)
		defer func() { f.broken = recover() }()
		for w := range windows {
			select {
			case f.windows <- w:
			case <-ctx.Done():
				return
			}
		}
	}()
	return f
}

// lull is how long a batch waits for more windows: long for the making of one, short for the hearing of one.
const lull = 50 * time.Millisecond

// next is the next batch: as many windows as there are soon, and at least so many unless the end comes before; none at the end or when ctx is
// cancelled.
func (f *feeder) next(ctx context.Context, least int) (batch []*vad.Window) {
	var late <-chan time.Time // nil until there are enough windows
	for len(batch) < max(cap(f.windows), least) {
		select {
		case w, ok := <-f.windows:
			if !ok {
				if f.broken != nil {
					panic(f.broken)
				}
				return batch
			}
			if batch = append(batch, w); len(batch) >= least {
				late = time.After(lull)
			}
		case <-late:
			return batch
		case <-ctx.Done():
			return nil
		}
	}
	return batch
}

// stop ends the making and waits for that.
func (f *feeder) stop() {
	f.cancel()
	for range f.windows {
	}
}
