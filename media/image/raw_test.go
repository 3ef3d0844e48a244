package image

import (
	"bytes"
	"encoding/binary"
	stdimage "image"
	"image/color"
	"image/jpeg"
	"slices"
	"strings"
	"testing"
)

// A rawFile writes TIFF directories.
type rawFile struct {
	order binary.ByteOrder
	data  []byte
}

func newRaw(magic string) *rawFile {
	f := &rawFile{order: binary.LittleEndian, data: append([]byte(magic), 0, 0, 0, 0)}
	if magic[0] == 'M' {
		f.order = binary.BigEndian
	}
	return f
}

// put writes bytes, and says where they lie.
func (f *rawFile) put(data []byte) uint32 {
	f.data = append(f.data, make([]byte, len(f.data)%2)...)
	at := len(f.data)
	f.data = append(f.data, data...)
	return uint32(at)
}

// directory writes one of tags with a number each, and says where it lies.
func (f *rawFile) directory(next uint32, tags map[uint16]uint32) uint32 {
	b := []byte{0, 0}
	f.order.PutUint16(b, uint16(len(tags)))
	var keys []uint16
	for k := range tags {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		e := make([]byte, 12)
		f.order.PutUint16(e, k)
		f.order.PutUint16(e[2:], 4)
		f.order.PutUint32(e[4:], 1)
		f.order.PutUint32(e[8:], tags[k])
		if k == tagPanasonicJPEG { // bytes, whose number comes from the JPEG's own end
			f.order.PutUint16(e[2:], 7)
			f.order.PutUint32(e[4:], uint32(len(f.data))-tags[k])
		}
		b = append(b, e...)
	}
	tail := make([]byte, 4)
	f.order.PutUint32(tail, next)
	return f.put(append(b, tail...))
}

// end is the file whose first directory is at.
func (f *rawFile) end(at uint32) []byte {
	f.order.PutUint32(f.data[4:], at)
	return f.data
}

