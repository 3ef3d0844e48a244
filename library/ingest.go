package library

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/chiasm/chiasm/index"
	"github.com/chiasm/chiasm/internal/cpu"
)

// IndexOptions say what [Library.Index] does.
type IndexOptions struct {
	Paths    []string // folders or files to cover, and to look at now; none for all roots
	Include  []string // patterns for roots that are new, or named in Paths: see docs/library.md
	Exclude  []string
	Hidden   bool           // from now on also files and folders of these roots that begin with a dot
	Retry    bool           // also files that failed and have not changed
	NoThumbs bool           // make no thumbnails: they are made when they are asked for
	Exact    bool           // decode large JPEG files in full, as the reference does: slower, and nearly the same
	Progress func(Progress) // told how far it is, by several goroutines one after the other
}

// A Summary says what [Library.Index] found.
type Summary struct {
	Added     int `json:"added"`
	Changed   int `json:"changed"`
	Moved     int `json:"moved"`
	Removed   int `json:"removed"`
	Failed    int `json:"failed"`            // files that could not be read, this time
	Damaged   int `json:"damaged,omitempty"` // files of which only a part could be read, this time: they are found by that
	Unchanged int `json:"unchanged"`
	Embedded  int `json:"embedded"`          // files that got vectors
	Adopted   int `json:"adopted,omitempty"` // files whose vectors another space had: what makes them is the same in both

	// Files in formats that are not read, by their extensions: camera RAW without a known preview, JPEG XL and others. They are no failures.
	Unsupported map[string]int `json:"unsupported,omitempty"`

	Missing  []string `json:"missing,omitempty"` // roots that are not there: what they held is kept
	Space    string   `json:"space"`
	Complete bool     `json:"complete"` // every file has its vectors in the space: search answers from it
	Switched bool     `json:"switched,omitempty"`
}

// A Progress says how far [Library.Index] is.
type Progress struct {
	Found   int  // files to read, so far
	Walking bool // there may be more
	Done    int
	Failed  int
	Path    string  // of the last one
	Rate    float64 // files a second
	Left    time.Duration
}

// A job is a file on its way into the library.
type job struct {
	found
	file    int64 // its id in the catalogue, 0 if it is new
	known   bool  // the catalogue has its content under this path
	moved   bool  // it lay elsewhere
	done    bool  // it has its vectors
	alone   bool  // the catalogue has no other file of its content
	nothing bool  // it is no file that counts
	retold  bool  // only what is said of it is to be read again
	again   bool  // it counts already
	kind    string
	hash    []byte
	meta    Metadata
	damage  error // what is wrong with it though it can be read
	err     error
	count   int   // of pieces
	parts         // by piece
	held    int64 // bytes of the budget

	looked, listened bool     // another space had what is seen in this video, or heard
	before           Metadata // its sizes then

	mu   sync.Mutex
	left int // pieces that are on their way, and one for the reader
}

// An ingest is a run of [Library.Index].
type ingest struct {
	*Library
	statements *statements
	ctx        context.Context
	cancel     context.CancelCauseFunc
	o          IndexOptions
	model      Model
	space      Space
	index      *index.Index
	words      *describer
	budget     *budget
	kinds      map[string]bool

	todo   chan *job
	pieces chan piece
	ready  chan *job

	mu      sync.Mutex
	summary Summary
	now     Progress
	began   time.Time
	claimed map[int64]bool // files that moved
	seen    map[int64]bool
	told    map[int64]bool    // files that were described; true for once more, after their sidecars
	beheld  map[int64]bool    // sidecars that are as they were, or have changed
	besides []sidecar         // that are new, have changed or are gone
	broken  []string          // folders and files that could not be read
	drives  map[string]*mount // below roots
	met     int               // files found that the catalogue knows, by their paths

	searching sync.Mutex
	vacant    map[string][]place // by the hash of a content that many files have: from where one is gone
}

// Index brings the library up to date with its folders, and makes vectors by the model. Files that cannot be read are no error: see
// [Library.Errors]. What was done before an error, or the end of ctx, stays done.
func (l *Library) Index(ctx context.Context, m Model, o IndexOptions) (Summary, error) {
	if l.opts.ReadOnly {
		return Summary{}, fmt.Errorf("library: %w", ErrReadOnly)
	}
	l.writing.Lock()
	defer l.writing.Unlock()
	s, err := l.ingest(ctx, m, o)
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("library: %w", err)
	}
	return s, err
}

