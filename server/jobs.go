package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/chiasm/chiasm/library"
)

// mostJobs is how many runs are remembered.
const mostJobs = 50

// A job is a run of indexing.
type jobBody struct {
	ID      int             `json:"id"`
	State   string          `json:"state" enum:"running,done,failed,stopped"`
	Started time.Time       `json:"started"`
	Found   int             `json:"found" doc:"Files to read, so far."`
	Walking bool            `json:"walking" doc:"There may be more."`
	Done    int             `json:"done"`
	Failed  int             `json:"failed"`
	Path    string          `json:"path,omitempty" doc:"Of the last file."`
	Rate    float64         `json:"rate" doc:"Files a second."`
	Left    float64         `json:"left" doc:"Seconds, as far as is known."`
	Summary library.Summary `json:"summary"`
	Error   string          `json:"error,omitempty"`
}

// jobs are the runs, the latest last.
type jobs struct {
	mu   sync.Mutex
	list []*run
	last int
	work sync.WaitGroup
	ctx  context.Context // ends when the server is closed
	stop context.CancelFunc
}

type run struct {
	jobBody
	cancel  context.CancelFunc
	changed chan struct{} // closed, and replaced, at every change
}

func newJobs() *jobs {
	j := &jobs{}
	j.ctx, j.stop = context.WithCancel(context.Background())
	return j
}

func (j *jobs) close() {
	j.stop()
	j.work.Wait()
}

// change changes a run and tells who watches.
func (j *jobs) change(r *run, f func(*jobBody)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	f(&r.jobBody)
	close(r.changed)
	r.changed = make(chan struct{})
}

// get is a run as it is, and what is closed at its next change.
func (j *jobs) get(id int) (jobBody, *run, <-chan struct{}, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, r := range j.list {
		if r.ID == id {
			return r.jobBody, r, r.changed, nil
		}
	}
	return jobBody{}, nil, nil, failf(http.StatusNotFound, "id", "job_not_found", "there is no job %d", id)
}

type startInput struct {
	Body struct {
		Retry bool `json:"retry,omitempty" doc:"Also files that failed and have not changed."`
	}
}

func (s *Server) startJob(ctx context.Context, in *startInput) (*answer[jobBody], error) {
	if s.opts.ReadOnly {
		return nil, s.missing(ctx, library.ErrReadOnly)
	}
	j := s.jobs
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.ctx.Err() != nil {
		return nil, closing.err
	}
	if n := len(j.list); n > 0 && j.list[n-1].State == "running" {
		return nil, failf(http.StatusConflict, "", "job_running", "job %d is running", j.list[n-1].ID)
	}
	j.last++
	within, cancel := context.WithCancel(j.ctx)
	r := &run{jobBody: jobBody{ID: j.last, State: "running", Started: time.Now(), Walking: true}, cancel: cancel, changed: make(chan struct{})}
	j.list = append(j.list, r)
	if len(j.list) > mostJobs {
		j.list = j.list[1:]
	}
	j.work.Go(func() {
		defer cancel()
		s.index(within, r, library.IndexOptions{Retry: in.Body.Retry})
	})
	return &answer[jobBody]{r.jobBody}, nil
}

// index is the work of a run.
func (s *Server) index(ctx context.Context, r *run, o library.IndexOptions) {
	o.Progress = func(p library.Progress) {
		s.jobs.change(r, func(b *jobBody) {
			b.Found, b.Walking, b.Done, b.Failed, b.Path, b.Rate, b.Left = p.Found, p.Walking, p.Done, p.Failed, p.Path, p.Rate, p.Left.Seconds()
		})
	}
	summary, err := guard(func() (library.Summary, error) {
		m, release, err := s.shelf.take(ctx, "")
		if err != nil {
			return library.Summary{}, err
		}
		defer release()
		return s.opts.Library.Index(ctx, seeker{m}, o)
	})
	s.jobs.change(r, func(b *jobBody) {
		b.Summary, b.State, b.Walking = summary, "done", false
		switch {
		case ctx.Err() != nil:
			b.State = "stopped"
		case err != nil:
			b.State, b.Error = "failed", err.Error()
		}
	})
	s.log.Info("indexed", "added", summary.Added, "changed", summary.Changed, "removed", summary.Removed, "failed", summary.Failed, "error", err)
}

type jobInput struct {
	ID int `path:"id"`
}

func (s *Server) listJobs(context.Context, *struct{}) (*answer[listing[jobBody]], error) {
	s.jobs.mu.Lock()
	defer s.jobs.mu.Unlock()
	var all []jobBody
	for _, r := range s.jobs.list {
		all = append(all, r.jobBody)
	}
	return listed(all), nil
}

func (s *Server) getJob(_ context.Context, in *jobInput) (*answer[jobBody], error) {
	b, _, _, err := s.jobs.get(in.ID)
	return &answer[jobBody]{b}, err
}

func (s *Server) stopJob(_ context.Context, in *jobInput) (*answer[jobBody], error) {
	b, r, _, err := s.jobs.get(in.ID)
	if err == nil {
		r.cancel()
	}
	return &answer[jobBody]{b}, err
}

// jobEvents sends a run at every change, but not more than ten times a second.
func (s *Server) jobEvents(w http.ResponseWriter, r *http.Request) error {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil {
		return failf(http.StatusNotFound, "id", "job_not_found", "there is no job %.40q", r.PathValue("id"))
	}
	if _, _, _, err := s.jobs.get(id); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	control := http.NewResponseController(w)
	for {
		b, _, changed, err := s.jobs.get(id)
		if err != nil {
			return nil
		}
		data, err := json.Marshal(b)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "event: job\ndata: %s\n\n", data); err != nil {
			return nil
		}
		if err := control.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) || b.State != "running" {
			return nil
		}
		select {
		case <-changed:
		case <-time.After(15 * time.Second): // so that a client that has gone is noticed
		case <-r.Context().Done():
			return nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-r.Context().Done():
			return nil
		}
	}
}
