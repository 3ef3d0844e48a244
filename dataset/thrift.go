package dataset

import "github.com/chiasm/chiasm/internal/decode"

// soundThrift walks over a structure of Thrift's compact protocol, in which Parquet describes itself, and is an error if it claims more
// than the bytes hold: the library makes room for a list before it reads it.
func soundThrift(b []byte) error {
	w := &walker{decode.NewReader(b)}
	w.structure(0)
	return w.r.Err()
}

// deepest is how far structures may lie within each other. Parquet's go to 5.
const deepest = 32

type walker struct{ r *decode.Reader }

// varint is the next number, 7 bits a byte.
func (w *walker) varint() (v uint64) {
	for shift := 0; shift < 64; shift += 7 {
		b := w.r.U8()
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
	w.r.Fail("expected a number of at most 10 bytes")
	return 0
}

// count is a number of things that take a byte at least each.
func (w *walker) count() int {
	n := w.varint()
	if n > uint64(w.r.Len()) {
		w.r.Fail("%d claimed in %d bytes", n, w.r.Len())
		return 0
	}
	return int(n)
}

func (w *walker) structure(depth int) {
	if depth > deepest {
		w.r.Fail("structures within each other, more than %d", deepest)
	}
	for w.r.Err() == nil {
		head := w.r.U8()
		if head == 0 {
			return
		}
		if head>>4 == 0 {
			w.varint() // number of the field
		}
		if kind := head & 15; kind != 1 && kind != 2 { // a bool is in its head
			w.value(kind, depth)
		}
	}
}

// value passes over one value. Bools are bytes here: those of a list.
func (w *walker) value(kind byte, depth int) {
	switch kind {
	case 1, 2, 3:
		w.r.Skip(1)
	case 4, 5, 6:
		w.varint()
	case 7:
		w.r.Skip(8)
	case 8:
		w.r.Skip(w.count())
	case 9, 10: // list, set
		head := w.r.U8()
		n := int(head >> 4)
		if n == 15 {
			n = w.count()
		}
		for range n {
			if w.r.Err() != nil {
				return
			}
			w.value(head&15, depth+1)
		}
	case 11: // map
		n := w.count()
		if n == 0 {
			return
		}
		kinds := w.r.U8()
		for range n {
			if w.r.Err() != nil {
				return
			}
			w.value(kinds>>4, depth+1)
			w.value(kinds&15, depth+1)
		}
	case 12:
		w.structure(depth + 1)
	case 13:
		w.r.Skip(16)
	default:
		w.r.Fail("expected a type from 1 to 13, got %d", kind)
	}
	if depth > deepest {
		w.r.Fail("values within each other, more than %d", deepest)
	}
}
