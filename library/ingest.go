package library

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
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
	kind    string
	hash    []byte
	meta    Metadata
	damage  error // what is wrong with it though it can be read
	err     error
	parts   int
	vectors [][]float32
	times   [][2]float64
	heard   []bool // by piece: it is of sound
	held    int64  // bytes of the budget

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
	broken  []string          // folders and files that could not be read
	drives  map[string]*mount // below roots
	met     int               // files found that the catalogue knows, by their paths
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
		todo: make(chan *job, 1<<14), pieces: make(chan piece, 32), ready: make(chan *job, 256), began: time.Now(),
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

// A scope is a part of a root to look at.
type scope struct {
	root Root
	path string
}

// scopes adds roots for the paths, and lists what is to be looked at.
func (l *Library) scopes(ctx context.Context, o IndexOptions) ([]scope, error) {
	roots, err := l.Roots(ctx)
	if err != nil {
		return nil, err
	}
	within := func(path string) (r *Root) {
		for i := range roots { // the innermost: that of uploads may lie in another
			if contains(roots[i].Path, path) && (r == nil || len(roots[i].Path) > len(r.Path)) {
				r = &roots[i]
			}
		}
		return r
	}
	var out []scope
	for _, p := range o.Paths {
		absolute, err := filepath.Abs(p)
		if err != nil {
			return nil, err
		}
		if r := within(absolute); r != nil && r.Path != absolute {
			r.Hidden = r.Hidden || o.Hidden
			if err := r.covers(absolute, o); err != nil {
				return nil, err
			}
		} else if r == nil || r.Path == absolute && len(o.Include)+len(o.Exclude) > 0 {
			if err := l.addRoot(ctx, absolute, o.Include, o.Exclude); err != nil {
				return nil, err
			}
			if roots, err = l.Roots(ctx); err != nil {
				return nil, err
			}
		}
		if r := within(absolute); r != nil {
			out = append(out, scope{*r, absolute})
		}
	}
	if len(o.Paths) == 0 {
		for _, r := range roots {
			out = append(out, scope{r, r.Path})
		}
	}
	for i := range out {
		if r := &out[i].root; o.Hidden && !r.Hidden {
			if err := l.setFact(ctx, hiddenFact+strconv.FormatInt(r.id, 10), "1"); err != nil {
				return nil, err
			}
			r.Hidden = true
		}
	}
	if len(out) == 0 {
		return nil, errors.New("the library covers no folder yet: name one to index")
	}
	return out, nil
}

// covers reports why a path below a root cannot be taken in by itself: the next look at the whole root would undo it.
func (r *Root) covers(path string, o IndexOptions) error {
	if len(o.Include)+len(o.Exclude) > 0 {
		return fmt.Errorf("%s lies in %s, which is covered with its own patterns: name that folder, with patterns such as %s/**", path, r.Path, r.below(path))
	}
	if r.leavesOut(path) {
		return fmt.Errorf("%s is left out of %s, by a pattern or as hidden: name that folder, with all patterns that it should have and perhaps --hidden", path, r.Path)
	}
	return nil
}

// leavesOut reports whether a path below a root, or a folder that it lies in, is hidden or excluded.
func (r *Root) leavesOut(path string) bool {
	for ; path != r.Path && contains(r.Path, path); path = filepath.Dir(path) {
		if r.hides(path) {
			return true
		}
	}
	return false
}

// hides reports whether a file or folder is left out by its own name or path.
func (r *Root) hides(path string) bool {
	return strings.HasPrefix(filepath.Base(path), ".") && !r.Hidden || r.exclude.match(r.below(path))
}

// below is a path as patterns see it.
func (r *Root) below(path string) string {
	if below, err := filepath.Rel(r.Path, path); err == nil {
		return below
	}
	return path
}

// all walks, reads, embeds and writes at once.
func (run *ingest) all(ctx context.Context, scopes []scope) error {
	run.ctx, run.cancel = context.WithCancelCause(ctx)
	defer run.cancel(nil)
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
	guarded(&walking, func() error { return run.walk(scopes) })
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
	if err := context.Cause(run.ctx); err != nil {
		return err
	}
	return run.sweep(ctx, scopes)
}

