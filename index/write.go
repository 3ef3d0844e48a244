package index

import (
	"fmt"
	"os"
)

// remapAt is how many bytes of blocks may lie on the heap before they are mapped from the file.
const remapAt = 8 << 20

// Add is [Index.Append] and [Index.Sync]: when it returns, the vectors are on disk.
func (x *Index) Add(ids []uint64, vectors []float32) error {
	if err := x.Append(ids, vectors); err != nil {
		return err
	}
	return x.Sync()
}

// Append adds vectors [n, D], in place of those that the ids had. Searches that begin after it see them; they are on disk after the
// next [Index.Sync], and until then a crash may take them. An id that comes twice has the last of its vectors. On an error nothing of
// the call, or only a whole beginning of a call of more than 65,536 vectors, is there.
func (x *Index) Append(ids []uint64, vectors []float32) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := x.writable(); err != nil {
		return err
	}
	if err := x.check(ids, vectors); err != nil {
		return fmt.Errorf("index: %w", err)
	}
	ids, vectors = last(ids, vectors, x.manifest.Dimension)
	d := x.manifest.Dimension
	for len(ids) > 0 {
		n := min(len(ids), maxRows)
		var kills []row
		for _, id := range ids[:n] {
			if r, ok := x.find()[id]; ok {
				kills = append(kills, r)
			}
		}
		if err := x.commit(ids[:n], vectors[:n*d], kills); err != nil {
			return fmt.Errorf("index: %s: %w", x.dir, err)
		}
		ids, vectors = ids[n:], vectors[n*d:]
	}
	return nil
}

// last leaves of each id the last vector.
func last(ids []uint64, vectors []float32, d int) ([]uint64, []float32) {
	at := make(map[uint64]int, len(ids))
	for i, id := range ids {
		at[id] = i
	}
	if len(at) == len(ids) {
		return ids, vectors
	}
	var some []uint64
	var theirs []float32
	for i, id := range ids {
		if at[id] == i {
			some, theirs = append(some, id), append(theirs, vectors[i*d:(i+1)*d]...)
		}
	}
	return some, theirs
}

// Delete takes vectors away. Ids that are not there are no error. When it returns, that is on disk.
func (x *Index) Delete(ids ...uint64) error {
	x.mu.Lock()
	err := x.writable()
	if err == nil {
		var kills []row
		seen := map[row]bool{}
		for _, id := range ids {
			if r, ok := x.find()[id]; ok && !seen[r] {
				kills, seen[r] = append(kills, r), true
			}
		}
		if len(kills) > 0 {
			if err = x.commit(nil, nil, kills); err == nil {
				for _, id := range ids {
					delete(x.where, id)
				}
			} else {
				err = fmt.Errorf("index: %s: %w", x.dir, err)
			}
		}
	}
	x.mu.Unlock()
	if err != nil {
		return err
	}
	return x.Sync()
}

func (x *Index) writable() error {
	if x.broken != nil {
		return fmt.Errorf("index: %s: nothing can be written any more: %w", x.dir, x.broken)
	}
	if x.opts.ReadOnly {
		return fmt.Errorf("index: %s: %w", x.dir, ErrReadOnly)
	}
	return nil
}

// Sync makes what was appended durable.
func (x *Index) Sync() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := x.writable(); err != nil {
		return err
	}
	if err := x.sync(); err != nil {
		return fmt.Errorf("index: %s: %w", x.dir, err)
	}
	return nil
}

func (x *Index) sync() error {
	if x.file == nil {
		return nil
	}
	s := x.segments[len(x.segments)-1]
	if s.durable == s.size {
		return nil
	}
	if err := x.file.Sync(); err != nil {
		x.broken = err // what is on disk is not known any more: only reading it again tells
		return err
	}
	s.durable = s.size
	return nil
}

// commit writes one block and publishes it.
func (x *Index) commit(ids []uint64, vectors []float32, kills []row) error {
	s, err := x.active()
	if err != nil {
		return err
	}
	d := x.manifest.Dimension
	b := &batch{ids: ids, vectors: vectors, kills: kills}
	data := b.encode(s.frame, s.rows, s.durable)
	if _, err := x.file.Write(data); err != nil {
		if cut := x.file.Truncate(s.size); cut != nil {
			x.broken = fmt.Errorf("%w, and the torn end could not be cut off: %w", err, cut)
		}
		return err
	}
	h, err := readHeader(data, d)
	if err != nil {
		return err
	}
	s.size += int64(len(data))
	s.tail += len(data)
	first := s.rows
	s.take(data[headerBytes:], h)
	fresh := make([]bool, len(x.segments))
	x.bury(kills, fresh)
	where := x.find()
	for i, id := range ids {
		where[id] = row{s.number, uint32(first + i)}
	}
	if s.tail > remapAt {
		_ = s.remap() // they may stay on the heap
	}
	x.publish()
	return nil
}

// active is the segment to append to, open.
func (x *Index) active() (*segment, error) {
	if x.file != nil {
		s := x.segments[len(x.segments)-1]
		if s.size < x.opts.SegmentBytes {
			return s, nil
		}
		if err := x.seal(); err != nil {
			return nil, err
		}
	}
	if n := len(x.segments); n > 0 && x.file == nil {
		s := x.segments[n-1]
		listed := x.manifest.Segments[len(x.manifest.Segments)-1] == s.number
		if listed && !s.damaged && s.size >= int64(start(s.frame)) && s.size < x.opts.SegmentBytes {
			return s, x.open(s)
		}
	}
	return x.begin(x.newest())
}

// seal closes the segment that is appended to.
func (x *Index) seal() error {
	if x.file == nil {
		return nil
	}
	if err := x.sync(); err != nil {
		return err
	}
	err := x.file.Close()
	x.file = nil
	return err
}

// open opens a segment for appending and cuts a torn end off.
func (x *Index) open(s *segment) error {
	f, err := x.opts.FS.OpenFile(s.path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	if err = f.Truncate(s.size); err == nil {
		err = f.Sync()
	}
	if err != nil {
		_ = f.Close()
		return err
	}
	x.file, s.durable = f, s.size
	return nil
}

// begin makes the next segment.
func (x *Index) begin(frame *frame) (*segment, error) {
	number := x.manifest.Next
	s, f, err := x.create(number, frame)
	if err != nil {
		return nil, err
	}
	was := x.manifest
	x.manifest.Next++
	x.manifest.Segments = append(was.Segments[:len(was.Segments):len(was.Segments)], number)
	if err := x.keep(); err != nil {
		x.manifest = was
		_ = f.Close() // the file stays: the manifest on disk may name it
		return nil, err
	}
	x.segments, x.file = append(x.segments, s), f
	return s, nil
}

// create makes the file of an empty segment.
func (x *Index) create(number uint32, frame *frame) (*segment, File, error) {
	head := preamble(frame)
	s := &segment{number: number, path: segmentPath(x.dir, number), frame: frame, memory: &memory{}, size: int64(len(head)), durable: int64(len(head))}
	f, err := x.opts.FS.OpenFile(s.path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o644)
	if err != nil {
		return nil, nil, err
	}
	if _, err = f.Write(head); err == nil {
		err = f.Sync()
	}
	if err != nil {
		_ = f.Close()
		_ = x.opts.FS.Remove(s.path)
		return nil, nil, err
	}
	s.memory.retain()
	return s, f, nil
}
