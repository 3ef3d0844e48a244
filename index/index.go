package index

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gofrs/flock"
)

// ErrLocked is the error of opening an index for writing while another process does.
var ErrLocked = errors.New("another process writes to it")

// ErrDamaged is the error of opening an index whose manifest is not one that this package wrote. Damage of segments is told by [Index.Damages].
var ErrDamaged = errors.New("manifest.json is damaged")

// ErrReadOnly is the error of writing to an index that was opened for reading.
var ErrReadOnly = errors.New("it was opened for reading only")

// MaxDimension is the largest dimension of vectors.
const MaxDimension = 8192

// Options say how an index is opened.
type Options struct {
	Dimension    int    // of the vectors; 0 takes that of an index that exists
	Space        string // what the vectors belong to; an index of another one is refused, "" takes any
	ReadOnly     bool   // take no lock and change nothing
	SegmentBytes int64  // a segment longer than this is not appended to; 0 for 256 MiB
	FS           FS     // what is written through; nil for [Disk]
}

// An Index is a folder of vectors by their ids. It is safe for concurrent use; writers wait for one another, readers for nobody.
type Index struct {
	dir  string
	opts Options
	lock *flock.Flock

	mu        sync.Mutex // of what writers change
	manifest  manifest
	segments  []*segment
	plain     *frame
	clusterAt int  // vectors that are worth being sorted into cells
	file      File // the last segment, where it is open for appending
	where     map[uint64]row
	broken    error // why nothing can be written any more
	damages   []error

	now   atomic.Pointer[snapshot]
	hunts sync.Pool // *hunt, for the next search
}

// A manifest is the file that says which segments count, in their order.
type manifest struct {
	Version   int      `json:"version"`
	Dimension int      `json:"dimension"`
	Space     string   `json:"space"`
	Segments  []uint32 `json:"segments"`
	Next      uint32   `json:"next"`
	Sounding  sounding `json:"sounding"`
}

// A snapshot is the index at one moment.
type snapshot struct {
	views    []view
	frames   []*frame
	memories []*memory
	live     int
	shelves  []shelf
	cells    int
	sounding sounding
	refs     atomic.Int32
}

// Open opens the index in dir, or makes one if there is none and it may write.
func Open(dir string, o Options) (x *Index, err error) {
	if o.FS == nil {
		o.FS = Disk
	}
	if o.SegmentBytes <= 0 {
		o.SegmentBytes = 256 << 20
	}
	x = &Index{dir: dir, opts: o, clusterAt: clusterAt}
	defer func() {
		if err != nil {
			_ = x.Close()
			x, err = nil, fmt.Errorf("index: %s: %w", dir, err)
		}
	}()
	if !o.ReadOnly {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return x, err
		}
		x.lock = flock.New(filepath.Join(dir, "lock"))
		if ok, err := x.lock.TryLock(); err != nil || !ok {
			if err == nil {
				err = ErrLocked
			}
			x.lock = nil
			return x, err
		}
	}
	if err := x.read(); err != nil {
		return x, err
	}
	if !o.ReadOnly {
		x.sweep()
	}
	x.publish()
	return x, nil
}

