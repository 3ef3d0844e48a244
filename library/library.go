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
	"sync"
	"sync/atomic"

	"github.com/gofrs/flock"

	"github.com/chiasm/chiasm/index"
)

// ErrLocked is the error of opening a library for writing while another process does.
var ErrLocked = errors.New("another process writes to this library: wait for it, or open the library for reading only")

// ErrReadOnly is the error of changing a library that was opened for reading.
var ErrReadOnly = errors.New("the library was opened for reading only")

// Options say how a library is opened.
type Options struct {
	ReadOnly     bool     // take no lock and change nothing; another process may write meanwhile
	FS           index.FS // what vectors are written through; nil for [index.Disk]
	SegmentBytes int64    // see [index.Options]

	// Upgrade is told how far the catalogue of an earlier version has been brought up to date, in parts of which there are total; 0 of 0
	// while the tables themselves are changed. If it gives an error that ends it, and the catalogue stays of its version.
	Upgrade func(done, total int) error
}

// A Library is a folder with a catalogue and vectors. It is safe for concurrent use.
type Library struct {
	dir  string
	opts Options
	lock *flock.Flock
	db   *sql.DB

	writing sync.Mutex // one run that changes things at a time

	darkroom chan struct{} // places for thumbnails that are being made
	made     atomic.Int64  // bytes of thumbnails since they were last looked through

	reading sync.Mutex // of columns
	kept    table

	mu       sync.Mutex
	indexes  map[int64]*index.Index // by the ids of spaces
	seen     map[int64]int64        // the generation in which a read-only index was read
	filters  map[string]*filtered
	heard    map[int64]heard // by the ids of spaces
	facets   map[string]keptFacets
	terms    map[string][]numbered // by what they are, in the order of their ids
	lastTerm uint32

	announced bool
	next      int64 // the id of the next piece
}

// DefaultDir is the folder of the library of a person who names none, "" if there is no home for it.
func DefaultDir() string {
	data := os.Getenv("XDG_DATA_HOME")
	if data == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		data = filepath.Join(home, ".local", "share")
	}
	return filepath.Join(data, "chiasm", "library")
}

// Open opens the library in dir, or makes one if there is none and it may write. The error wraps [ErrLocked] where another process
// writes to it, [ErrNewer] where a later version made it, and [fs.ErrNotExist] where there is none to read.
func Open(dir string, o Options) (_ *Library, err error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("library: %w", err)
	}
	l := &Library{dir: absolute, opts: o, indexes: map[int64]*index.Index{}, seen: map[int64]int64{}, filters: map[string]*filtered{}, heard: map[int64]heard{}, facets: map[string]keptFacets{}, kept: table{}, terms: map[string][]numbered{}, darkroom: make(chan struct{}, 2)}
	defer func() {
		if err != nil {
			_ = l.Close() // what kept it from opening matters
			err = fmt.Errorf("library: %s: %w", dir, err)
		}
	}()
	if !o.ReadOnly {
		if err := l.claim(); err != nil {
			return nil, err
		}
	}
	l.db, err = openCatalogue(absolute, o)
	if errors.Is(err, errOlder) { // made by an earlier version of this program
		if err = upgrade(absolute, o.Upgrade); err == nil {
			l.db, err = openCatalogue(absolute, o)
		}
	}
	if err != nil {
		if o.ReadOnly && errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("there is no library: %w", fs.ErrNotExist)
		}
		return nil, err
	}
	if !o.ReadOnly {
		if err := l.recover(context.Background()); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// upgrade brings the tables of an earlier version up to date for who only reads.
func upgrade(dir string, tell func(done, total int) error) error {
	l, err := Open(dir, Options{Upgrade: tell})
	if err != nil {
		return fmt.Errorf("%w and has to be brought up to date first: %w", errOlder, err)
	}
	return l.Close()
}

// claim makes the folder and takes its lock.
func (l *Library) claim() error {
	if err := os.MkdirAll(filepath.Join(l.dir, "vectors"), 0o755); err != nil {
		return err
	}
	lock := flock.New(filepath.Join(l.dir, "lock"))
	if ok, err := lock.TryLock(); err != nil {
		return err
	} else if !ok {
		return ErrLocked
	}
	l.lock = lock
	return nil
}

// recover puts right what a crash left: vectors that the catalogue does not name, and names of vectors that are not there.
func (l *Library) recover(ctx context.Context) error {
	dirty, err := l.fact(ctx, "dirty")
	if err != nil {
		return err
	}
	if err := l.db.QueryRowContext(ctx, "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'pieces'), 0) + 1").Scan(&l.next); err != nil {
		return err
	}
	var behind bool // another program wrote to the tables
	if err := l.db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM stale_files) OR EXISTS (SELECT 1 FROM stale_pieces)").Scan(&behind); err != nil {
		return err
	}
	if behind {
		if err := l.change(ctx, func(*sql.Tx) error { return nil }); err != nil {
			return err
		}
	}
	if dirty == "" {
		return nil
	}
	spaces, err := l.spaces(ctx)
	if err != nil {
		return err
	}
	for _, s := range spaces {
		if err := l.agree(ctx, s); err != nil {
			return err
		}
	}
	if err := l.sweepSpaces(spaces); err != nil {
		return err
	}
	return l.setFact(ctx, "dirty", "")
}

