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
	mostStrips      = 1 << 16
	mostPreviews    = 16      // that are looked at
	mostJPEGHead    = 4 << 20 // bytes before the picture itself
)

// A preview is a JPEG picture inside of another file.
type preview struct {
	data []byte
	w, h int
	seen int  // how many were looked at
	cut  bool // one lies behind the end of the file
}

// Preview is the largest JPEG picture inside a camera's RAW file, which [Open] reads in place of what the sensor gave, nil if data is no RAW
// file or has none. It is a view of data.
func Preview(data []byte) []byte {
	if raw, p := previews(data); raw {
		return p.data
	}
	return nil
}

// isRaw recognises RAW files that do not begin as TIFF files do: Panasonic's, Olympus's, Fujifilm's and Canon's newer ones.
func isRaw(data []byte) bool { return isRawTIFF(data) || isRAF(data) || isCR3(data) }

var (
	isRawTIFF = starts("IIU\x00", "IIRO", "IIRS", "MMOR")
	isORF     = starts("IIRO", "IIRS", "MMOR")
	isRAF     = starts("FUJIFILMCCD-RAW ")
)

// decodeRaw reads the preview of a RAW file.
func decodeRaw(f *file) (*RGB, int, error) {
	_, p := previews(f.data)
	return f.preview(&p)
}

// preview reads what previews found.
func (f *file) preview(p *preview) (*RGB, int, error) {
	f.warnOf(p)
	if p.data == nil {
		return nil, 0, errors.New("there is no JPEG preview in the RAW file, and what the sensor gave is not read")
	}
	inner := *f
	inner.data = p.data
	img, orientation, err := decodeJPEG(&inner)
	if orientation == 0 {
		exif := f.data
		if isCR3(exif) {
			exif = cr3Exif(exif)
		}
		orientation = int(directories(exif, 1)[0].number(274))
	}
	return img, orientation, err
}

// warnOf tells of a RAW file that is cut off: what is seen is smaller than what the camera wrote.
func (f *file) warnOf(p *preview) {
	if p.cut && f.warn != nil {
		f.warn(errJPEGTruncated)
	}
}

// previews looks through a file: whether it is a camera's RAW file, and its largest preview.
func previews(data []byte) (raw bool, best preview) {
	switch {
	case isRAF(data):
		if len(data) >= 92 {
			best.take(data, binary.BigEndian.Uint32(data[84:]), binary.BigEndian.Uint32(data[88:]))
		}
		return true, best
	case isCR3(data):
		best.cr3Previews(data)
		return true, best
	}
	raw = isRawTIFF(data) || len(data) > 10 && string(data[8:10]) == "CR"
	for _, d := range directories(data, mostDirectories) {
		if isORF(data) {
			best.olympus(&d)
		}
		sensor := d.sensor()
		_, count, _ := d.entry(tagDNGVersion)
		raw = raw || sensor || count > 0
		best.take(data, d.number(tagJPEG), d.number(tagJPEGBytes))
		if _, size, at := d.entry(tagPanasonicJPEG); isRawTIFF(data) && at != nil {
			best.take(data, d.order.Uint32(at), size)
		}
		_, strips, _ := d.entry(tagStrips)
		_, tables, _ := d.entry(tagTables)
		if sensor {
			at, size := d.numbers(tagStrips, mostStrips), d.numbers(tagStripBytes, mostStrips)
			for i := range min(len(at), len(size)) {
				best.cut = best.cut || uint64(at[i])+uint64(size[i]) > uint64(len(data))
			}
		}
		if c := d.number(tagCompression); (c == 6 || c == 7) && strips == 1 && tables == 0 && !sensor {
			best.take(data, d.number(tagStrips), d.number(tagStripBytes))
		}
	}
	return raw, best
}

// olympus takes the preview that Olympus's own directories below the first one of a file lead to.
func (p *preview) olympus(d *tiffDirectory) {
	const exif, note, settings, start, length = 0x8769, 0x927c, 0x2020, 0x101, 0x102
	below := d.at(d.number(exif))
	_, size, value := below.entry(note)
	if value == nil {
		return
	}
	from := uint64(d.order.Uint32(value))
	if from+uint64(size) > uint64(len(d.data)) {
		p.cut = true
		return
	}
	own, first := tiffDirectory{data: d.data[from:], order: d.order}, uint32(12)
	switch begins := own.data[:size]; {
	case bytes.HasPrefix(begins, []byte("OM SYSTEM\x00")):
		first = 16
	case !bytes.HasPrefix(begins, []byte("OLYMPUS\x00")): // an older one, whose places are the file's
		own, first = *d, uint32(from)+8
	}
	maker := own.at(first)
	_, _, value = maker.entry(settings)
	if value == nil {
		return
	}
	view := own.at(d.order.Uint32(value))
	p.take(own.data, view.number(start), view.number(length))
}

// take takes what lies there in data if it is a JPEG picture larger than what it has.
func (p *preview) take(data []byte, at, size uint32) {
	end := uint64(at) + uint64(size)
	if p.cut = p.cut || end > uint64(len(data)); size >= 4 && end <= uint64(len(data)) {
		p.consider(data[at:end])
	}
}

// consider takes what is a JPEG picture larger than what it has.
func (p *preview) consider(jpeg []byte) {
	if p.seen >= mostPreviews || !bytes.HasPrefix(jpeg, []byte("\xff\xd8\xff")) {
		return
	}
	p.seen++
	var head jpegHead
	if err := head.scan(jpeg[:min(len(jpeg), mostJPEGHead)]); err != nil || head.components != 1 && head.components != 3 || int64(head.w)*int64(head.h) <= int64(p.w)*int64(p.h) {
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
		d := (&tiffDirectory{data: data, order: order}).at(queue[0])
		list = append(list, d)
		queue = append(queue, d.numbers(tagSubDirectories, mostDirectories)...)
		if n := at + 2 + uint64(order.Uint16(data[at:]))*12; uint64(len(data)) >= n+4 {
			queue = append(queue, order.Uint32(data[n:]))
		}
	}
	if len(list) == 0 {
		return []tiffDirectory{{order: order}}
	}
	return list
}

// at is the directory at a place of the same file, without entries if there is none.
func (d *tiffDirectory) at(place uint32) tiffDirectory {
	found := tiffDirectory{data: d.data, order: d.order}
	if place >= 8 && uint64(place)+2 <= uint64(len(d.data)) {
		rest := d.data[place+2:]
		found.entries = rest[:min(12*int(d.order.Uint16(d.data[place:])), len(rest)/12*12)]
	}
	return found
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
