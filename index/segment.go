package index

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/edsrzf/mmap-go"
)

// A segment is a file of blocks, as the writer knows it. Readers see it through views.
type segment struct {
	number  uint32
	path    string
	frame   *frame
	rows    int // those that blocks were dropped of included
	blocks  []block
	dead    []uint64 // a bit a row; never changed, but replaced
	killed  int
	memory  *memory // what most blocks are views of
	tail    int     // bytes of blocks that lie on the heap
	size    int64   // of the file, up to which it is good
	durable int64
	damaged bool // nothing may be appended
}

// A view is a segment at one moment.
type view struct {
	number uint32
	frame  *frame
	lens   int   // which of the snapshot's frames that is
	size   int64 // bytes of the file that count: what follows was never reported done
	rows   int
	blocks []block
	dead   []uint64
	killed int
}

func (v *view) isDead(r uint32) bool {
	return int(r>>6) < len(v.dead) && v.dead[r>>6]>>(r&63)&1 != 0
}

// A memory is a mapped file that is given back when no snapshot looks at it any more.
type memory struct {
	data mmap.MMap
	refs atomic.Int32
}

func (m *memory) retain() *memory {
	m.refs.Add(1)
	return m
}

func (m *memory) release() {
	if m.refs.Add(-1) == 0 && m.data != nil {
		_ = m.data.Unmap() // nothing was written through it
	}
}

func segmentPath(dir string, number uint32) string {
	return filepath.Join(dir, fmt.Sprintf("%08d.vectors", number))
}

// preamble is what a segment begins with: "chiasmVS" · version u32 · dimension u32 · 1 if a frame follows u32 · 0…, and the frame.
func preamble(f *frame) []byte {
	out := make([]byte, headerBytes)
	copy(out, segmentMagic)
	binary.LittleEndian.PutUint32(out[8:], version)
	binary.LittleEndian.PutUint32(out[12:], uint32(f.dimension))
	if f.rows != nil {
		out[16] = 1
	}
	return append(out, f.data...)
}

// start is where the blocks of a segment begin.
func start(f *frame) int { return headerBytes + len(f.data) }

