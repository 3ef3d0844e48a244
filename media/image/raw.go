package image

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// Tags of TIFF directories that cameras write, and bounds of what is followed of them.
const (
	tagCompression, tagPhotometric, tagStrips, tagStripBytes = 259, 262, 273, 279
	tagSubDirectories, tagTables, tagJPEG, tagJPEGBytes      = 330, 347, 513, 514
	tagDNGVersion, tagPanasonicJPEG                          = 50706, 46
	photometricSensor, photometricLinear                     = 32803, 34892

	mostDirectories = 64
	mostPreviews    = 16      // that are looked at
	mostJPEGHead    = 4 << 20 // bytes before the picture itself
)

// A preview is a JPEG picture inside of another file.
type preview struct {
	data []byte
	w, h int
	seen int // how many were looked at
}

// Preview is the largest JPEG picture inside a camera's RAW file, which [Open] reads in place of what the sensor gave, nil if data is no RAW
// file or has none. It is a view of data.
func Preview(data []byte) []byte {
	if raw, p := previews(data); raw {
		return p.data
	}
	return nil
}

// isRaw recognises RAW files that do not begin as TIFF files do.
func isRaw(data []byte) bool { return bytes.HasPrefix(data, []byte("IIU\x00")) }

// decodeRaw reads the preview of a RAW file.
func decodeRaw(f *file) (*RGB, int, error) {
	_, p := previews(f.data)
	if p.data == nil {
		return nil, 0, errors.New("there is no JPEG preview in the RAW file, and what the sensor gave is not read")
	}
	inner := *f
	inner.data = p.data
	img, orientation, err := decodeJPEG(&inner)
	if orientation == 0 {
		orientation = int(directories(f.data, 1)[0].number(274))
	}
	return img, orientation, err
}

// previews looks through the directories of a TIFF file: whether it is a camera's RAW file, and its largest preview.
func previews(data []byte) (raw bool, best preview) {
	raw = isRaw(data) || len(data) > 10 && string(data[8:10]) == "CR"
	for _, d := range directories(data, mostDirectories) {
		sensor := d.sensor()
		_, count, _ := d.entry(tagDNGVersion)
		raw = raw || sensor || count > 0
		best.take(data, d.number(tagJPEG), d.number(tagJPEGBytes))
		if _, size, at := d.entry(tagPanasonicJPEG); isRaw(data) && at != nil {
			best.take(data, d.order.Uint32(at), size)
		}
		_, strips, _ := d.entry(tagStrips)
		_, tables, _ := d.entry(tagTables)
		if c := d.number(tagCompression); (c == 6 || c == 7) && strips == 1 && tables == 0 && !sensor {
			best.take(data, d.number(tagStrips), d.number(tagStripBytes))
		}
	}
	return raw, best
}

// take takes what lies there in data if it is a JPEG picture larger than what it has.
func (p *preview) take(data []byte, at, size uint32) {
	end := uint64(at) + uint64(size)
	if size < 4 || end > uint64(len(data)) {
		return
	}
	jpeg := data[at:end]
	if p.seen >= mostPreviews || !bytes.HasPrefix(jpeg, []byte("\xff\xd8\xff")) {
		return
	}
	p.seen++
	head, err := scanJPEG(jpeg[:min(len(jpeg), mostJPEGHead)])
	if err != nil || head.components != 1 && head.components != 3 || int64(head.w)*int64(head.h) <= int64(p.w)*int64(p.h) {
		return // a sensor's values, which are lossless JPEG; or a smaller one
	}
	p.data, p.w, p.h = jpeg, head.w, head.h
}

// A tiffDirectory is a directory of a TIFF file; entries are 12 bytes each.
type tiffDirectory struct {
	data    []byte
	order   binary.ByteOrder
	entries []byte
}

// directories lists the directories of a TIFF file or one like it, and those below them, each once: up to most. One without entries stands
// for what is no such file.
func directories(data []byte, most int) (list []tiffDirectory) {
	var order binary.ByteOrder = binary.LittleEndian
	if len(data) < 8 || string(data[:2]) != "II" && string(data[:2]) != "MM" {
		return []tiffDirectory{{order: order}}
	}
	if data[0] == 'M' {
		order = binary.BigEndian
	}
	seen := map[uint32]bool{}
	for queue := []uint32{order.Uint32(data[4:])}; len(queue) > 0 && len(list) < most; queue = queue[1:] {
		at := uint64(queue[0])
		if seen[queue[0]] || at < 8 || at+2 > uint64(len(data)) {
			continue
		}
		seen[queue[0]] = true
		n := uint64(order.Uint16(data[at:])) * 12
		rest := data[at+2:]
		d := tiffDirectory{data, order, rest[:min(n, uint64(len(rest)))/12*12]}
		list = append(list, d)
		queue = append(queue, d.numbers(tagSubDirectories, mostDirectories)...)
		if uint64(len(rest)) >= n+4 {
			queue = append(queue, order.Uint32(rest[n:]))
		}
	}
	if len(list) == 0 {
		return []tiffDirectory{{order: order}}
	}
	return list
}

// entry finds a tag; value is nil if it is not there, else the entry's last four bytes.
func (d *tiffDirectory) entry(tag uint16) (kind uint16, count uint32, value []byte) {
	for e := d.entries; len(e) >= 12; e = e[12:] {
		if d.order.Uint16(e) == tag {
			return d.order.Uint16(e[2:]), d.order.Uint32(e[4:]), e[8:12]
		}
	}
	return 0, 0, nil
}

// numbers are the first most numbers of a tag.
func (d *tiffDirectory) numbers(tag uint16, most int) (out []uint32) {
	kind, count, value := d.entry(tag)
	size := map[uint16]uint64{1: 1, 3: 2, 4: 4, 13: 4}[kind]
	total := size * min(uint64(count), uint64(most))
	if total == 0 {
		return nil
	}
	if size*uint64(count) > 4 {
		at := uint64(d.order.Uint32(value))
		if at+total > uint64(len(d.data)) {
			return nil
		}
		value = d.data[at:]
	}
	for value = value[:total]; len(value) > 0; value = value[size:] {
		switch size {
		case 1:
			out = append(out, uint32(value[0]))
		case 2:
			out = append(out, uint32(d.order.Uint16(value)))
		case 4:
			out = append(out, d.order.Uint32(value))
		}
	}
	return out
}

// sensor reports whether a directory is of what the sensor gave.
func (d *tiffDirectory) sensor() bool {
	p := d.number(tagPhotometric)
	return p == photometricSensor || p == photometricLinear
}

// number is the first number of a tag, 0 if there is none.
func (d *tiffDirectory) number(tag uint16) uint32 {
	if all := d.numbers(tag, 1); len(all) > 0 {
		return all[0]
	}
	return 0
}