func (l *Library) ingest(ctx context.Context, m Model, o IndexOptions) (Summary, error) {
	scopes, err := l.scopes(ctx, o)
	if err != nil {
		return Summary{}, err
	}
	space, err := l.ensureSpace(ctx, m)
	if err != nil {
		return Summary{}, err
	}
	if err := l.setFact(ctx, "dirty", "1"); err != nil {
		return Summary{}, err
	}
	x, err := l.vectors(ctx, space)
	if err != nil {
		return Summary{}, err
	}
	lost, err := l.lost(ctx, space)
	if err != nil {
		return Summary{}, err
	}
	if lost > 0 || len(x.Damages()) > 0 {
		if err := l.mend(ctx, space); err != nil {
			return Summary{}, err
		}
	}
	if x, err = l.vectors(ctx, space); err != nil { // mending may have made it anew
		return Summary{}, err
	}
	run := &ingest{
		Library: l, statements: newStatements(l.db), o: o, model: m, space: space, index: x, kinds: map[string]bool{}, claimed: map[int64]bool{}, seen: map[int64]bool{},
		vacant: map[string][]place{}, told: map[int64]bool{}, beheld: map[int64]bool{}, began: time.Now(),
	}
	defer run.statements.close()
	run.summary.Space, run.now.Walking = space.Name, true
	if run.drives, err = l.mounts(ctx); err != nil {
		return Summary{}, err
	}
	kinds := takes(m)
	for _, k := range kinds {
		run.kinds[k] = true
	}
	if run.words, err = l.describer(ctx, m, space, x); err == nil {
		err = run.adopt(ctx)
	}
	if err == nil {
		err = run.all(ctx, scopes)
	}
	if err == nil {
		err = run.words.all(ctx)
	}
	if err == nil {
		run.summary.Switched, err = l.complete(ctx, space, kinds)
	}
	if err == nil {
		if s, ok, e := l.spaceOf(ctx, m); e == nil && ok {
			run.summary.Complete = s.State == Current
		}
		err = l.setFact(ctx, "dirty", "")
	}
	if err == nil && run.summary.Changed+run.summary.Removed > 0 {
		err = l.trimThumbs(ctx)
	}
	if err == nil {
		err = x.Compact(ctx)
	}
	if err != nil && ctx.Err() == nil {
		l.reset(space)
	}
	return run.summary, err
}

// all reads what is new or has changed, and forgets what is gone.
func (run *ingest) all(ctx context.Context, scopes []scope) error {
	if err := run.through(ctx, func() error { return run.walk(scopes) }); err != nil {
		return err
	}
	if err := run.sweep(ctx, scopes); err != nil {
		return err
	}
	return run.retell(ctx, scopes)
}

// through reads, embeds and writes the files that find sends, all at once.
func (run *ingest) through(ctx context.Context, find func() error) error {
	run.ctx, run.cancel = context.WithCancelCause(ctx)
	defer run.cancel(nil)
	run.todo, run.pieces, run.ready = make(chan *job, 1<<14), make(chan piece, 32), make(chan *job, 256)
	var stop func() bool
	run.budget, stop = newBudget(run.ctx)
	defer stop()
	var walking, reading, embedding, writing sync.WaitGroup
	guarded := func(wait *sync.WaitGroup, f func() error) {
		wait.Go(func() {
			defer func() {
				if r := recover(); r != nil {
					run.cancel(fmt.Errorf("this is a bug: %v", r))
				}
			}()
			if err := f(); err != nil {
				run.cancel(err)
			}
		})
	}
	guarded(&walking, find)
	for range max(2, cpu.Cores()) {
		guarded(&reading, run.read)
	}
	guarded(&embedding, run.embed)
	guarded(&writing, run.write)
	walking.Wait()
	close(run.todo)
	reading.Wait()
	close(run.pieces)
	embedding.Wait()
	close(run.ready)
	writing.Wait()
	return context.Cause(run.ctx)
}

func (run *ingest) count(f func(*Summary)) {
	run.mu.Lock()
	defer run.mu.Unlock()
	f(&run.summary)
}

// tell changes the progress and shows it.
func (run *ingest) tell(f func(*Progress)) {
	run.mu.Lock()
	defer run.mu.Unlock()
	f(&run.now)
	if seconds := time.Since(run.began).Seconds(); seconds > 0 {
		run.now.Rate = float64(run.now.Done) / seconds
	}
	if run.now.Rate > 0 {
		run.now.Left = time.Duration(float64(run.now.Found-run.now.Done) / run.now.Rate * float64(time.Second))
	}
	if run.o.Progress != nil {
		run.o.Progress(run.now)
	}
}
