package image

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// brands returns the file type and all that it is compatible with, nil if data is no ISO media file.
func brands(data []byte) []string {
	if len(data) < 16 || string(data[4:8]) != "ftyp" {
		return nil
	}
	n := min(int(binary.BigEndian.Uint32(data)), len(data), 256)
	list := []string{string(data[8:12])}
	for i := 16; i+4 <= n; i += 4 {
		list = append(list, string(data[i:i+4]))
	}
	return list
}

func isAVIF(data []byte) bool {
	list := brands(data)
	return slices.Contains(list, "avif") || slices.Contains(list, "avis")
}

func isHEIC(data []byte) bool {
	return slices.ContainsFunc(brands(data), func(b string) bool {
		return slices.Contains([]string{"heic", "heix", "hevc", "hevx", "heim", "heis", "hevm", "hevs", "mif1", "msf1"}, b)
	})
}

// heifHead is what the container of a HEIC or AVIF file says about its main picture.
type heifHead struct {
	w, h   int  // the largest size of any picture in it, before turning
	turns  int  // quarter turns against the clock; 0 for none
	mirror int  // 0: none, 1: top and bottom, 2: left and right change places
	matrix int  // of YCbCr, as ISO 23091-2 numbers them; 2: unknown
	video  bool // luma from 16 to 235
}

// orientation returns the turn and the mirroring as an EXIF orientation.
func (h *heifHead) orientation() int {
	return [4][3]int{{1, 4, 2}, {8, 5, 7}, {3, 2, 4}, {6, 7, 5}}[h.turns][h.mirror]
}

// box is one box of an ISO media file.
type box struct {
	kind string
	data []byte
}

// boxes splits b into boxes and stops silently at damage: the decoder will complain.
func boxes(b []byte) []box {
	var list []box
	for len(b) >= 8 {
		n, head := uint64(binary.BigEndian.Uint32(b)), uint64(8)
		switch {
		case n == 0:
			n = uint64(len(b))
		case n == 1 && len(b) >= 16:
			n, head = binary.BigEndian.Uint64(b[8:]), 16
		}
		if n < head || n > uint64(len(b)) {
			n = uint64(len(b))
			if n < head {
				break
			}
		}
		list = append(list, box{string(b[4:8]), b[head:n]})
		b = b[n:]
	}
	return list
}

func find(list []box, kind string) []byte {
	for _, b := range list {
		if b.kind == kind {
			return b.data
		}
	}
	return nil
}

// scanHEIF reads the properties of the primary picture.
func scanHEIF(data []byte) (*heifHead, error) {
	meta := find(boxes(data), "meta")
	if len(meta) < 4 {
		return nil, errors.New("no meta box: truncated file")
	}
	list := boxes(meta[4:])
	var primary uint32
	if p := find(list, "pitm"); len(p) >= 6 {
		primary = uint32(binary.BigEndian.Uint16(p[4:]))
		if p[0] != 0 && len(p) >= 8 {
			primary = binary.BigEndian.Uint32(p[4:])
		}
	}
	properties := boxes(find(list, "iprp"))
	all := boxes(find(properties, "ipco"))
	head := &heifHead{matrix: 2}
	for _, p := range all {
		if p.kind == "ispe" && len(p.data) >= 12 {
			w, h := binary.BigEndian.Uint32(p.data[4:]), binary.BigEndian.Uint32(p.data[8:])
			if uint64(w)*uint64(h) > uint64(head.w)*uint64(head.h) {
				head.w, head.h = int(w), int(h)
			}
		}
	}
	if head.w == 0 || head.h == 0 {
		return nil, errors.New("no picture size: truncated file")
	}
	for _, i := range associated(find(properties, "ipma"), primary) {
		if i < 1 || i > len(all) {
			continue
		}
		switch p := all[i-1].data; all[i-1].kind {
		case "irot":
			if len(p) >= 1 {
				head.turns = int(p[0] & 3)
			}
		case "imir":
			if len(p) >= 1 {
				head.mirror = 1 + int(p[0]&1)
			}
		case "colr":
			if len(p) >= 11 && string(p[:4]) == "nclx" {
				head.matrix, head.video = int(binary.BigEndian.Uint16(p[8:])), p[10]&0x80 == 0
			}
		}
	}
	return head, nil
}

