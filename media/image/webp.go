package image

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	stdimage "image"

	"golang.org/x/image/webp"
)

func isWebP(b []byte) bool {
	return len(b) >= 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP"
}

// decodeWebP reads lossy and lossless WebP, of an animation the first frame on its canvas.
func decodeWebP(f *file) (*RGB, int, error) {
	head, err := scanWebP(f.data)
	if err != nil {
		return nil, 0, err
	}
	if err := f.check(head.w, head.h); err != nil {
		return nil, 0, err
	}
	if head.frame == nil {
		return nil, 0, errors.New("no picture: truncated file")
	}
	img, err := webp.Decode(bytes.NewReader(head.frame))
	if err != nil {
		return nil, 0, err
	}
	var out *RGB
	if m, ok := img.(*stdimage.YCbCr); ok {
		out = videoRange(m)
	} else {
		out = flatten(img)
	}
	if !head.animated {
		if f.alpha != nil {
			f.alpha.takeWebP(f.data, out.W, out.H)
		}
		return out, head.orientation(), nil
	}
	if head.x+out.W > head.w || head.y+out.H > head.h {
		return nil, 0, errors.New("the first frame leaves the canvas")
	}
	canvas := NewRGB(head.w, head.h)
	for y := range out.H {
		copy(canvas.Pix[3*((head.y+y)*head.w+head.x):], out.Pix[3*out.W*y:][:3*out.W])
	}
	return canvas, head.orientation(), nil
}

// webpHead is what the chunks of a WebP file say, and its picture (of an animation, the first frame) as a file of its own
// without alpha.
type webpHead struct {
	metadata
	w, h     int
	animated bool
	x, y     int // the first frame's place
	frame    []byte
}

func scanWebP(b []byte) (*webpHead, error) {
	var head webpHead
	err := riff(b[12:], func(name string, data []byte) error {
		switch name {
		case "VP8X":
			if len(data) < 10 {
				return fmt.Errorf("VP8X: expected 10 bytes, got %d", len(data))
			}
			head.w, head.h = 1+u24(data[4:]), 1+u24(data[7:])
			head.animated = data[0]&2 != 0
		case "VP8 ", "VP8L":
			return head.picture(name, data)
		case "ANMF":
			if len(data) < 16 {
				return fmt.Errorf("ANMF: expected 16 bytes, got %d", len(data))
			}
			if head.frame == nil {
				head.x, head.y = 2*u24(data), 2*u24(data[3:])
				return riff(data[16:], func(name string, data []byte) error {
					if name == "VP8 " || name == "VP8L" {
						return head.picture(name, data)
					}
					return nil
				})
			}
		case "EXIF":
			head.exif = data
		case "XMP ":
			head.xmp = data
		}
		return nil
	})
	return &head, err
}

// picture keeps the first bitstream and reads the size in its header.
func (h *webpHead) picture(name string, data []byte) error {
	if h.frame != nil {
		return nil
	}
	var w, ht int
	if name == "VP8 " {
		if len(data) < 10 || string(data[3:6]) != "\x9d\x01\x2a" {
			return errors.New("VP8: damaged frame header")
		}
		w, ht = int(binary.LittleEndian.Uint16(data[6:])&0x3fff), int(binary.LittleEndian.Uint16(data[8:])&0x3fff)
	} else {
		if len(data) < 5 || data[0] != 0x2f {
			return errors.New("VP8L: damaged header")
		}
		bits := binary.LittleEndian.Uint32(data[1:])
		w, ht = 1+int(bits&0x3fff), 1+int(bits>>14&0x3fff)
	}
	if !h.animated {
		h.w, h.h = w, ht
	}
	if int64(w)*int64(ht) > int64(h.w)*int64(h.h) {
		return fmt.Errorf("a frame of %d x %d on a canvas of %d x %d", w, ht, h.w, h.h)
	}
	h.frame = make([]byte, 0, 20+len(data)+1)
	h.frame = append(h.frame, "RIFF\x00\x00\x00\x00WEBP"...)
	h.frame = append(h.frame, name...)
	h.frame = binary.LittleEndian.AppendUint32(h.frame, uint32(len(data)))
	h.frame = append(h.frame, data...)
	if len(data)%2 == 1 {
		h.frame = append(h.frame, 0)
	}
	binary.LittleEndian.PutUint32(h.frame[4:], uint32(len(h.frame)-8))
	return nil
}

// riff walks the chunks of b. The last chunk may lack its padding byte.
func riff(b []byte, chunk func(name string, data []byte) error) error {
	for len(b) >= 8 {
		n := uint64(binary.LittleEndian.Uint32(b[4:]))
		if n > uint64(len(b)-8) {
			return fmt.Errorf("chunk %q is cut short: truncated file", b[:4])
		}
		if err := chunk(string(b[:4]), b[8:8+n]); err != nil {
			return err
		}
		b = b[min(8+n+n%2, uint64(len(b))):]
	}
	return nil
}

func u24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

// videoRange converts the planes of a lossy WebP to RGB as libwebp does: BT.601 with luma from 16 to 235, and chroma
// interpolated with weights 9, 3, 3, 1.
func videoRange(m *stdimage.YCbCr) *RGB {
	b := m.Bounds()
	out := NewRGB(b.Dx(), b.Dy())
	cw, ch := (out.W+1)/2, (out.H+1)/2
	for y := range out.H {
		// The chroma rows above and below the centre of this row; near is the closer one.
		near, far := y/2, y/2-1
		if y%2 == 1 {
			far = y/2 + 1
		}
		far = min(max(far, 0), ch-1)
		nu, fu := m.Cb[near*m.CStride:][:cw], m.Cb[far*m.CStride:][:cw]
		nv, fv := m.Cr[near*m.CStride:][:cw], m.Cr[far*m.CStride:][:cw]
		luma := m.Y[y*m.YStride:][:out.W]
		row := out.Pix[3*out.W*y:][:3*out.W]
		for x, l := range luma {
			i, j := x/2, x/2-1
			if x%2 == 1 {
				j = x/2 + 1
			}
			p := row[:3:3]
			row = row[3:]
			if j < 0 || j >= cw {
				video(p, l, (3*int32(nu[i])+int32(fu[i])+2)>>2, (3*int32(nv[i])+int32(fv[i])+2)>>2)
				continue
			}
			video(p, l, blend(nu[i], nu[j], fu[i], fu[j]), blend(nv[i], nv[j], fv[i], fv[j]))
		}
	}
	return out
}

// blend weighs the nearest sample 9, its neighbours in row and column 3, the diagonal one 1, in libwebp's two roundings.
func blend(near, side, far, diagonal uint8) int32 {
	n, s, f, d := int32(near), int32(side), int32(far), int32(diagonal)
	return ((n+s+f+d+8+2*(s+f))>>3 + n) >> 1
}

// video converts one sample in libwebp's fixed point.
func video(p []uint8, l uint8, u, v int32) {
	y := int32(l) * 19077 >> 8
	p[0] = sat((y + v*26149>>8 - 14234) >> 6)
	p[1] = sat((y - u*6419>>8 - v*13320>>8 + 8708) >> 6)
	p[2] = sat((y + u*33050>>8 - 17685) >> 6)
}