// read reads the manifest and the segments.
func (x *Index) read() error {
	text, err := os.ReadFile(filepath.Join(x.dir, "manifest.json"))
	if errors.Is(err, os.ErrNotExist) && !x.opts.ReadOnly && x.opts.Dimension > 0 {
		if x.opts.Dimension > MaxDimension {
			return fmt.Errorf("vectors of dimension %d, want at most %d", x.opts.Dimension, MaxDimension)
		}
		x.manifest, x.plain = manifest{Version: version, Dimension: x.opts.Dimension, Space: x.opts.Space, Next: 1}, plain(x.opts.Dimension)
		return x.keep()
	}
	if err != nil {
		return err
	}
	m := &x.manifest
	if err := json.Unmarshal(text, m); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if m.Version > 0 && m.Version != version {
		return fmt.Errorf("it is of version %d, this program reads %d", m.Version, version)
	}
	if m.Version < 1 || m.Dimension < 1 || m.Dimension > MaxDimension {
		return fmt.Errorf("%w: version %d, want %d, and dimension %d, want 1 to %d", ErrDamaged, m.Version, version, m.Dimension, MaxDimension)
	}
	if d := x.opts.Dimension; d != 0 && d != m.Dimension {
		return fmt.Errorf("it holds vectors of dimension %d, want %d", m.Dimension, d)
	}
	if s := x.opts.Space; s != "" && s != m.Space {
		return fmt.Errorf("it holds vectors of the space %q, want %q", m.Space, s)
	}
	x.plain = plain(m.Dimension)
	for _, number := range m.Segments {
		s, damages, err := load(x.dir, number, x.frames())
		if err != nil {
			x.damages = append(x.damages, err)
			continue
		}
		x.damages = append(x.damages, damages...)
		x.segments = append(x.segments, s)
	}
	fresh := make([]bool, len(x.segments))
	for _, s := range x.segments {
		for _, b := range s.blocks {
			x.bury(b.kills, fresh)
		}
	}
	return nil
}

// frames are those of the segments, each once: the plain one, which may be no segment's, and the others.
func (x *Index) frames() []*frame {
	all := []*frame{x.plain}
	for _, s := range x.segments {
		if !slices.Contains(all, s.frame) {
			all = append(all, s.frame)
		}
	}
	return all
}

// newest is the frame of what is appended to.
func (x *Index) newest() *frame {
	if n := len(x.segments); n > 0 {
		return x.segments[n-1].frame
	}
	return x.plain
}

// bury marks rows dead. fresh says of which segments the marks are no reader's.
func (x *Index) bury(kills []row, fresh []bool) {
	for _, k := range kills {
		for i, s := range x.segments {
			if s.number == k.segment {
				s.kill(k.row, &fresh[i])
			}
		}
	}
}

// keep writes the manifest.
func (x *Index) keep() error {
	text, err := json.MarshalIndent(&x.manifest, "", "\t")
	if err != nil {
		return err
	}
	return replace(x.opts.FS, filepath.Join(x.dir, "manifest.json"), append(text, '\n'))
}

// sweep removes segments that a crash left behind.
func (x *Index) sweep() {
	paths, _ := filepath.Glob(filepath.Join(x.dir, "*.vectors"))
	for _, path := range paths {
		if !slices.ContainsFunc(x.manifest.Segments, func(n uint32) bool { return segmentPath(x.dir, n) == path }) {
			_ = x.opts.FS.Remove(path) // it stays in nobody's way
		}
	}
}

// publish shows readers the present state.
func (x *Index) publish() {
	s := &snapshot{sounding: x.manifest.Sounding}
	s.refs.Store(1)
	for _, seg := range x.segments {
		v := seg.view()
		if v.lens = slices.Index(s.frames, v.frame); v.lens < 0 && v.rows > 0 {
			v.lens, s.frames = len(s.frames), append(s.frames, v.frame)
		}
		s.views = append(s.views, v)
		s.memories = append(s.memories, seg.memory.retain())
		s.live += v.live()
	}
	for i := range s.views {
		for j := range s.views[i].blocks {
			if b := &s.views[i].blocks[j]; len(b.cells) > 0 {
				s.shelves = append(s.shelves, shelf{&s.views[i], b, s.cells})
				s.cells += len(b.cells)
			}
		}
	}
	if old := x.now.Swap(s); old != nil {
		old.release()
	}
}

// acquire is the present state, which stays readable until it is released; nil once the index is closed.
func (x *Index) acquire() *snapshot {
	for {
		s := x.now.Load()
		if s == nil {
			return nil
		}
		for n := s.refs.Load(); n > 0; n = s.refs.Load() {
			if s.refs.CompareAndSwap(n, n+1) {
				return s
			}
		}
	}
}

func (s *snapshot) release() {
	if s.refs.Add(-1) == 0 {
		for _, m := range s.memories {
			m.release()
		}
	}
}

// Dimension is the length of the vectors.
func (x *Index) Dimension() int { return x.manifest.Dimension }

// Space is what the vectors belong to.
func (x *Index) Space() string { return x.manifest.Space }

