package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/chiasm/chiasm/library"
)

const (
	heartbeat   = 15 * time.Second       // after which a client that has gone is noticed
	eventPause  = 200 * time.Millisecond // between events of one stream
	libraryLook = time.Second            // between looks at whether the library has changed
	mostStreams = 64                     // of events at once
)

// events is a stream of server-sent events (WHATWG HTML, section 9.2).
type events struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func newEvents(w http.ResponseWriter) *events {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	return &events{w, http.NewResponseController(w)}
}

// send writes an event, and reports whether the client is there.
func (e *events) send(name string, v any) bool {
	data, err := json.Marshal(v)
	if err != nil {
		return false
	}
	return e.write("event: %s\ndata: %s\n\n", name, data)
}

func (e *events) write(format string, args ...any) bool {
	if _, err := fmt.Fprintf(e.w, format, args...); err != nil {
		return false
	}
	err := e.control.Flush()
	return err == nil || errors.Is(err, http.ErrNotSupported)
}

// wait waits for one of the changes, and then so long that what follows it at once goes with it. It reports whether the client is there.
func (e *events) wait(ctx context.Context, pause time.Duration, changes ...<-chan struct{}) bool {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	var first, second <-chan struct{}
	if first = changes[0]; len(changes) > 1 {
		second = changes[1]
	}
	for changed := false; !changed; {
		select {
		case <-first:
			changed = true
		case <-second:
			changed = true
		case <-beat.C:
			if !e.write(": still here\n\n") {
				return false
			}
		case <-ctx.Done():
			return false
		}
	}
	select {
	case <-time.After(pause):
		return true
	case <-ctx.Done():
		return false
	}
}

// libraryEvents sends what the library holds and how far runs are, at once and whenever that changes.
func (s *Server) libraryEvents(w http.ResponseWriter, r *http.Request) error {
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		return failf(http.StatusServiceUnavailable, "", "busy", "there are %d streams of events already", mostStreams)
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.jobs.ctx, cancel)()
	events := newEvents(w)
	var state library.State
	told := map[int]jobBody{}
	for first := true; ; first = false {
		now, err := s.opts.Library.Generation(ctx)
		if err != nil {
			return nil
		}
		if first || now != state.Generation {
			if state, err = s.opts.Library.State(ctx); err != nil || !events.send("library", state) {
				return nil
			}
		}
		runs, changed := s.jobs.latest()
		for _, b := range runs {
			if old, ok := told[b.ID]; ok && sameJob(old, b) {
				continue
			}
			told[b.ID] = b
			if !events.send("job", b) {
				return nil
			}
		}
		look := make(chan struct{})
		timer := time.AfterFunc(libraryLook, func() { close(look) })
		there := events.wait(ctx, eventPause, changed, look)
		timer.Stop()
		if !there {
			return nil
		}
	}
}

// sameJob reports whether a run has not gone on.
func sameJob(a, b jobBody) bool {
	return a.State == b.State && a.Found == b.Found && a.Done == b.Done && a.Failed == b.Failed && a.Walking == b.Walking && a.Path == b.Path
}