// associated returns the numbers, from 1, of the properties of an item.
func associated(b []byte, item uint32) []int {
	if len(b) < 8 {
		return nil
	}
	version, wide := b[0], b[3]&1 != 0
	count := binary.BigEndian.Uint32(b[4:])
	b = b[8:]
	for ; count > 0; count-- {
		var id uint32
		if version == 0 {
			if len(b) < 3 {
				return nil
			}
			id, b = uint32(binary.BigEndian.Uint16(b)), b[2:]
		} else {
			if len(b) < 5 {
				return nil
			}
			id, b = binary.BigEndian.Uint32(b), b[4:]
		}
		n := int(b[0])
		b = b[1:]
		size := 1
		if wide {
			size = 2
		}
		if len(b) < n*size {
			return nil
		}
		if id == item {
			list := make([]int, n)
			for i := range list {
				if wide {
					list[i] = int(binary.BigEndian.Uint16(b[2*i:]) & 0x7fff)
				} else {
					list[i] = int(b[i] & 0x7f)
				}
			}
			return list
		}
		b = b[n*size:]
	}
	return nil
}

// decodeAVIF reads AVIF through libavif. The decoder multiplies colours by alpha; that is undone here, so colours under
// nearly transparent pixels are coarse.
func decodeAVIF(f *file) (*RGB, int, error) {
	head, err := scanHEIF(f.data)
	if err != nil {
		return nil, 0, err
	}
	if err := f.check(head.w, head.h); err != nil {
		return nil, 0, err
	}
	c, err := avifCodec.start()
	if err != nil {
		return nil, 0, err
	}
	defer c.close()
	in, size := c.put(f.data), uint64(len(f.data))
	info := c.alloc(16)
	untouched := bytes.Repeat([]byte{0xff}, 8)
	delay := c.put(untouched)
	if c.call("decode", in, size, 1, 0, info, info+4, info+8, info+12, 0, 0) == 0 {
		c.fail("damaged file")
	}
	w, h, depth := c.number(info, 0), c.number(info, 1), c.number(info, 2)
	if c.err != nil {
		return nil, 0, c.err
	}
	if err := f.check(w, h); err != nil {
		return nil, 0, err
	}
	each := uint64(4)
	if depth > 8 {
		each = 8
	}
	n := uint64(w) * uint64(h) * each
	to := c.alloc(n)
	if c.call("decode", in, size, 0, 0, info, info+4, info+8, info+12, delay, to) == 0 {
		c.fail("damaged file")
	}
	if bytes.Equal(c.bytes(delay, 8), untouched) { // the decoder keeps silent about pixels that it could not decode
		c.fail("damaged or truncated file")
	}
	pix := c.bytes(to, n)
	if c.err != nil {
		return nil, 0, c.err
	}
	out := NewRGB(w, h)
	for i := range w * h {
		if each == 4 {
			p := pix[4*i : 4*i+4]
			for j := range 3 {
				out.Pix[3*i+j] = uint8(divide(uint32(p[j]), uint32(p[3]), 255))
			}
			continue
		}
		p := pix[8*i : 8*i+8]
		a := uint32(binary.LittleEndian.Uint16(p[6:]))
		for j := range 3 {
			v := divide(uint32(binary.LittleEndian.Uint16(p[2*j:])), a, 65535)
			out.Pix[3*i+j] = uint8((v*255 + 32767) / 65535)
		}
	}
	return out, head.orientation(), nil
}

// divide undoes a multiplication by a/one.
func divide(v, a, one uint32) uint32 {
	if a == one || a == 0 {
		return v
	}
	return min((v*one+a/2)/a, one)
}