// Len is the number of vectors.
func (x *Index) Len() int {
	s := x.acquire()
	if s == nil {
		return 0
	}
	defer s.release()
	return s.live
}

// Damages says what of the files could not be read when the index was opened. The rest is there.
func (x *Index) Damages() []error { return slices.Clone(x.damages) }

// Each calls f for every vector, in no order that means anything, until it returns false. The vector is only f's until it returns.
func (x *Index) Each(f func(id uint64, vector []float32) bool) {
	s := x.acquire()
	if s == nil {
		return
	}
	defer s.release()
	d := x.Dimension()
	for i := range s.views {
		v := &s.views[i]
		for _, b := range v.blocks {
			for j, id := range b.ids {
				if !v.isDead(uint32(b.first+j)) && !f(id, b.values[j*d:(j+1)*d]) {
					return
				}
			}
		}
	}
}

// Get is a copy of the vector of an id, nil if there is none.
func (x *Index) Get(id uint64) []float32 {
	x.mu.Lock()
	r, ok := x.find()[id]
	x.mu.Unlock()
	s := x.acquire()
	if !ok || s == nil {
		return nil
	}
	defer s.release()
	return slices.Clone(s.vector(r, x.Dimension()))
}

// vector is the values of a row, nil if it is not there.
func (s *snapshot) vector(r row, d int) []float32 {
	for i := range s.views {
		v := &s.views[i]
		if v.number != r.segment {
			continue
		}
		n, ok := slices.BinarySearchFunc(v.blocks, int(r.row), func(b block, at int) int {
			if at < b.first {
				return 1
			}
			if at >= b.first+len(b.ids) {
				return -1
			}
			return 0
		})
		if ok && !v.isDead(r.row) {
			at := int(r.row) - v.blocks[n].first
			return v.blocks[n].values[at*d : (at+1)*d]
		}
	}
	return nil
}

// find is the row of every id.
func (x *Index) find() map[uint64]row {
	if x.where != nil {
		return x.where
	}
	x.where = map[uint64]row{}
	for _, s := range x.segments {
		v := s.view()
		for _, b := range s.blocks {
			for j, id := range b.ids {
				if at := uint32(b.first + j); !v.isDead(at) {
					x.where[id] = row{s.number, at}
				}
			}
		}
	}
	return x.where
}

// Close gives back the files. Nothing is lost by not calling it.
func (x *Index) Close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	var err error
	if x.file != nil {
		err = errors.Join(x.file.Sync(), x.file.Close())
		x.file = nil
	}
	if s := x.now.Swap(nil); s != nil {
		s.release()
	}
	for _, s := range x.segments {
		s.memory.release()
	}
	x.segments, x.broken = nil, os.ErrClosed
	if x.lock != nil {
		err = errors.Join(err, x.lock.Unlock())
		x.lock = nil
	}
	return err
}

// Refresh makes an index that was opened for reading see what has been written since.
func (x *Index) Refresh() error {
	if !x.opts.ReadOnly {
		return nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.broken != nil {
		return fmt.Errorf("index: %s: %w", x.dir, x.broken)
	}
	fresh := &Index{dir: x.dir, opts: x.opts}
	if err := fresh.read(); err != nil {
		return fmt.Errorf("index: %s: %w", x.dir, err)
	}
	for _, s := range x.segments {
		s.memory.release()
	}
	x.manifest, x.segments, x.plain, x.damages, x.where = fresh.manifest, fresh.segments, fresh.plain, fresh.damages, nil
	x.publish()
	return nil
}

// check reports what vectors cannot be taken.
func (x *Index) check(ids []uint64, vectors []float32) error {
	d := x.manifest.Dimension
	if len(vectors) != len(ids)*d {
		return fmt.Errorf("%d ids with %d values, want %d of each", len(ids), len(vectors), d)
	}
	for i, v := range vectors {
		if math.Abs(float64(v)) > 1e15 || v != v {
			return fmt.Errorf("the vector of %d has the value %v, want numbers within ±1e15", ids[i/d], v)
		}
	}
	return nil
}