// mapFile maps the first size bytes of a file, or all of it if that is fewer.
func mapFile(path string) (*memory, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	m := &memory{}
	if info.Size() > 0 {
		if m.data, err = mmap.Map(f, mmap.RDONLY, 0); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// load reads a segment. What is wrong with it is among the damages; only a file that cannot be read at all is an error. A torn end is no
// damage: it was never reported done.
func load(dir string, number uint32, known []*frame) (s *segment, damages []error, err error) {
	s = &segment{number: number, path: segmentPath(dir, number), frame: known[0]}
	dimension := s.frame.dimension
	if s.memory, err = mapFile(s.path); err != nil {
		return nil, nil, err
	}
	s.memory.retain()
	data := []byte(s.memory.data)
	if want := preamble(s.frame)[:headerBytes]; len(data) < headerBytes || !bytes.Equal(data[:16], want[:16]) {
		if len(data) >= headerBytes || !bytes.HasPrefix(want, data) {
			s.damaged = true
			return s, []error{fmt.Errorf("%s begins with % x, want % x", s.path, data[:min(16, len(data))], want[:16])}, nil
		}
		s.size = 0 // it was being made
		return s, nil, nil
	}
	begin, blind := headerBytes, false
	if data[16] != 0 {
		begin = min(headerBytes+frameBytes(dimension), len(data))
		if s.frame, err = readFrame(data[headerBytes:], dimension, known); err != nil { // the vectors are there, but what their codes mean is not known
			damages = append(damages, fmt.Errorf("%s: %w", s.path, err))
			s.frame, s.damaged, blind = known[0], true, true
		}
	}
	found, gaps := walk(data, begin, dimension)
	for _, f := range found {
		s.durable = max(s.durable, f.durable)
	}
	s.size = int64(len(data))
	for _, g := range gaps {
		if g.at >= s.durable { // what follows was never reported done
			s.size = g.at
			break
		}
		damages = append(damages, fmt.Errorf("%s: %w", s.path, g))
		s.damaged = true
	}
	for _, f := range found {
		if f.at >= s.size {
			break
		}
		if f.at >= s.durable && !f.whole(data[f.at:]) {
			s.size = f.at
			break
		}
		s.take(data[f.at+headerBytes:f.at+headerBytes+int64(f.header.size)], f.header)
		if blind {
			s.blocks[len(s.blocks)-1].recode(s.frame)
		}
	}
	return s, damages, nil
}

// A gap is bytes that are no block.
type gap struct {
	at, next int64
	err      error
}

// Error says where and why.
func (g *gap) Error() string { return fmt.Sprintf("bytes %d to %d: %v", g.at, g.next, g.err) }

// A found block is where it lies and its header.
type found struct {
	header
	at int64
}

// walk goes from block to block, from the byte where they begin.
func walk(data []byte, begin, dimension int) (blocks []found, gaps []*gap) {
	rows := 0
	for at := begin; at < len(data); {
		h, err := readHeader(data[at:], dimension)
		if err == nil && h.first < rows {
			err = fmt.Errorf("a block begins at row %d, want %d or more", h.first, rows)
		}
		if err != nil {
			next := resume(data, at, dimension, rows)
			gaps = append(gaps, &gap{int64(at), int64(next), err})
			at = next
			continue
		}
		blocks = append(blocks, found{h, int64(at)})
		rows = h.first + h.rows
		at += headerBytes + h.size
	}
	return blocks, gaps
}

// resume finds the next whole block after a broken one, or the end.
func resume(data []byte, at, dimension, rows int) int {
	for at += headerBytes; at+headerBytes <= len(data); at += headerBytes {
		if h, err := readHeader(data[at:], dimension); err == nil && h.first >= rows && h.whole(data[at:]) {
			return at
		}
	}
	return len(data)
}

// take adds a block, of which body is the bytes.
func (s *segment) take(body []byte, h header) {
	b := h.parts(body)
	b.first, b.reach = h.first, h.reach
	s.blocks = append(s.blocks, b) // views end before it
	s.rows = h.first + h.rows
}

// recode makes codes in another frame, for want of the one that the block's are in.
func (b *block) recode(f *frame) {
	fresh := shape{rows: len(b.ids), dimension: f.dimension}
	to := fresh.parts(aligned(fresh.bytes()))
	to.ids, to.values, to.kills, to.first = b.ids, b.values, b.kills, b.first
	to.reach = f.encode(&to)
	*b = to
}

// remap moves the blocks that lie on the heap into mapped memory.
func (s *segment) remap() error {
	m, err := mapFile(s.path)
	if err != nil {
		return err
	}
	fresh := &segment{}
	for at := start(s.frame); at < int(s.size); {
		h, err := readHeader(m.data[at:], s.frame.dimension)
		if err != nil {
			m.retain().release()
			return fmt.Errorf("%s at byte %d, which was just written: %w", s.path, at, err)
		}
		fresh.take(m.data[at+headerBytes:at+headerBytes+h.size], h)
		at += headerBytes + h.size
	}
	s.memory.release()
	s.memory, s.blocks, s.tail = m.retain(), fresh.blocks, 0
	return nil
}

// kill marks a row dead.
func (s *segment) kill(r uint32, fresh *bool) {
	if int(r) >= s.rows {
		return
	}
	if !*fresh {
		dead := make([]uint64, (s.rows+63)/64)
		copy(dead, s.dead)
		s.dead, *fresh = dead, true
	} else if need := (s.rows + 63) / 64; need > len(s.dead) {
		s.dead = append(s.dead, make([]uint64, need-len(s.dead))...)
	}
	if bit := uint64(1) << (r & 63); s.dead[r>>6]&bit == 0 {
		s.dead[r>>6] |= bit
		s.killed++
	}
}

func (s *segment) view() view {
	return view{number: s.number, frame: s.frame, size: s.size, rows: s.rows, blocks: s.blocks, dead: s.dead, killed: s.killed}
}

// live is how many rows of a view are there and not killed.
func (v *view) live() int {
	n := 0
	for _, b := range v.blocks {
		n += len(b.ids)
	}
	return n - v.killed
}