// decodeHEIC reads HEIC through libheif, which turns the picture itself; EXIF is not asked, as in pillow-heif.
func decodeHEIC(f *file) (*RGB, int, error) {
	head, err := scanHEIF(f.data)
	if err != nil {
		return nil, 0, err
	}
	if err := f.check(head.w, head.h); err != nil {
		return nil, 0, err
	}
	c, err := heifCodec.start()
	if err != nil {
		return nil, 0, err
	}
	defer c.close()
	in, size := c.put(f.data), uint64(len(f.data))
	info := c.alloc(20)
	decode := func(header, to uint64) {
		if c.call("decode", in, size, header, info, info+4, info+8, info+12, info+16, to) == 0 {
			c.fail("damaged file, or a coding that is not HEVC")
		}
	}
	decode(1, 0)
	w, h, space, sampling := c.number(info, 0), c.number(info, 1), c.number(info, 2), c.number(info, 3)
	if c.err != nil {
		return nil, 0, c.err
	}
	if err := f.check(w, h); err != nil {
		return nil, 0, err
	}
	const yCbCr, rgb, gray = 0, 1, 2
	cw, ch := 0, 0
	luma := stride(w)
	switch {
	case space == gray:
	case space == rgb:
		luma = (4*max(w+w%2, 64) + 15) &^ 15
	case space == yCbCr && sampling >= 1 && sampling <= 3: // 4:2:0, 4:2:2, 4:4:4
		cw, ch = w, h
		if sampling < 3 {
			cw = (w + 1) / 2
		}
		if sampling < 2 {
			ch = (h + 1) / 2
		}
	default:
		return nil, 0, fmt.Errorf("colour space %d with chroma %d is not supported", space, sampling)
	}
	chromaStride := stride(cw)
	n := uint64(luma*h + 2*chromaStride*ch)
	to := c.alloc(n)
	decode(0, to)
	pix := c.bytes(to, n)
	if c.err != nil {
		return nil, 0, c.err
	}
	out := NewRGB(w, h)
	convert, half := head.converter(), 0 // half: whether chroma has half the columns
	if cw != w {
		half = 1
	}
	for y := range h {
		row := out.Pix[3*w*y:][:3*w]
		l := pix[luma*y:][:luma]
		switch space {
		case gray:
			for x := range w {
				row[3*x], row[3*x+1], row[3*x+2] = l[x], l[x], l[x]
			}
		case rgb:
			for x := range w {
				copy(row[3*x:3*x+3], l[4*x:4*x+3])
			}
		default:
			cb := pix[luma*h+chromaStride*(y*ch/h):][:chromaStride]
			cr := pix[luma*h+chromaStride*(ch+y*ch/h):][:chromaStride]
			for x := range w {
				i := x >> half
				convert(row[3*x:3*x+3], l[x], cb[i], cr[i])
			}
		}
	}
	return out, 0, nil
}

// stride is the bytes that libheif gives a row of n samples.
func stride(n int) int {
	if n == 0 {
		return 0
	}
	return (max(n+n%2, 64) + 15) &^ 15
}

// converter returns the conversion to RGB that the file's colour matrix asks for: BT.601, full range, if it says nothing.
func (h *heifHead) converter() func(to []uint8, y, u, v uint8) {
	kr, kb := 0.299, 0.114
	switch h.matrix {
	case 1:
		kr, kb = 0.2126, 0.0722
	case 9, 10:
		kr, kb = 0.2627, 0.0593
	}
	scale, chroma, black := 1.0, 1.0, 0.0
	if h.video {
		scale, chroma, black = 1.1689, 1.1429, 16 // libheif's numbers; 255/219 and 255/224 would be 1.1644 and 1.1384
	}
	rv, bu := 2*(1-kr)*chroma, 2*(1-kb)*chroma
	gv, gu := -rv*kr/(1-kr-kb), -bu*kb/(1-kr-kb)
	return func(to []uint8, y, u, v uint8) {
		// The conversions keep processors from fusing, so that all give the same pixels.
		l, cu, cv := float64((float64(y)-black)*scale)+0.5, float64(u)-128, float64(v)-128
		to[0] = sat(int32(l + float64(rv*cv)))
		to[1] = sat(int32(l + float64(gu*cu) + float64(gv*cv)))
		to[2] = sat(int32(l + float64(bu*cu)))
	}
}
