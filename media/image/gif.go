package image

import (
	"compress/lzw"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// decodeGIF reads the first frame of a GIF on its canvas as Pillow shows it: around the frame lies the transparent
// colour, or colour 0 of the palette.
func decodeGIF(f *file) (*RGB, int, error) {
	head, err := scanGIF(f.data)
	if err != nil {
		return nil, 0, err
	}
	w, h := max(head.w, head.x+head.fw), max(head.h, head.y+head.fh)
	if err := f.check(w, h); err != nil {
		return nil, 0, err
	}
	if head.fw == 0 || head.fh == 0 {
		return nil, 0, fmt.Errorf("first frame: expected a positive size, got %d x %d", head.fw, head.fh)
	}
	if head.bits < 1 || head.bits > 12 {
		return nil, 0, fmt.Errorf("code size: expected 1 to 12 bits, got %d", head.bits)
	}
	if int64(head.fw)*int64(head.fh) > 4096*int64(len(head.packed)) {
		return nil, 0, fmt.Errorf("%d bytes cannot hold %d x %d pixels: truncated file", len(head.packed), head.fw, head.fh)
	}
	r := lzw.NewReader(&blocks{rest: head.packed}, lzw.LSB, min(max(head.bits, 2), 8))
	defer r.Close()

	out := NewRGB(w, h)
	around := head.palette[max(head.transparent, 0)]
	for p := out.Pix; len(p) > 0; p = p[3:] {
		copy(p, around[:])
	}
	row := make([]byte, head.fw)
	for i := range head.fh {
		if _, err := io.ReadFull(r, row); err != nil {
			return nil, 0, err
		}
		y := i
		if head.interlaced {
			y = interlacedRow(i, head.fh)
		}
		to := out.Pix[3*((head.y+y)*w+head.x):]
		for j, v := range row {
			copy(to[3*j:3*j+3], head.palette[v][:])
		}
	}
	if head.transparent >= 0 {
		c := head.palette[head.transparent]
		if f.alpha != nil {
			f.alpha.takeColour(out, c)
		}
		out.keyed(c[0], c[1], c[2])
	}
	return out, 0, nil
}

// interlacedRow is the row that comes i-th in an interlaced frame of h rows: every 8th, the 4ths between, the 2nds, the
// rest.
func interlacedRow(i, h int) int {
	for _, pass := range [4][2]int{{0, 8}, {4, 8}, {2, 4}, {1, 2}} {
		n := max((h-pass[0]+pass[1]-1)/pass[1], 0)
		if i < n {
			return pass[0] + i*pass[1]
		}
		i -= n
	}
	return 0
}

// gifHead is what stands before the pixels of the first frame.
type gifHead struct {
	w, h         int // canvas
	x, y, fw, fh int // frame on it
	palette      [256][3]uint8
	transparent  int // index, -1 for none
	interlaced   bool
	bits         int // of the first code
	packed       []byte
}

func scanGIF(b []byte) (*gifHead, error) {
	short := errors.New("no frame: truncated file")
	if len(b) < 13 {
		return nil, short
	}
	head := &gifHead{transparent: -1}
	head.w, head.h = int(binary.LittleEndian.Uint16(b[6:])), int(binary.LittleEndian.Uint16(b[8:]))
	for i := range head.palette { // what Pillow starts from
		head.palette[i] = [3]uint8{uint8(i), uint8(i), uint8(i)}
	}
	flags := b[10]
	b = b[13:]
	colours := func() bool {
		if flags&0x80 == 0 {
			return true
		}
		n := 3 << (flags&7 + 1)
		if len(b) < n {
			return false
		}
		for i := range n / 3 {
			head.palette[i] = [3]uint8(b[3*i:])
		}
		b = b[n:]
		return true
	}
	if !colours() {
		return nil, short
	}
	for len(b) > 0 {
		switch b[0] {
		case '!': // an extension: label, then blocks
			if len(b) < 3 {
				return nil, short
			}
			label, n := b[1], int(b[2])
			if label == 0xf9 && n >= 4 && len(b) >= 3+n && b[3]&1 != 0 {
				head.transparent = int(b[6])
			}
			for b = b[2:]; len(b) > 0 && b[0] != 0; b = b[1+int(b[0]):] {
				if len(b) < 1+int(b[0]) {
					return nil, short
				}
			}
			if len(b) > 0 {
				b = b[1:]
			}
		case ',':
			if len(b) < 11 {
				return nil, short
			}
			u := func(i int) int { return int(binary.LittleEndian.Uint16(b[i:])) }
			head.x, head.y, head.fw, head.fh = u(1), u(3), u(5), u(7)
			flags = b[9]
			head.interlaced = flags&0x40 != 0
			b = b[10:]
			if !colours() || len(b) < 1 {
				return nil, short
			}
			head.bits, head.packed = int(b[0]), b[1:]
			return head, nil
		case ';':
			return nil, errors.New("no frame before the end marker")
		default:
			b = b[1:]
		}
	}
	return nil, short
}

// blocks reads the bytes of a GIF's data blocks, each of which begins with its length.
type blocks struct{ block, rest []byte }

func (b *blocks) next() bool {
	for len(b.block) == 0 {
		if len(b.rest) == 0 || b.rest[0] == 0 {
			return false
		}
		n := min(1+int(b.rest[0]), len(b.rest))
		b.block, b.rest = b.rest[1:n], b.rest[n:]
	}
	return true
}

// ReadByte makes the LZW reader use b without a buffer of its own.
func (b *blocks) ReadByte() (byte, error) {
	if !b.next() {
		return 0, io.EOF
	}
	c := b.block[0]
	b.block = b.block[1:]
	return c, nil
}

// Read implements io.Reader.
func (b *blocks) Read(p []byte) (int, error) {
	if !b.next() {
		return 0, io.EOF
	}
	n := copy(p, b.block)
	b.block = b.block[n:]
	return n, nil
}

var _ io.ByteReader = (*blocks)(nil)
