package image

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// The boxes of Canon's RAW files of the third kind that hold something to see or to know, by their UUIDs.
const (
	canonMetadata = "\x85\xc0\xb6\x87\x82\x0f\x11\xe0\x81\x11\xf4\xce\x46\x2b\x6a\x48"
	canonPreview  = "\xea\xf4\x2b\x5e\x1c\x98\x4b\x88\xb9\xfb\xb7\xdc\x40\x6e\x4d\x16"
)

func isCR3(data []byte) bool { return slices.Contains(brands(data), "crx ") }

// cr3Previews takes the JPEG pictures of a CR3 file: the thumbnail, the preview, and the whole picture, which is a track of its own.
func (p *preview) cr3Previews(data []byte) {
	top := boxes(data)
	if len(top) > 0 && top[len(top)-1].kind == "moov" {
		p.cut = true // the pictures come behind it
	}
	for _, b := range top {
		if inner, ok := bytes.CutPrefix(b.data, []byte(canonPreview)); ok && b.kind == "uuid" && len(inner) > 8 {
			if view := find(boxes(inner[8:]), "PRVW"); len(view) > 16 {
				p.consider(view[16:])
			}
		}
	}
	moov := boxes(find(top, "moov"))
	for _, b := range moov {
		switch inner, ok := bytes.CutPrefix(b.data, []byte(canonMetadata)); {
		case b.kind == "trak":
			samples := boxes(find(boxes(find(boxes(find(boxes(b.data), "mdia")), "minf")), "stbl"))
			if at, size := first64(find(samples, "co64")), firstSize(find(samples, "stsz")); at>>32 == 0 && size > 0 {
				p.take(data, uint32(at), size)
			}
		case b.kind == "uuid" && ok:
			if view := find(boxes(inner), "THMB"); len(view) > 16 {
				p.consider(view[16:])
			}
		}
	}
}

// first64 is the first place in a table of them.
func first64(table []byte) uint64 {
	if len(table) < 16 {
		return 0
	}
	return binary.BigEndian.Uint64(table[8:])
}

// firstSize is the size of the first sample: that of all, or the first in a table.
func firstSize(table []byte) uint32 {
	if len(table) < 12 {
		return 0
	}
	if all := binary.BigEndian.Uint32(table[4:]); all > 0 || len(table) < 16 {
		return all
	}
	return binary.BigEndian.Uint32(table[12:])
}

// Exif is the EXIF of a camera's RAW file that only begins unlike a TIFF file, or holds the parts of one: as a TIFF file, nil if data is no such
// file or has none.
func Exif(data []byte) []byte {
	switch {
	case isORF(data):
		head := bytes.Clone(data[:min(len(data), mostExif)])
		copy(head, "II*\x00")
		if data[0] == 'M' {
			copy(head, "MM\x00*")
		}
		return head
	case isCR3(data):
		return cr3Exif(data)
	}
	return nil
}

const mostExif = 1 << 21 // bytes from the beginning of a file, in which all directories are

// cr3Exif joins the directories of the picture, of the exposure and of the place, which Canon writes into boxes apart. None of what only Canon
// knows is kept.
func cr3Exif(data []byte) []byte {
	var parts []box
	for _, b := range boxes(find(boxes(data), "moov")) {
		if inner, ok := bytes.CutPrefix(b.data, []byte(canonMetadata)); ok && b.kind == "uuid" {
			parts = boxes(inner)
		}
	}
	whole := bytes.Clone(find(parts, "CMT1"))
	main := directories(whole, 1)[0]
	if main.entries == nil {
		return nil
	}
	entries := slices.Collect(slices.Chunk(main.entries, 12))
	const exif, gps = 0x8769, 0x8825
	for _, below := range []struct {
		tag  uint16
		kind string
	}{{exif, "CMT2"}, {gps, "CMT4"}} {
		tag, part := below.tag, bytes.Clone(find(parts, below.kind))
		d := directories(part, 1)[0]
		if d.entries == nil || d.order != main.order {
			continue
		}
		whole = append(whole, make([]byte, len(whole)%2)...)
		d.move(uint32(len(whole)))
		e := make([]byte, 12)
		d.order.PutUint16(e, tag)
		d.order.PutUint16(e[2:], 4)
		d.order.PutUint32(e[4:], 1)
		d.order.PutUint32(e[8:], uint32(len(whole))+d.order.Uint32(part[4:]))
		whole = append(whole, part...)
		entries = append(slices.DeleteFunc(entries, func(old []byte) bool { return d.order.Uint16(old) == tag }), e)
	}
	slices.SortFunc(entries, func(a, b []byte) int { return int(main.order.Uint16(a)) - int(main.order.Uint16(b)) })
	main.order.PutUint32(whole[4:], uint32(len(whole)))
	whole = append(whole, 0, 0)
	main.order.PutUint16(whole[len(whole)-2:], uint16(len(entries)))
	return append(append(whole, slices.Concat(entries...)...), 0, 0, 0, 0)
}

// move changes the entries of a directory, whose values do not move themselves, as if so many bytes came before the file.
func (d *tiffDirectory) move(by uint32) {
	sizes := [...]uint64{1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
	for e := d.entries; len(e) >= 12; e = e[12:] {
		if kind := d.order.Uint16(e[2:]); int(kind) < len(sizes) && sizes[kind]*uint64(d.order.Uint32(e[4:])) > 4 {
			d.order.PutUint32(e[8:], d.order.Uint32(e[8:])+by)
		}
	}
}
