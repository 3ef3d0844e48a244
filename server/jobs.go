package server

import (
	"context"
	"maps"
	"net/http"
	"slices"
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
	Watch   bool            `json:"watch,omitempty" doc:"It was begun by a change of a folder, or an upload."`
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

// jobs are the runs, the latest last: one that was asked for at a time, and one that changes of folders began. The library lets them in one
// after the other.
type jobs struct {
	mu      sync.Mutex
	list    []*run
	last    int
	asked   *run            // the one that is running
	watch   *run            // likewise
	waiting map[string]bool // what changed meanwhile, "" for everything
	changed chan struct{}   // closed, and replaced, at every change of a run
	work    sync.WaitGroup
	ctx     context.Context // ends when the server is closed
	stop    context.CancelFunc
}

type run struct {
	jobBody
	listed  bool
	cancel  context.CancelFunc
	changed chan struct{} // closed, and replaced, at every change
}

func newJobs() *jobs {
	j := &jobs{waiting: map[string]bool{}, changed: make(chan struct{})}
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
	if !r.listed && r.Found > 0 {
		j.show(r)
	}
	close(r.changed)
	r.changed = make(chan struct{})
	if r.listed {
		close(j.changed)
		j.changed = make(chan struct{})
	}
}

// show lists a run, with the lock held.
func (j *jobs) show(r *run) {
	j.last++
	r.ID, r.listed = j.last, true
	j.list = append(j.list, r)
	if len(j.list) > mostJobs {
		j.list = j.list[1:]
	}
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

// latest is the runs that go on, and the last one if none does, and what is closed at the next change.
func (j *jobs) latest() (all []jobBody, changed <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i, r := range j.list {
		if r.State == "running" || i == len(j.list)-1 {
			all = append(all, r.jobBody)
		}
	}
	return all, j.changed
}

type startInput struct {
	Authorization string   `header:"Authorization" hidden:"true"`
	Body          *runBody // may be left out
}

type runBody struct {
	Retry        bool     `json:"retry,omitempty" doc:"Also files that failed and have not changed."`
	Paths        []string `json:"paths,omitempty" doc:"Folders and files to cover, and to look at; for the program that shares this machine's library alone."`
	Include      []string `json:"include,omitempty" doc:"Of the paths, only files like this."`
	Exclude      []string `json:"exclude,omitempty" doc:"Of the paths, no files and folders like this."`
	Hidden       bool     `json:"hidden,omitempty" doc:"Also files and folders whose names begin with a dot."`
	NoThumbnails bool     `json:"no_thumbnails,omitempty" doc:"Make no small pictures yet."`
	Exact        bool     `json:"exact,omitempty" doc:"Decode large JPEG files in full."`
}

func (s *Server) startJob(ctx context.Context, in *startInput) (*answer[jobBody], error) {
	if s.opts.ReadOnly {
		return nil, s.missing(ctx, library.ErrReadOnly)
	}
	var b runBody
	if in.Body != nil {
		b = *in.Body
	}
	if token, _ := bearer(in.Authorization); len(b.Paths) > 0 && !s.isKey(token) {
		return nil, failf(http.StatusForbidden, "paths", "paths", "only chiasm index, on this machine, can name folders")
	}
	j := s.jobs
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.ctx.Err() != nil {
		return nil, closing.err
	}
	if j.asked != nil && j.asked.State == "running" { // who was told that it is done may start the next
		return nil, failf(http.StatusConflict, "", "job_running", "job %d is running", j.asked.ID)
	}
	r := s.begin(&j.asked, library.IndexOptions{
		Paths: b.Paths, Include: b.Include, Exclude: b.Exclude, Hidden: b.Hidden, Retry: b.Retry, NoThumbs: b.NoThumbnails, Exact: b.Exact,
	})
	return &answer[jobBody]{r.jobBody}, nil
}

// begin starts a run, with the lock held. One that changes of folders began is listed once it finds something.
func (s *Server) begin(place **run, o library.IndexOptions) *run {
	j := s.jobs
	within, cancel := context.WithCancel(j.ctx)
	r := &run{jobBody: jobBody{Watch: place == &j.watch, State: "running", Started: time.Now(), Walking: true}, cancel: cancel, changed: make(chan struct{})}
	if !r.Watch {
		j.show(r)
	}
	*place = r
	j.work.Go(func() {
		defer cancel()
		s.index(within, r, o)
		j.mu.Lock()
		defer j.mu.Unlock()
		if *place == r {
			*place = nil
		}
		if r.Watch && len(j.waiting) > 0 && j.ctx.Err() == nil {
			s.lookAgain()
		}
	})
	return r
}

// look has folders looked at, none for all: now, or once the look that is going on is over.
func (s *Server) look(paths []string) {
	j := s.jobs
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(paths) == 0 {
		paths = []string{""}
	}
	for _, p := range paths {
		j.waiting[p] = true
	}
	if j.watch == nil && j.ctx.Err() == nil {
		s.lookAgain()
	}
}

// lookAgain begins a look at what is waiting, with the lock held.
func (s *Server) lookAgain() {
	var paths []string
	if !s.jobs.waiting[""] {
		paths = slices.Sorted(maps.Keys(s.jobs.waiting))
	}
	clear(s.jobs.waiting)
	s.begin(&s.jobs.watch, library.IndexOptions{Paths: paths})
}

// index is the work of a run.
func (s *Server) index(ctx context.Context, r *run, o library.IndexOptions) {
	o.Progress = func(p library.Progress) {
		s.jobs.change(r, func(b *jobBody) {
			b.Found, b.Walking, b.Done, b.Failed, b.Path, b.Rate, b.Left = p.Found, p.Walking, p.Done, p.Failed, p.Path, p.Rate, p.Left.Seconds()
		})
	}
	summary, err := guard(func() (library.Summary, error) {
		m, err := s.dormant(ctx)
		if err != nil {
			return library.Summary{}, err
		}
		return s.opts.Library.Index(ctx, m, o)
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
	if r.listed || err != nil {
		s.log.Info("indexed", "added", summary.Added, "changed", summary.Changed, "removed", summary.Removed, "failed", summary.Failed, "error", err)
	}
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
	events := newEvents(w)
	for {
		b, _, changed, err := s.jobs.get(id)
		if err != nil {
			return nil
		}
		if !events.send("job", b) || b.State != "running" || !events.wait(r.Context(), 100*time.Millisecond, changed) {
			return nil
		}
	}
}