// walk finds files that have to be read.
func (run *ingest) walk(scopes []scope) error {
	defer run.tell(func(p *Progress) { p.Walking = false })
	for i := range scopes {
		if err := run.clear(scopes[i], "faults"); err != nil {
			return err
		}
		if err := run.clear(scopes[i], "links"); err != nil {
			return err
		}
		var failed error
		w := &walk{root: &scopes[i].root, own: run.dir, unread: map[string]int{},
			give: func(f found) bool { failed = run.consider(f); return failed == nil },
			link: func(path, real string) {
				if _, err := run.db.ExecContext(run.ctx, "INSERT OR REPLACE INTO links VALUES(?, ?, ?)", []byte(path), scopes[i].root.id, []byte(real)); err != nil {
					failed = err
				}
			},
			fault: func(path string, err error) {
				run.broken = append(run.broken, path)
				run.fault(scopes[i].root, path, err)
			},
		}
		w.mount = func(path string, device int64) {
			if err := run.mounted(path, device); err != nil && failed == nil {
				failed = err
			}
		}
		before := run.met
		err := w.from(run.ctx, scopes[i].path)
		if failed != nil {
			return failed
		}
		if run.ctx.Err() != nil {
			return context.Cause(run.ctx)
		}
		if err := run.visited(&scopes[i], run.met > before, err); err != nil {
			return err
		}
		if !scopes[i].root.Missing {
			if err := run.passedBy(&scopes[i], w.unread); err != nil {
				return err
			}
		}
	}
	return nil
}

// visited notes whether a root is there. One that is away keeps what it held, and so does one that lies on another device now, as the place where a
// drive was, if none of its files were met in it.
func (run *ingest) visited(s *scope, met bool, err error) error {
	now := device(s.root.Path)
	gone := err != nil
	if _, rootErr := os.Lstat(s.root.Path); gone && rootErr == nil && errors.Is(err, fs.ErrNotExist) {
		gone = false // the root is there, what was named below it is not
	}
	if !gone && !met && s.path == s.root.Path && s.root.Files > 0 && (now == 0 || now != s.root.device) {
		if info, err := os.Stat(s.root.Path); err == nil && info.IsDir() {
			gone = true
		}
	}
	s.root.Missing = gone
	if gone {
		run.summary.Missing = append(run.summary.Missing, s.root.Path)
		now = s.root.device
	}
	_, err = run.db.ExecContext(run.ctx, "UPDATE roots SET missing = ?, device = ? WHERE id = ?", gone, now, s.root.id)
	return err
}

// passedBy counts the files that were passed by; those of a whole root are remembered.
func (run *ingest) passedBy(s *scope, unread map[string]int) error {
	run.count(func(all *Summary) {
		for ext, n := range unread {
			if all.Unsupported == nil {
				all.Unsupported = map[string]int{}
			}
			all.Unsupported[ext] += n
		}
	})
	if s.path != s.root.Path {
		return nil
	}
	return inTransaction(run.ctx, run.db, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(run.ctx, "DELETE FROM unread WHERE root = ?", s.root.id); err != nil {
			return err
		}
		for ext, n := range unread {
			if _, err := tx.ExecContext(run.ctx, "INSERT INTO unread VALUES(?, ?, ?)", s.root.id, ext, n); err != nil {
				return err
			}
		}
		return nil
	})
}

// fault records what of a root could not be read.
func (run *ingest) fault(r Root, path string, err error) {
	run.count(func(s *Summary) { s.Failed++ })
	_, _ = run.db.ExecContext(run.ctx, "INSERT OR REPLACE INTO faults VALUES(?, ?, ?)", []byte(path), r.id, plain(err)) // it is said again next time
}

// clear forgets what a table says of a scope, which is about to be seen anew.
func (run *ingest) clear(s scope, table string) error {
	return inTransaction(run.ctx, run.db, func(tx *sql.Tx) error {
		var old [][]byte
		if err := each(run.ctx, tx, func(scan func(...any) error) error {
			var path []byte
			err := scan(&path)
			if contains(s.path, string(path)) {
				old = append(old, path)
			}
			return err
		}, "SELECT path FROM "+table+" WHERE root = ?", s.root.id); err != nil {
			return err
		}
		for _, path := range old {
			if _, err := tx.ExecContext(run.ctx, "DELETE FROM "+table+" WHERE path = ?", path); err != nil {
				return err
			}
		}
		return nil
	})
}

// consider takes a file that is new or changed, or lacks vectors.
func (run *ingest) consider(f found) error {
	j := &job{found: f}
	var size, modified int64
	var failed sql.NullString
	var embedded bool
	err := run.statements.scan(run.ctx, `SELECT id, size, modified, kind, error, EXISTS (SELECT 1 FROM embedded WHERE file = files.id AND space = ?)
		FROM files WHERE path = ?`, []any{run.space.id, []byte(f.path)}, &j.file, &size, &modified, &j.kind, &failed, &embedded)
	switch {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return err
	default:
		run.mu.Lock()
		run.seen[j.file] = true
		run.met++
		for dir, m := range run.drives {
			m.there = m.there || contains(dir, f.path)
		}
		run.mu.Unlock()
		j.known = size == f.size && modified == f.modified
		if j.known && (embedded || failed.Valid && !run.o.Retry || !failed.Valid && !run.kinds[j.kind]) {
			run.count(func(s *Summary) { s.Unchanged++ })
			return nil
		}
		j.done = embedded
	}
	run.tell(func(p *Progress) { p.Found++ })
	select {
	case run.todo <- j:
		return nil
	case <-run.ctx.Done():
		return context.Cause(run.ctx)
	}
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
