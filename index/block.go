package index

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"unsafe"

	"github.com/chiasm/chiasm/internal/kernel"
)

// A segment is a file: a header of 64 bytes, a frame if it has one of its own, then blocks. A block is what one call added and killed, and stands
// or falls as a whole:
//
//	magic u32 · rows u32 · kills u32 · body's CRC32C u32 · body's bytes u64 · bytes of the file that were durable before u64
//	· number of the first row u32 · cells u32 · reach f32 · header's CRC32C u32 · 0…
//	kills  [rows killed] {segment u32, row u32}
//	ids    [rows] u64
//	facts  [4, rows8] f32: scale of the near codes, offset, error of the near codes, length of the rest
//	worth  [rows] {scale f32 of the far codes, error f32}
//	cells  [cells] {first row u32, scale f32, offset f32, spread f32}
//	middle [cells, 128] i8
//	near   [rows8, 128] u8, 128 more than the codes
//	far    [rows, width] i8
//	values [rows, D] f32
//
// Numbers are little endian, every part begins at a multiple of 64 bytes, rows8 is the rows up to a multiple of 8. What codes mean says [frame].
const (
	headerBytes  = 64
	blockMagic   = 0x32424843 // CHB2
	segmentMagic = "chiasmVS"
	version      = 2
	maxRows      = 1 << 16 // of a block
	nearWidth    = kernel.SieveWidth
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A row is the place of a vector.
type row struct{ segment, row uint32 }

// worth says what the far codes of a row are worth: what all its codes leave out is at most err long.
type worth struct{ scale, err float32 }

// A cell is rows of a block that lie near one another, from first to where the next begins. Its middle, of the near values, is scale·codes, offset is
// the mean of the rows' offsets, spread their mean distance from the middle.
type cell struct {
	first                 uint32
	scale, offset, spread float32
}

// A block is a view of its bytes.
type block struct {
	first  int     // row of the segment
	reach  float32 // no row's part is longer
	kills  []row
	ids    []uint64
	facts  []float32
	worth  []worth
	cells  []cell
	middle []byte
	near   []byte
	far    []byte // [rows, width]
	values []float32
}

// A shape says how large a block's parts are.
type shape struct{ rows, kills, cells, dimension int }

func pad(n int) int { return (n + 63) &^ 63 }

// eights is the rows that parts have which are read eight at a time.
func eights(rows int) int { return (rows + 7) &^ 7 }

// widthOf is the bytes of a row of far codes, so that rows are whole vectors of every kernel.
func widthOf(dimension int) int { return pad(dimension) }

// bytes is the length of a block without its header.
func (s shape) bytes() int {
	return pad(8*s.kills) + 2*pad(8*s.rows) + pad(16*eights(s.rows)) + pad(16*s.cells) + s.cells*nearWidth + eights(s.rows)*nearWidth +
		s.rows*widthOf(s.dimension) + pad(4*s.rows*s.dimension)
}

// parts is the view of a body.
func (s shape) parts(body []byte) block {
	take := func(n int) []byte {
		part := body[:n:n]
		body = body[pad(n):]
		return part
	}
	return block{
		kills: cast[row](take(8*s.kills), s.kills), ids: cast[uint64](take(8*s.rows), s.rows), facts: cast[float32](take(16*eights(s.rows)), 4*eights(s.rows)),
		worth: cast[worth](take(8*s.rows), s.rows), cells: cast[cell](take(16*s.cells), s.cells), middle: take(s.cells * nearWidth),
		near: take(eights(s.rows) * nearWidth), far: take(s.rows * widthOf(s.dimension)), values: cast[float32](take(4*s.rows*s.dimension), s.rows*s.dimension),
	}
}

// A batch is what a block is made of: vectors [n, D] by their ids, rows that they put an end to, and the cells that they lie in, if any.
type batch struct {
	ids     []uint64
	vectors []float32
	kills   []row
	cells   []cell
	middle  []byte
}

// encode writes a block. first is the number of the first row, durable how many bytes of the file are known to be on disk.
func (b *batch) encode(f *frame, first int, durable int64) []byte {
	s := shape{len(b.ids), len(b.kills), len(b.cells), f.dimension}
	size := s.bytes()
	out := aligned(headerBytes + size)
	body := out[headerBytes:]
	to := s.parts(body)
	copy(to.kills, b.kills)
	copy(to.ids, b.ids)
	copy(to.values, b.vectors)
	copy(to.cells, b.cells)
	copy(to.middle, b.middle)
	reach := f.encode(&to)
	binary.LittleEndian.PutUint32(out, blockMagic)
	binary.LittleEndian.PutUint32(out[4:], uint32(len(b.ids)))
	binary.LittleEndian.PutUint32(out[8:], uint32(len(b.kills)))
	binary.LittleEndian.PutUint32(out[12:], crc32.Checksum(body, castagnoli))
	binary.LittleEndian.PutUint64(out[16:], uint64(size))
	binary.LittleEndian.PutUint64(out[24:], uint64(durable))
	binary.LittleEndian.PutUint32(out[32:], uint32(first))
	binary.LittleEndian.PutUint32(out[36:], uint32(len(b.cells)))
	binary.LittleEndian.PutUint32(out[40:], math.Float32bits(reach))
	binary.LittleEndian.PutUint32(out[44:], crc32.Checksum(out[:44], castagnoli))
	return out
}

// A header is what precedes a block's body.
type header struct {
	shape
	size, first int
	sum         uint32
	reach       float32
	durable     int64
}

// readHeader reads the header of the block that data begins with.
func readHeader(data []byte, dimension int) (h header, err error) {
	if len(data) < headerBytes {
		return h, fmt.Errorf("%d bytes, want a block's header of %d", len(data), headerBytes)
	}
	if m := binary.LittleEndian.Uint32(data); m != blockMagic {
		return h, fmt.Errorf("a block begins with %08x, want %08x", m, blockMagic)
	}
	if want, got := binary.LittleEndian.Uint32(data[44:]), crc32.Checksum(data[:44], castagnoli); want != got {
		return h, fmt.Errorf("a block's header has the checksum %08x, want %08x", got, want)
	}
	h.rows, h.kills, h.dimension = int(binary.LittleEndian.Uint32(data[4:])), int(binary.LittleEndian.Uint32(data[8:])), dimension
	h.sum, h.durable = binary.LittleEndian.Uint32(data[12:]), int64(binary.LittleEndian.Uint64(data[24:]))
	h.first, h.cells = int(binary.LittleEndian.Uint32(data[32:])), int(binary.LittleEndian.Uint32(data[36:]))
	h.reach = math.Float32frombits(binary.LittleEndian.Uint32(data[40:]))
	size := binary.LittleEndian.Uint64(data[16:])
	if h.rows > maxRows || h.cells > h.rows || h.kills > math.MaxInt32 || uint64(h.bytes()) != size {
		return h, fmt.Errorf("a block of %d vectors in %d cells and %d kills of dimension %d says that it has %d bytes, want %d", h.rows, h.cells, h.kills,
			dimension, size, h.bytes())
	}
	if size > uint64(len(data)-headerBytes) {
		return h, fmt.Errorf("a block of %d bytes, of which %d are there", size, len(data)-headerBytes)
	}
	h.size = int(size)
	return h, nil
}

// whole reports whether the body that follows a header is as it was written.
func (h header) whole(data []byte) bool {
	return crc32.Checksum(data[headerBytes:headerBytes+h.size], castagnoli) == h.sum
}

// end is the row behind the last of cell i.
func (b *block) end(i int) int {
	if i+1 < len(b.cells) {
		return min(int(b.cells[i+1].first), len(b.ids))
	}
	return len(b.ids)
}

// cast is bytes, which begin at a multiple of the size of T, as n values.
func cast[T any](b []byte, n int) []T {
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n)
}

// aligned is n zero bytes at a multiple of 64.
func aligned(n int) []byte {
	b := make([]byte, n+63)
	at := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) & 63)
	return b[at : at+n : at+n]
}
