package server

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/library"
)

// A Source is a model that can be asked for by a name.
type Source struct {
	Name string
	// Open opens the model; it is called when the model is first asked for, and again after it was closed for being idle.
	Open func(ctx context.Context) (*chiasm.Model, error)
}

// Options of New. The zero value of each field is its default.
type Options struct {
	Models    []Source         // the first answers requests that name none
	Fused     []Fused          // models that decide by several modalities
	Token     string           // what requests must bear; "" for none, which only fits a loopback address
	Key       string           // who bears it needs no token, and may have folders indexed that the library does not cover; "" for none
	Hosts     []string         // host names besides the loopback ones that requests may name where there is no token
	Origins   []string         // sites, as "https://example.org", whose pages may use the server (CORS)
	Library   *library.Library // what is searched, by the first model; nil for none. Its owner closes it after the server
	ReadOnly  bool             // change nothing of the library
	Watch     bool             // follow the library's folders while serving
	Every     time.Duration    // between looks at all of them, see [library.WatchOptions]
	AllowURL  bool             // fetch http and https addresses in inputs, but never from private networks
	KeepAlive time.Duration    // how long an idle model stays open; 0 for 5 minutes, negative for ever
	Limits    Limits
	Version   string       // of the program, for clients to see
	Log       *slog.Logger // nil for no log
}

// Limits bound what requests may cost. The zero value of each field is its default.
type Limits struct {
	Body       int64         // bytes of a request; 32 MiB
	Upload     int64         // bytes of a request that brings a file; 1 GiB
	Inputs     int           // inputs, documents or labels of a request; 2048
	Pixels     int64         // of a request's pictures together; 64 Mi
	Duration   time.Duration // of a sound to transcribe; 4 hours
	Concurrent int           // requests with a body that are read or worked on at once; 16
	Wait       time.Duration // of a request for its turn; 30 seconds
	Batch      int           // inputs that go through a model together; 32
	Header     time.Duration // until a request's header has come; 10 seconds
	Grace      time.Duration // until a body must keep up with Pace, an answer be taken, and a shutdown be over; 30 seconds
	Pace       int64         // bytes a second of a body, on average; 16 KiB
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Body: cmp.Or(l.Body, 32<<20), Upload: cmp.Or(l.Upload, 1<<30), Inputs: cmp.Or(l.Inputs, 2048), Pixels: cmp.Or(l.Pixels, 64<<20),
		Duration: cmp.Or(l.Duration, 4*time.Hour), Concurrent: cmp.Or(l.Concurrent, 16), Wait: cmp.Or(l.Wait, 30*time.Second), Batch: cmp.Or(l.Batch, 32),
		Header: cmp.Or(l.Header, 10*time.Second), Grace: cmp.Or(l.Grace, 30*time.Second), Pace: cmp.Or(l.Pace, 16<<10),
	}
}

// A Server answers HTTP requests by models.
type Server struct {
	opts    Options
	limits  Limits
	log     *slog.Logger
	token   [sha256.Size]byte
	shelf   *shelf
	metrics *metrics
	fetcher *fetcher
	origins *http.CrossOriginProtection
	slots   chan struct{}
	jobs    *jobs
	sleeper atomic.Pointer[dormant]
	streams chan struct{} // of events
	fused   []*fusedBook
	api     huma.API
	handler http.Handler
}

// New makes a server. Its models are not opened yet. Close it if Serve is not called.
func New(o Options) (*Server, error) {
	if len(o.Models) == 0 {
		return nil, errors.New("server: no model is named")
	}
	s := &Server{opts: o, limits: o.Limits.withDefaults(), log: o.Log, token: sha256.Sum256([]byte(o.Token)), origins: http.NewCrossOriginProtection()}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	for _, origin := range o.Origins {
		if err := s.origins.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("server: origin: %w", err)
		}
	}
	s.metrics = newMetrics()
	s.slots = make(chan struct{}, s.limits.Concurrent)
	s.jobs, s.streams = newJobs(), make(chan struct{}, mostStreams)
	s.fetcher = newFetcher(s.limits.Body, s.limits.Grace)
	var err error
	if s.shelf, err = newShelf(o.Models, o.KeepAlive, s.limits.Batch, s.metrics, s.log); err != nil {
		return nil, err
	}
	if s.fused, err = newFused(o.Fused, s.shelf.names); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	s.api = s.describe(mux)
	s.handler = s.observed(s.guarded(s.admitted(mux)))
	return s, nil
}

// Handler is what answers requests.
func (s *Server) Handler() http.Handler { return s.handler }

// OpenAPI is the document that describes the API, as JSON.
func (s *Server) OpenAPI() ([]byte, error) { return s.api.OpenAPI().MarshalJSON() }

// Serve answers requests from l until ctx ends; then it lets those that are being answered finish, for [Limits.Grace] at most, and closes the
// models. The error is nil after an orderly end.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	if !IsLoopback(l.Addr()) && s.opts.Token == "" {
		return errors.Join(fmt.Errorf("server: %s can be reached from other machines: want a token", l.Addr()), l.Close(), s.Close())
	}
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	h := &http.Server{
		Handler: s.handler, BaseContext: func(net.Listener) context.Context { return base },
		ReadHeaderTimeout: s.limits.Header, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	h.RegisterOnShutdown(s.jobs.stop) // which ends the streams of their events
	if s.watches() {
		s.jobs.work.Go(s.follow)
	}
	served := make(chan error, 1)
	go func() { served <- h.Serve(l) }()
	var err error
	select {
	case err = <-served:
		err = fmt.Errorf("server: %w", err)
	case <-ctx.Done():
		within, done := context.WithTimeout(base, s.limits.Grace)
		if h.Shutdown(within) != nil {
			s.log.Warn("requests were cut off", "after", s.limits.Grace)
		}
		done()
		<-served
	}
	cancel()
	return errors.Join(err, h.Close(), s.Close())
}

// watches reports whether changes of the library's folders are followed.
func (s *Server) watches() bool { return s.opts.Watch && !s.opts.ReadOnly && s.opts.Library != nil }

// follow has what changes looked at.
func (s *Server) follow() {
	err := s.opts.Library.Follow(s.jobs.ctx, s.opts.Every, 0, func(paths []string) error {
		if roots, err := s.opts.Library.Roots(s.jobs.ctx); err == nil && len(roots) > 0 {
			s.look(paths)
		}
		return nil
	})
	if s.jobs.ctx.Err() == nil {
		s.log.Error("folders are not followed any more", "error", err)
	}
}

// Close stops indexing and closes the models, once nothing uses them any more.
func (s *Server) Close() error {
	s.jobs.close()
	s.fetcher.close()
	return errors.Join(s.closeFused(), s.shelf.close())
}

// IsLoopback reports whether an address can only be reached from this machine.
func IsLoopback(a net.Addr) bool {
	switch a := a.(type) {
	case *net.TCPAddr:
		return a.IP.IsLoopback()
	case *net.UnixAddr:
		return true
	}
	return false
}