// sweepSpaces removes folders of vectors of spaces that are gone.
func (l *Library) sweepSpaces(spaces []Space) error {
	known := map[string]bool{}
	for _, s := range spaces {
		known[strconv.FormatInt(s.id, 10)] = true
	}
	entries, err := os.ReadDir(filepath.Join(l.dir, "vectors"))
	for _, e := range entries {
		if _, number := strconv.Atoi(e.Name()); number == nil && !known[e.Name()] {
			err = errors.Join(err, os.RemoveAll(filepath.Join(l.dir, "vectors", e.Name())))
		}
	}
	return err
}

// fact is a value that the catalogue keeps, "" if it has none.
func (l *Library) fact(ctx context.Context, name string) (value string, err error) {
	err = l.db.QueryRowContext(ctx, "SELECT value FROM facts WHERE name = ?", name).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return value, err
}

func (l *Library) setFact(ctx context.Context, name, value string) error {
	_, err := l.db.ExecContext(ctx, "INSERT OR REPLACE INTO facts VALUES(?, ?)", name, value)
	return err
}

// changed marks in a transaction that readers have to look again.
func changed(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO facts VALUES('generation', 1) ON CONFLICT DO UPDATE SET value = value + 1")
	return err
}

const generationQuery = "SELECT coalesce((SELECT value FROM facts WHERE name = 'generation'), 0)"

// generation counts the changes of the catalogue.
func (l *Library) generation(ctx context.Context) (n int64, err error) {
	err = l.db.QueryRowContext(ctx, generationQuery).Scan(&n)
	return n, err
}

// change runs f in a transaction that readers take notice of.
func (l *Library) change(ctx context.Context, f func(*sql.Tx) error) error {
	if l.opts.ReadOnly {
		return fmt.Errorf("library: %w", ErrReadOnly)
	}
	return inTransaction(ctx, l.db, func(tx *sql.Tx) error {
		if err := f(tx); err != nil {
			return err
		}
		if err := changed(ctx, tx); err != nil {
			return err
		}
		return renew(ctx, tx, nil)
	})
}

// Dir is the library's folder.
func (l *Library) Dir() string { return l.dir }

// ReadOnly reports whether the library was opened for reading only.
func (l *Library) ReadOnly() bool { return l.opts.ReadOnly }

// Close gives back the files and the lock.
func (l *Library) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var err error
	for id, x := range l.indexes {
		err = errors.Join(err, x.Close())
		delete(l.indexes, id)
	}
	if l.db != nil {
		err = errors.Join(err, l.db.Close())
	}
	if l.announced {
		err = errors.Join(err, os.Remove(filepath.Join(l.dir, serviceFile)))
		l.announced = false
	}
	if l.lock != nil {
		err = errors.Join(err, l.lock.Unlock())
		l.lock = nil
	}
	return err
}
