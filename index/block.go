package index

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"unsafe"
)

// A segment is a file: a header of 64 bytes, then blocks. A block is what one call added and killed, and stands or falls as a whole:
//
//	magic u32 · rows u32 · kills u32 · body's CRC32C u32 · body's bytes u64 · bytes of the file that were durable before u64
//	· number of the first row u32 · header's CRC32C u32 · 0…
//	kills  [rows killed] {segment u32, row u32}
//	ids    [rows] u64
//	facts  [rows] {scale f32, error f32}
//	codes  [rows, width] i8
//	values [rows, D] f32
//
// Numbers are little endian, every part begins at a multiple of 64 bytes.
const (
	headerBytes  = 64
	blockMagic   = 0x31424843 // CHB1
	segmentMagic = "chiasmVS"
	version      = 1
	maxRows      = 1 << 16 // of a block
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A row is the place of a vector.
type row struct{ segment, row uint32 }

// facts say what a row's codes are worth: the vector is scale·codes, and what that leaves out is error long.
type facts struct{ scale, err float32 }

// A block is a view of its bytes.
type block struct {
	first  int // row of the segment
	kills  []row
	ids    []uint64
	facts  []facts
	codes  []byte // [rows, width]
	values []float32
}

func pad(n int) int { return (n + 63) &^ 63 }

// widthOf is the bytes of a row of codes, so that rows are whole vectors of every kernel.
func widthOf(dimension int) int { return pad(dimension) }

// bodyBytes is the length of a block without its header.
func bodyBytes(rows, kills, dimension int) int {
	return pad(8*kills) + pad(8*rows) + pad(8*rows) + rows*widthOf(dimension) + pad(4*rows*dimension)
}

// encode writes a block of vectors [n, D] and kills. first is the number of
// the first row, durable how many bytes of the file are known to be on disk.
func encode(ids []uint64, vectors []float32, kills []row, dimension, first int, durable int64) []byte {
	size := bodyBytes(len(ids), len(kills), dimension)
	out := aligned(headerBytes + size)
	body := out[headerBytes:]
	b := parts(body, len(ids), len(kills), dimension)
	copy(b.kills, kills)
	copy(b.ids, ids)
	copy(b.values, vectors)
	width := widthOf(dimension)
	for i := range ids {
		b.facts[i] = code(b.codes[i*width:i*width+dimension], vectors[i*dimension:(i+1)*dimension])
	}
	binary.LittleEndian.PutUint32(out, blockMagic)
	binary.LittleEndian.PutUint32(out[4:], uint32(len(ids)))
	binary.LittleEndian.PutUint32(out[8:], uint32(len(kills)))
	binary.LittleEndian.PutUint32(out[12:], crc32.Checksum(body, castagnoli))
	binary.LittleEndian.PutUint64(out[16:], uint64(size))
	binary.LittleEndian.PutUint64(out[24:], uint64(durable))
	binary.LittleEndian.PutUint32(out[32:], uint32(first))
	binary.LittleEndian.PutUint32(out[36:], crc32.Checksum(out[:36], castagnoli))
	return out
}

// A header is what precedes a block's body.
type header struct {
	rows, kills, size, first int
	sum                      uint32
	durable                  int64
}

// readHeader reads the header of the block that data begins with.
func readHeader(data []byte, dimension int) (h header, err error) {
	if len(data) < headerBytes {
		return h, fmt.Errorf("%d bytes, want a block's header of %d", len(data), headerBytes)
	}
	if m := binary.LittleEndian.Uint32(data); m != blockMagic {
		return h, fmt.Errorf("a block begins with %08x, want %08x", m, blockMagic)
	}
	if want, got := binary.LittleEndian.Uint32(data[36:]), crc32.Checksum(data[:36], castagnoli); want != got {
		return h, fmt.Errorf("a block's header has the checksum %08x, want %08x", got, want)
	}
	h.rows, h.kills = int(binary.LittleEndian.Uint32(data[4:])), int(binary.LittleEndian.Uint32(data[8:]))
	h.sum, h.durable = binary.LittleEndian.Uint32(data[12:]), int64(binary.LittleEndian.Uint64(data[24:]))
	h.first = int(binary.LittleEndian.Uint32(data[32:]))
	size := binary.LittleEndian.Uint64(data[16:])
	if h.rows > maxRows || h.kills > math.MaxInt32 || uint64(bodyBytes(h.rows, h.kills, dimension)) != size {
		return h, fmt.Errorf("a block of %d vectors and %d kills of dimension %d says that it has %d bytes, want %d", h.rows, h.kills, dimension,
			size, bodyBytes(h.rows, h.kills, dimension))
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

// parts is the view of a body.
func parts(body []byte, rows, kills, dimension int) block {
	take := func(n int) []byte {
		part := body[:n:n]
		body = body[pad(n):]
		return part
	}
	return block{
		kills: cast[row](take(8*kills), kills), ids: cast[uint64](take(8*rows), rows), facts: cast[facts](take(8*rows), rows),
		codes: take(rows * widthOf(dimension)), values: cast[float32](take(4*rows*dimension), rows*dimension),
	}
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

// code rounds a vector to signed bytes and says what that costs. The error is rounded up.
func code(dst []byte, x []float32) facts {
	var top float32
	for _, v := range x {
		top = max(top, v, -v)
	}
	scale := top / 127
	if scale < 0x1p-120 { // its inverse would not be finite
		return facts{0, upward(norm(x))}
	}
	inverse, sum := 1/float64(scale), 0.0
	for i, v := range x {
		c := math.RoundToEven(float64(v) * inverse)
		dst[i] = byte(int8(c))
		rest := float64(v) - c*float64(scale)
		sum += rest * rest
	}
	return facts{scale, upward(math.Sqrt(sum))}
}

// upward is a float32 not below x, but for the rounding of sums before it, which the slack of a search covers.
func upward(x float64) float32 { return math.Nextafter32(float32(x), float32(math.Inf(1))) }

func norm(x []float32) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}
