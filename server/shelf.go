package server

import (
	"context"
	"errors"
	"fmt"
	stdimage "image"
	"log/slog"
	"sync"
	"time"

	"github.com/chiasm/chiasm"
)

// A shelf holds models by name, open while they are used.
type shelf struct {
	books map[string]*book
	names []string
	keep  time.Duration
	batch int
	met   *metrics
	log   *slog.Logger
	ctx   context.Context // ends when the shelf is closed
	stop  context.CancelFunc
	work  sync.WaitGroup // what opens and closes models
}

// A book is one model of the shelf, open or not.
type book struct {
	Source
	shelf   *shelf
	mu      sync.Mutex
	open    *loaded
	opening *opening
	users   int
	idle    *time.Timer
	free    chan struct{} // closed when users is 0 again; nil when it is
}

// An opening is an attempt at opening a model, which several requests may wait for.
type opening struct {
	done    chan struct{}
	waiting int // requests, each of which becomes a user
	model   *loaded
	err     error
}

// closing is what requests find when the server ends.
var closing = func() *opening {
	o := &opening{done: make(chan struct{}), err: failf(503, "", "shutting_down", "the server is shutting down")}
	close(o.done)
	return o
}()

// A loaded model has a batcher for each kind of input.
type loaded struct {
	*chiasm.Model
	book                     *book
	texts, queries, passages batcher[string]
	images                   batcher[stdimage.Image]
	sounds                   batcher[chiasm.Sound]
	ear                      chan struct{} // a place for the one transcript that is being written
}

func newShelf(sources []Source, keep time.Duration, batch int, met *metrics, log *slog.Logger) (*shelf, error) {
	if keep == 0 {
		keep = 5 * time.Minute
	}
	s := &shelf{books: map[string]*book{}, keep: keep, batch: batch, met: met, log: log}
	for _, source := range sources {
		if s.books[source.Name] != nil || source.Name == "" || source.Open == nil {
			return nil, fmt.Errorf("server: model %q: want a name of its own, and a way to open it", source.Name)
		}
		s.books[source.Name] = &book{Source: source, shelf: s}
		s.names = append(s.names, source.Name)
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s, nil
}

// take gives a model, opened if need be; "" is the first. release must be called when it is no longer used.
func (s *shelf) take(ctx context.Context, name string) (m *loaded, release func(), err error) {
	if name == "" {
		name = s.names[0]
	}
	b := s.books[name]
	if b == nil {
		return nil, nil, failf(404, "model", "model_not_found", "there is no model %q: see /v1/models", name)
	}
	m, o := b.use()
	if m != nil {
		return m, b.release, nil
	}
	select {
	case <-ctx.Done():
		b.leave(o)
		return nil, nil, ctx.Err()
	case <-o.done:
	}
	if o.err != nil {
		return nil, nil, o.err
	}
	return o.model, b.release, nil
}

// use counts a user of the open model, or says what to wait for.
func (b *book) use() (*loaded, *opening) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open != nil {
		b.count()
		return b.open, nil
	}
	if b.shelf.ctx.Err() != nil {
		return nil, closing
	}
	if b.opening == nil {
		o := &opening{done: make(chan struct{})}
		b.opening = o
		b.shelf.work.Go(func() { b.load(o) })
	}
	b.opening.waiting++
	return nil, b.opening
}

// leave is for a request that waits no longer.
func (b *book) leave(o *opening) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if o.model != nil {
		b.drop()
	} else {
		o.waiting--
	}
}

// count is called with the lock held.
func (b *book) count() {
	if b.users++; b.users == 1 {
		b.free = make(chan struct{})
	}
	if b.idle != nil {
		b.idle.Stop()
		b.idle = nil
	}
}

// hold keeps an open model open.
func (b *book) hold() func() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count()
	return b.release
}

func (b *book) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.drop()
}

// drop is called with the lock held.
func (b *book) drop() {
	if b.users--; b.users == 0 {
		close(b.free)
		b.free = nil
		b.rest()
	}
}

// rest starts the clock after which an idle model is closed. It is called with the lock held.
func (b *book) rest() {
	if b.shelf.keep < 0 || b.shelf.ctx.Err() != nil {
		return
	}
	var own *time.Timer
	own = time.AfterFunc(b.shelf.keep, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.idle == own && b.open != nil && b.shelf.ctx.Err() == nil {
			m := b.open
			b.open, b.idle = nil, nil
			b.shelf.work.Go(func() { m.shut() })
		}
	})
	b.idle = own
}

func (m *loaded) shut() error {
	m.book.shelf.met.open.WithLabelValues(m.book.Name).Set(0)
	err := m.Close()
	m.book.shelf.log.Info("model closed", "model", m.book.Name)
	return err
}

// load opens the model.
func (b *book) load(o *opening) {
	started := time.Now()
	model, err := guard(func() (*chiasm.Model, error) { return b.Open(b.shelf.ctx) })
	b.mu.Lock()
	defer b.mu.Unlock()
	defer close(o.done)
	b.opening = nil
	if err != nil {
		b.shelf.log.Error("model does not open", "model", b.Name, "error", err)
		o.err = fail(503, "model", "model_unavailable", fmt.Errorf("model %q does not open: %w", b.Name, err))
		return
	}
	b.open = b.shelf.prepare(b, model)
	o.model = b.open
	for range o.waiting {
		b.count()
	}
	b.shelf.met.open.WithLabelValues(b.Name).Set(1)
	b.shelf.log.Info("model open", "model", b.Name, "seconds", time.Since(started).Seconds())
	if b.users == 0 {
		b.rest()
	}
}

// prepare gives a model its batchers.
func (s *shelf) prepare(b *book, m *chiasm.Model) *loaded {
	told := func(kind string) func(int) {
		return func(n int) { s.met.batches.WithLabelValues(b.Name, kind).Observe(float64(n)) }
	}
	return &loaded{
		Model: m, book: b, ear: make(chan struct{}, 1),
		texts:    batcher[string]{run: m.EmbedTexts, most: s.batch, ran: told("text"), hold: b.hold},
		queries:  batcher[string]{run: m.EmbedQueries, most: s.batch, ran: told("query"), hold: b.hold},
		passages: batcher[string]{run: m.EmbedDocuments, most: s.batch, ran: told("document"), hold: b.hold},
		images:   batcher[stdimage.Image]{run: m.EmbedImages, most: s.batch, ran: told("image"), hold: b.hold},
		sounds:   batcher[chiasm.Sound]{run: m.EmbedAudios, most: s.batch, ran: told("audio"), hold: b.hold},
	}
}

// close closes all models, each when nobody uses it any more. What is being opened is given up.
func (s *shelf) close() error {
	s.stop()
	s.work.Wait()
	var errs []error
	for _, name := range s.names {
		b := s.books[name]
		b.mu.Lock()
		free := b.free
		b.mu.Unlock()
		if free != nil {
			<-free
		}
		b.mu.Lock()
		m := b.open
		b.open = nil
		if b.idle != nil {
			b.idle.Stop()
		}
		b.mu.Unlock()
		if m != nil {
			errs = append(errs, m.shut())
		}
	}
	return errors.Join(errs...)
}
