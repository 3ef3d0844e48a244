package image

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	stdimage "image"
	"image/png"
	"io"
)

// decodePNG reads every kind of PNG. A single transparent colour is painted white, as the reference pipeline does: see
// [Open].
func decodePNG(f *file) (*RGB, int, error) {
	head, err := scanPNG(f.data)
	if err != nil {
		return nil, 0, err
	}
	if err := f.check(head.w, head.h); err != nil {
		return nil, 0, err
	}
	channels := map[byte]int{0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[head.kind]
	if raw := int64(head.w) * int64(head.h) / 8 * int64(channels*head.depth); raw > 1040*int64(head.packed)+4096 {
		return nil, 0, fmt.Errorf("%d bytes of data cannot hold %d x %d pixels: truncated file", head.packed, head.w, head.h)
	}
	img, err := png.Decode(bytes.NewReader(f.data))
	if err != nil {
		return nil, 0, err
	}
	out := f.flatten(img)
	if m, ok := img.(*stdimage.NRGBA64); ok && head.kind == 0 { // 16-bit gray with a colour key
		for i := range out.W * out.H {
			v := m.Pix[8*i+1]
			if m.Pix[8*i] != 0 {
				v = 255
			}
			out.Pix[3*i], out.Pix[3*i+1], out.Pix[3*i+2] = v, v, v
		}
	}
	if r, g, b, ok := head.key(); ok {
		out.keyed(r, g, b)
	}
	return out, head.orientation(), nil
}

// pngHead is what the chunks around a PNG's pixels say.
type pngHead struct {
	metadata
	w, h, depth int
	kind        byte // colour type
	packed      int  // bytes of compressed pixels
	trns, plte  []byte
}

// scanPNG walks the chunks.
func scanPNG(b []byte) (*pngHead, error) {
	var head pngHead
	for b = b[8:]; len(b) >= 12; {
		n, name := binary.BigEndian.Uint32(b), string(b[4:8])
		if uint64(n)+12 > uint64(len(b)) {
			return nil, fmt.Errorf("chunk %q is cut short: truncated file", name)
		}
		data := b[8 : 8+n]
		b = b[12+n:]
		switch name {
		case "IHDR":
			if len(data) < 13 {
				return nil, fmt.Errorf("IHDR: expected 13 bytes, got %d", len(data))
			}
			w, h := binary.BigEndian.Uint32(data), binary.BigEndian.Uint32(data[4:])
			if w > 1<<31-1 || h > 1<<31-1 {
				return nil, fmt.Errorf("IHDR: size %d x %d is out of range", w, h)
			}
			head.w, head.h, head.depth, head.kind = int(w), int(h), int(data[8]), data[9]
		case "PLTE":
			head.plte = data
		case "tRNS":
			head.trns = data
		case "IDAT":
			head.packed += len(data)
		case "eXIf":
			head.exif = data
		case "tEXt", "zTXt", "iTXt":
			head.text(name, data)
		case "IEND":
			b = nil
		}
	}
	if head.w == 0 {
		return nil, fmt.Errorf("no IHDR chunk: truncated file")
	}
	return &head, nil
}

// text keeps XMP, and the EXIF that older programs write as text in hexadecimal.
func (h *pngHead) text(chunk string, data []byte) {
	key, value, ok := bytes.Cut(data, []byte{0})
	if !ok {
		return
	}
	squeezed := chunk == "zTXt"
	switch chunk {
	case "zTXt":
		if len(value) < 1 {
			return
		}
		value = value[1:]
	case "iTXt": // flag, method, language, translated keyword, text
		if len(value) < 2 {
			return
		}
		squeezed = value[0] == 1
		if parts := bytes.SplitN(value[2:], []byte{0}, 3); len(parts) == 3 {
			value = parts[2]
		}
	}
	profile := string(key) == "Raw profile type exif" && h.exif == nil
	if !profile && string(key) != "XML:com.adobe.xmp" {
		return
	}
	if squeezed {
		r, err := zlib.NewReader(bytes.NewReader(value))
		if err != nil {
			return
		}
		if value, err = io.ReadAll(io.LimitReader(r, 1<<20)); err != nil {
			return
		}
	}
	if !profile {
		h.xmp = value
		return
	}
	if lines := bytes.SplitN(value, []byte{'\n'}, 4); len(lines) == 4 { // empty, "exif", length, digits
		digits := bytes.ReplaceAll(lines[3], []byte{'\n'}, nil)
		if raw, err := hex.DecodeString(string(bytes.TrimSpace(digits))); err == nil {
			h.exif = raw
		}
	}
}

// key returns the colour that is transparent by itself, as Pillow's conversion to RGB and back to RGBA understands the
// tRNS chunk: of each sample the low byte, never scaled to 8 bits.
func (h *pngHead) key() (r, g, b uint8, ok bool) {
	t := h.trns
	switch {
	case len(t) == 0:
	case h.kind == 3:
		i := bytes.IndexByte(t, 0)
		if i < 0 || bytes.Count(t, []byte{255}) != len(t)-1 || 3*i+3 > len(h.plte) {
			break // several or half transparent colours are forgotten
		}
		return h.plte[3*i], h.plte[3*i+1], h.plte[3*i+2], true
	case h.kind == 2 && len(t) >= 6:
		return t[1], t[3], t[5], true
	case h.kind == 0 && len(t) >= 2:
		v := binary.BigEndian.Uint16(t)
		switch h.depth {
		case 1:
			if v != 0 {
				return 255, 0, 0, true
			}
			return 0, 0, 0, true
		case 16:
			return uint8(v), 0, 0, true
		default:
			v := uint8(min(v, 255))
			return v, v, v, true
		}
	}
	return 0, 0, 0, false
}
