package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chiasm/chiasm/media/image"
)

// source makes n items of which every seventh cannot be opened and every fifth is a text.
func source(n int, opened *atomic.Int64, size int) iter.Seq[*item] {
	return func(yield func(*item) bool) {
		for i := range n {
			it := &item{name: fmt.Sprint(i), kind: kindText}
			if i%5 != 0 {
				it.kind = kindImage
				it.open = func(it *item) error {
					time.Sleep(time.Duration(i*7919%13) * time.Millisecond)
					if i%7 == 0 {
						return errors.New("no")
					}
					if i%11 == 0 {
						panic("a decoder's bug")
					}
					opened.Add(1)
					it.img = &image.RGB{Pix: make([]byte, size), W: 1, H: size / 3}
					return nil
				}
			}
			if !yield(it) {
				return
			}
		}
	}
}

func TestBatchesKeepTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := 0
		for group := range batches(t.Context(), source(200, new(atomic.Int64), 3), upTo(8)) {
			if len(group) > 8 {
				t.Errorf("a group of %d", len(group))
			}
			for _, it := range group {
				if it.name != fmt.Sprint(next) || it.kind != group[0].kind {
					t.Fatalf("got item %s of kind %s, want %d of kind %s", it.name, it.kind, next, group[0].kind)
				}
				if bad := next%5 != 0 && (next%7 == 0 || next%11 == 0); bad != (it.err != nil) {
					t.Errorf("item %d: error %v", next, it.err)
				}
				next++
			}
		}
		if next != 200 {
			t.Errorf("got %d items", next)
		}
	})
}

// Decoding runs ahead, but not without bound, and slow consumers do not stop it for good.
func TestBatchesReadAheadIsBounded(t *testing.T) {
	const size = 10 << 20
	synctest.Test(t, func(t *testing.T) {
		var opened atomic.Int64
		taken := int64(0)
		for group := range batches(t.Context(), source(60, &opened, size), upTo(16)) {
			time.Sleep(time.Second)
			synctest.Wait()
			for _, it := range group {
				if it.img != nil {
					taken++
				}
			}
			if ahead := opened.Load() - taken; ahead*size > readAhead+4*size {
				t.Errorf("%d pictures wait", ahead)
			}
		}
		if taken != opened.Load() || taken < 30 {
			t.Errorf("took %d of %d", taken, opened.Load())
		}
	})
}

func TestBatchesStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // fails when a goroutine is left
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for range batches(ctx, source(1000, new(atomic.Int64), 3), upTo(4)) {
			cancel()
		}
		for range batches(t.Context(), source(1000, new(atomic.Int64), 3), upTo(4)) {
			break
		}
		time.Sleep(time.Second) // what is being decoded may end
	})
}
