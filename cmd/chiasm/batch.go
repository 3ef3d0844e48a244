package main

import (
	"context"
	"fmt"
	"iter"
	"sync"

	stdimage "image"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/internal/cpu"
)

// readAhead is how many bytes of decoded pictures and sounds may wait to be computed with. The limit may be passed by one of them per
// decoder.
const readAhead = 32 << 20

// A feed hands out items in their order, with the next ones being decoded meanwhile.
type feed struct {
	ctx     context.Context
	ordered chan *slot

	mu      sync.Mutex
	room    *sync.Cond
	waiting int // bytes of what is decoded that nobody has taken
	broken  any // what a goroutine panicked with
}

// A slot is an item on its way.
type slot struct {
	*item
	ready chan struct{} // closed when it is decoded
	bytes int
}

// batches gives the items in their order, grouped by kind, up to size(kind) of them; a group ends early rather than wait for a slow source. Items that
// failed come along, with their error. What a group holds is dropped when the next is asked for.
func batches(ctx context.Context, items iter.Seq[*item], size func(kind string) int) iter.Seq[[]*item] {
	return func(yield func([]*item) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		f := &feed{ctx: ctx, ordered: make(chan *slot, max(size(kindText), size(kindImage), size(kindAudio)))}
		f.room = sync.NewCond(&f.mu)
		stop := context.AfterFunc(ctx, f.room.Broadcast)
		defer stop()
		f.start(items)
		var held *slot // taken already, for the next group
		for {
			var group []*item
			bytes := 0
			for (len(group) == 0 || len(group) < size(group[0].kind)) && bytes < readAhead/2 {
				s := held
				held = nil
				if s == nil {
					s = f.next(len(group) == 0)
				}
				if s == nil {
					break
				}
				if len(group) > 0 && group[0].kind != s.kind {
					held = s
					break
				}
				group = append(group, s.item)
				bytes += s.bytes
			}
			f.check()
			for _, it := range group {
				if it.damage != nil && it.err == nil && it.told != nil {
					it.told(it)
				}
			}
			if len(group) == 0 || ctx.Err() != nil || !yield(group) {
				return
			}
			for _, it := range group {
				it.img, it.sound.Samples = nil, nil
			}
			f.free(bytes)
		}
	}
}

// next is the next item, decoded, or nil at the end, when cancelled or, unless it shall wait, when none is there yet.
func (f *feed) next(wait bool) *slot {
	var s *slot
	if wait {
		select {
		case s = <-f.ordered:
		case <-f.ctx.Done():
			return nil
		}
	} else {
		select {
		case s = <-f.ordered:
		default:
			return nil
		}
	}
	if s == nil {
		return nil
	}
	select {
	case <-s.ready:
		return s
	case <-f.ctx.Done():
		return nil
	}
}

// start begins to read items and to decode them.
func (f *feed) start(items iter.Seq[*item]) {
	work := make(chan *slot)
	go func() {
		defer close(f.ordered)
		defer close(work)
		defer f.guard()
		for it := range items {
			s := &slot{item: it, ready: make(chan struct{}), bytes: it.bytes()}
			if s.bytes > 0 { // it comes decoded; all that came before is with a decoder, so that none is kept out
				if !f.wait() {
					return
				}
				f.free(-s.bytes)
			}
			select {
			case f.ordered <- s:
			case <-f.ctx.Done():
				return
			}
			if it.open == nil || it.err != nil {
				close(s.ready)
				continue
			}
			select {
			case work <- s:
			case <-f.ctx.Done():
				return
			}
		}
	}()
	for range min(4, cpu.Cores()) {
		go func() {
			for f.wait() {
				s, ok := <-work
				if !ok {
					return
				}
				f.decode(s)
			}
		}()
	}
}

// wait returns true when there is room for one more. It is asked before an item is taken, so that a later one can never keep an
// earlier one out.
func (f *feed) wait() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.waiting >= readAhead && f.ctx.Err() == nil {
		f.room.Wait()
	}
	return f.ctx.Err() == nil
}

// free makes room.
func (f *feed) free(bytes int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting -= bytes
	f.room.Broadcast()
}

// decode opens an item. A decoder's bug is that item's failure, nobody else's.
func (f *feed) decode(s *slot) {
	defer close(s.ready)
	defer func() {
		if r := recover(); r != nil {
			s.img, s.sound, s.err = nil, chiasm.Sound{}, fmt.Errorf("the decoder failed: %v", r)
		}
	}()
	if s.err = s.open(s.item); s.err != nil {
		s.img, s.sound = nil, chiasm.Sound{}
		return
	}
	s.bytes = s.item.bytes()
	f.free(-s.bytes)
}

// guard, deferred, hands a panic to the goroutine that asks for batches.
func (f *feed) guard() {
	if r := recover(); r != nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.broken = r
	}
}

// check goes on with a panic of the goroutine that reads items.
func (f *feed) check() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		panic(f.broken)
	}
}

// upTo is the same size for every kind.
func upTo(n int) func(string) int { return func(string) int { return n } }

// images is the pictures of items.
func images(items []*item) []stdimage.Image {
	out := make([]stdimage.Image, len(items))
	for i, it := range items {
		out[i] = it.img
	}
	return out
}

// How many pictures, sounds and texts go through a model together where nobody says otherwise.
const imageBatch, soundBatch, textBatch = 16, 8, 256

// batchSizes is how many inputs of a kind are taken together: n, or if that is 0 as many as is usual.
func batchSizes(n int) func(kind string) int {
	return func(kind string) int {
		switch {
		case n > 0:
			return n
		case kind == kindText:
			return textBatch
		case kind == kindAudio:
			return soundBatch
		case kind == kindVideo:
			return 1 // its frames are many pictures
		}
		return imageBatch
	}
}

// vectors embeds pictures, sounds or videos. A video that is too much for the model has an error and no vector.
func vectors(ctx context.Context, m *chiasm.Model, items []*item) ([]chiasm.Embedding, error) {
	if len(items) == 0 {
		return nil, nil
	}
	switch items[0].kind {
	case kindAudio:
		return m.EmbedAudios(ctx, hearing(items))
	case kindVideo:
		var out []chiasm.Embedding
		for _, it := range items {
			e, err := m.EmbedVideo(ctx, it.video)
			switch {
			case ctx.Err() != nil:
				return nil, err
			case err != nil:
				it.err = err
			default:
				out = append(out, e)
			}
		}
		return out, nil
	}
	return m.EmbedImages(ctx, images(items))
}

// split tells items that can be answered from those that failed.
func split(group []*item) (good, bad []*item) {
	for _, it := range group {
		if it.err != nil {
			bad = append(bad, it)
		} else {
			good = append(good, it)
		}
	}
	return good, bad
}