// jpegOf is a picture of one colour.
func jpegOf(t *testing.T, w, h int, c color.Color) []byte {
	t.Helper()
	m := stdimage.NewRGBA(stdimage.Rect(0, 0, w, h))
	for i := range w * h {
		m.Set(i%w, i/w, c)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// RAW files as different makers lay them out: the largest preview counts, turned as the file says, and not what the sensor gave.
func TestRaw(t *testing.T) {
	small, large := jpegOf(t, 16, 8, color.White), jpegOf(t, 64, 48, color.RGBA{R: 255, A: 255})
	lossless := bytes.Clone(jpegOf(t, 800, 600, color.White))
	sof := bytes.Index(lossless, []byte{0xff, 0xc0})
	lossless[sof+1] = 0xc3
	files := map[string][]byte{}

	f := newRaw("II*\x00") // as Adobe's converter: a small picture first, below it the sensor's values and the preview
	sensor := f.directory(0, map[uint16]uint32{tagCompression: 7, tagPhotometric: photometricSensor, tagStrips: f.put(lossless), tagStripBytes: uint32(len(lossless))})
	view := f.directory(0, map[uint16]uint32{tagCompression: 7, tagPhotometric: 6, tagStrips: f.put(large), tagStripBytes: uint32(len(large))})
	below := make([]byte, 8)
	f.order.PutUint32(below, sensor)
	f.order.PutUint32(below[4:], view)
	first := f.directory(0, map[uint16]uint32{256: 2, 257: 2, 274: 6, tagCompression: 1, tagPhotometric: 2, tagDNGVersion: 0x401, tagSubDirectories: f.put(below)})
	dng := f.end(first)
	at := bytes.LastIndex(dng, []byte{74, 1, 4, 0}) // two of them
	f.order.PutUint32(dng[at+4:], 2)
	files["dng"] = dng

	f = newRaw("MM\x00*") // as Nikon's
	sensor = f.directory(0, map[uint16]uint32{tagPhotometric: photometricSensor})
	view = f.directory(sensor, map[uint16]uint32{tagCompression: 6, tagJPEG: f.put(large), tagJPEGBytes: uint32(len(large))})
	files["nef"] = f.end(f.directory(0, map[uint16]uint32{274: 6, tagCompression: 1, tagSubDirectories: view}))

	f = newRaw("II*\x00") // as Canon's
	f.put([]byte("CR\x02\x00"))
	sensor = f.directory(0, map[uint16]uint32{tagCompression: 6, tagStrips: f.put(lossless), tagStripBytes: uint32(len(lossless))})
	view = f.directory(sensor, map[uint16]uint32{tagJPEG: f.put(small), tagJPEGBytes: uint32(len(small))})
	files["cr2"] = f.end(f.directory(view, map[uint16]uint32{274: 6, tagCompression: 6, tagStrips: f.put(large), tagStripBytes: uint32(len(large))}))

	f = newRaw("IIU\x00") // as Panasonic's
	files["rw2"] = f.end(f.directory(0, map[uint16]uint32{274: 6, tagPanasonicJPEG: f.put(large)}))

	f = newRaw("IIRO") // as Olympus's: a maker's note, whose places count from its own beginning
	settings := newRaw("OLYMPUS\x00II\x03\x00")
	settings.data = settings.data[:12]
	notes := make([]byte, 30)
	settings.order.PutUint16(notes, 1) // one entry, which leads behind it
	copy(notes[2:], "\x20\x20\x0d\x00\x01\x00\x00\x00")
	settings.data = append(settings.data, notes...)
	led := settings.directory(0, map[uint16]uint32{0x100: 1, 0x101: settings.put(large), 0x102: uint32(len(large))})
	settings.order.PutUint32(settings.data[12+10:], led)
	exif := f.directory(0, map[uint16]uint32{0x927c: f.put(settings.data)})
	f.order.PutUint16(f.data[exif+4:], 7)
	f.order.PutUint32(f.data[exif+6:], uint32(len(settings.data)))
	files["orf"] = f.end(f.directory(0, map[uint16]uint32{274: 6, 0x8769: exif}))

	f = newRaw("II*\x00") // as Fujifilm's: a JPEG file with metadata of its own, then the sensor's values
	own := "Exif\x00\x00" + string(f.end(f.directory(0, map[uint16]uint32{274: 6})))
	turned := slices.Concat(large[:2], []byte{0xff, 0xe1, 0, byte(len(own) + 2)}, []byte(own), large[2:])
	raf := append([]byte("FUJIFILMCCD-RAW 0201"), make([]byte, 128)...)
	binary.BigEndian.PutUint32(raf[84:], uint32(len(raf)))
	binary.BigEndian.PutUint32(raf[88:], uint32(len(turned)))
	files["raf"] = append(raf, turned...)
	files["cr3"] = cr3(small, large)

	for name, data := range files {
		img, err := Read(bytes.NewReader(data), nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if img.W != 48 || img.H != 64 || img.Pix[0] < 240 || img.Pix[1] > 15 {
			t.Errorf("%s: %d x %d, the first pixel %v; want 48 x 64, red", name, img.W, img.H, img.Pix[:3])
		}
		if !bytes.HasSuffix(Preview(data), large[2:]) {
			t.Errorf("%s: another preview", name)
		}
		for n := range len(data) { // cut or damaged anywhere it is read or refused
			if n%7 == 0 {
				_, _ = Read(bytes.NewReader(data[:n]), nil)
			}
			if n < 8 || n > len(data)-200 {
				broken := bytes.Clone(data)
				broken[n] ^= 0xff
				_, _ = Read(bytes.NewReader(broken), nil)
			}
		}
	}

	f = newRaw("II*\x00")
	none := f.end(f.directory(8, map[uint16]uint32{tagPhotometric: photometricSensor, tagSubDirectories: 8})) // which leads to itself
	if _, err := Read(bytes.NewReader(none), nil); err == nil || !strings.Contains(err.Error(), "no JPEG preview") {
		t.Errorf("without a preview: %v", err)
	}
	if Preview(small) != nil || Preview(nil) != nil {
		t.Error("a preview of what is no RAW file")
	}
}

// iso is a box of an ISO media file.
func iso(kind string, parts ...[]byte) []byte {
	data := slices.Concat(parts...)
	return slices.Concat(binary.BigEndian.AppendUint32(nil, uint32(8+len(data))), []byte(kind), data)
}

// cr3 is a file as Canon's newer cameras lay it out: metadata in parts, a small picture beside them, a larger one as a track.
func cr3(small, large []byte) []byte {
	part := func(tags map[uint16]uint32) []byte {
		f := newRaw("II*\x00")
		return f.end(f.directory(0, tags))
	}
	f := newRaw("II*\x00")
	at := f.put([]byte("2020:07:06 15:32:17\x00"))
	exposure := f.end(f.directory(0, map[uint16]uint32{0x9003: at}))
	copy(exposure[f.order.Uint32(exposure[4:])+4:], "\x02\x00\x14\x00\x00\x00") // a text of 20 bytes
	var file []byte
	for range 2 { // the second time one knows where the picture lies
		place := make([]byte, 16)
		place[7] = 1
		binary.BigEndian.PutUint64(place[8:], uint64(len(file)-len(large)))
		length := binary.BigEndian.AppendUint32(make([]byte, 4), uint32(len(large)))
		track := iso("trak", iso("mdia", iso("minf", iso("stbl", iso("stsz", length, []byte{0, 0, 0, 1}), iso("co64", place)))))
		sensor := iso("trak", iso("mdia", iso("minf", iso("stbl", iso("stsz", make([]byte, 12), []byte{0, 0, 0, 9}), iso("co64", make([]byte, 16))))))
		metadata := iso("uuid", []byte(canonMetadata), iso("CMT1", part(map[uint16]uint32{256: 64, 274: 6})), iso("CMT2", exposure), iso("CMT4", part(map[uint16]uint32{0: 2})), iso("THMB", make([]byte, 16), small))
		file = slices.Concat(iso("ftyp", []byte("crx \x00\x00\x00\x01crx isom")), iso("moov", metadata, sensor, track), iso("uuid", []byte(canonPreview), make([]byte, 8), iso("PRVW", make([]byte, 16), small)), iso("mdat", large))
	}
	return file
}

// The EXIF of RAW files that are no TIFF files is one: its parts joined, with their values where they belong.
func TestRawExif(t *testing.T) {
	exif := Exif(cr3(jpegOf(t, 16, 8, color.White), jpegOf(t, 64, 48, color.White)))
	first := directories(exif, 1)[0]
	below, place := first.at(first.number(0x8769)), first.at(first.number(0x8825))
	if _, n, at := below.entry(0x9003); n != 20 || at == nil || !bytes.HasPrefix(exif[first.order.Uint32(at):], []byte("2020:07:06 15:32:17\x00")) {
		t.Errorf("the date is lost in %q", exif)
	}
	if first.number(256) != 64 || first.number(274) != 6 || place.number(0) != 2 {
		t.Errorf("another picture: %q", exif)
	}
	if got := Exif([]byte("IIRO1234")); string(got) != "II*\x001234" {
		t.Errorf("Olympus's is %q", got)
	}
	if Exif(nil) != nil || Exif([]byte("\xff\xd8\xff")) != nil {
		t.Error("EXIF of what is no RAW file")
	}
}

// What real cameras wrote, cut off behind the small pictures (docs/licenses.md).
func TestRawOfCameras(t *testing.T) {
	for name, w := range map[string]int{"sample.arw": 160, "sample.cr2": 160, "sample.nef": 160, "sample.dng": 128} {
		var damage error
		img, err := Open("testdata/raw/"+name, &Options{Warn: func(err error) { damage = err }})
		if err != nil || img.W != w || img.H != w*3/4 || damage != errJPEGTruncated {
			t.Errorf("%s: %v, damage %v", name, err, damage)
			continue
		}
		seen := map[[3]byte]bool{}
		for i := 0; i < len(img.Pix); i += 3 {
			seen[[3]byte(img.Pix[i:])] = true
		}
		if len(seen) < 1000 {
			t.Errorf("%s: %d colours are no photograph", name, len(seen))
		}
	}
}

// Portable maps, with the values that Pillow 13 gives for them.
func TestPNM(t *testing.T) {
	for _, c := range []struct {
		data string
		w, h int
		want []byte
	}{
		{"P1\n# two rows\n3 2\n101\n0 1 0\n", 3, 2, []byte{0, 255, 0, 255, 0, 255}},
		{"P2 2 2 100\n0 50 # half\n 99 100", 2, 2, []byte{0, 128, 252, 255}},
		{"P3\n1 1\n255\n1 2 3\n", 1, 1, []byte{1, 2, 3}},
		{"P4\n10 2\n\xaa\x80\x55\x40", 10, 2, []byte{0, 255, 0, 255, 0, 255, 0, 255, 0, 255, 255, 0, 255, 0, 255, 0, 255, 0, 255, 0}},
		{"P5\n2 1\n255\n\x01\xfe", 2, 1, []byte{1, 254}},
		{"P5 2 1 31 \x10\x1f", 2, 1, []byte{132, 255}},
		{"P6\n#c\n1 2 255\n\x01\x02\x03\x04\x05\x06", 1, 2, []byte{1, 2, 3, 4, 5, 6}},
		{"P6 1 1 65535\n\x80\x00\x00\xff\xff\xff", 1, 1, []byte{128, 1, 255}},
	} {
		img, err := Read(strings.NewReader(c.data), nil)
		if err != nil {
			t.Errorf("%q: %v", c.data, err)
			continue
		}
		want := c.want
		if len(want) < 3*c.w*c.h {
			want = nil
			for _, v := range c.want {
				want = append(want, v, v, v)
			}
		}
		if img.W != c.w || img.H != c.h || !bytes.Equal(img.Pix, want) {
			t.Errorf("%q: %d x %d %v, want %v", c.data, img.W, img.H, img.Pix, want)
		}
	}
	for data, want := range map[string]string{
		"P6\n2 2 255\n123": "truncated", "P5\n0 1 255\n": "positive size", "P5 1 1 70000\n1": "65535", "P2 1 1 9 x": "a number", "P2 2 1 9 1 10": "at most 9",
		"P6 99999 99999 255\n": "limit", "P2 99 99 255\n1 2 3": "truncated", "P1 2 1 12": "0 or 1", "P5 1": "truncated", "P4 9 1\n1": "truncated",
	} {
		if _, err := Read(strings.NewReader(data), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", data, err, want)
		}
	}
}
