package decode

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// A Reader takes values off the front of a slice. After an error every read gives zero values.
type Reader struct {
	data []byte
	pos  int
	err  error
}

// NewReader reads b, which must not change meanwhile.
func NewReader(b []byte) *Reader { return &Reader{data: b} }

// Err is the first error, nil if there was none.
func (r *Reader) Err() error { return r.err }

// Pos is the number of bytes read.
func (r *Reader) Pos() int { return r.pos }

// Len is the number of bytes left.
func (r *Reader) Len() int { return len(r.data) - r.pos }

// Fail makes an error of the reader's, with the position, unless it has one already.
func (r *Reader) Fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("at byte %d: "+format, append([]any{r.pos}, args...)...)
	}
}

// Bytes is the next n bytes, a view of the input; nil after an error.
func (r *Reader) Bytes(n int) []byte {
	if r.err != nil {
		return nil
	}
	if n < 0 || n > r.Len() {
		r.err = fmt.Errorf("at byte %d: expected %d more bytes, got %d: %w", r.pos, n, r.Len(), io.ErrUnexpectedEOF)
		return nil
	}
	b := r.data[r.pos : r.pos+n : r.pos+n]
	r.pos += n
	return b
}

// Skip passes over n bytes.
func (r *Reader) Skip(n int) { r.Bytes(n) }

// Line is what comes before the next newline, which is passed over.
func (r *Reader) Line() string {
	if r.err != nil {
		return ""
	}
	i := bytes.IndexByte(r.data[r.pos:], '\n')
	if i < 0 {
		r.Fail("expected a line that ends")
		return ""
	}
	b := r.Bytes(i)
	r.pos++
	return string(b)
}

// U8 is the next byte.
func (r *Reader) U8() uint8 {
	if b := r.Bytes(1); b != nil {
		return b[0]
	}
	return 0
}

// U16 is the next two bytes, little endian.
func (r *Reader) U16() uint16 {
	if b := r.Bytes(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

// U32 is the next four bytes, little endian.
func (r *Reader) U32() uint32 {
	if b := r.Bytes(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// U64 is the next eight bytes, little endian.
func (r *Reader) U64() uint64 {
	if b := r.Bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// U16BE is the next two bytes, big endian.
func (r *Reader) U16BE() uint16 {
	if b := r.Bytes(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

// U32BE is the next four bytes, big endian.
func (r *Reader) U32BE() uint32 {
	if b := r.Bytes(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// U64BE is the next eight bytes, big endian.
func (r *Reader) U64BE() uint64 {
	if b := r.Bytes(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}
