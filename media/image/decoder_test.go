package image

import (
	"bytes"
	"encoding/binary"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// allocations is how many objects f takes in a call, on all cores: the least of a few rounds, since others take some too.
func allocations(f func()) uint64 {
	least := ^uint64(0)
	var before, after runtime.MemStats
	for range 5 {
		f()
		runtime.ReadMemStats(&before)
		for range 5 {
			f()
		}
		runtime.ReadMemStats(&after)
		least = min(least, (after.Mallocs-before.Mallocs)/5)
	}
	return least
}

func TestDecoderTakesNoMemory(t *testing.T) {
	p := &Processor{Fit: FitShortest, W: 100, Filter: Bicubic}
	files := map[string][]byte{"large": jpegPhoto(t, 640, 480)} // more than one goroutine reads it
	for _, name := range []string{"plain", "progressive", "exif6", "cmyk"} {
		files[name] = sample(t, name+".jpg")
	}
	for name, data := range files {
		var d Decoder
		for _, o := range []*Options{nil, {White: true}, {Shrink: p}} {
			decode := func() {
				if _, err := d.Decode(data, o); err != nil {
					t.Fatal(name, err)
				}
			}
			if n := allocations(decode); n > 0 {
				t.Errorf("%s: %d allocations", name, n)
			}
			r := bytes.NewReader(data)
			read := func() {
				r.Reset(data)
				if _, err := d.Read(r, o); err != nil {
					t.Fatal(name, err)
				}
			}
			if n := testing.AllocsPerRun(10, read); n > 0 {
				t.Errorf("%s, from a stream: %v allocations", name, n)
			}
		}
	}
}

// What a decoder has read before changes nothing, and a picture that was given away stays as it is.
func TestDecoderForgets(t *testing.T) {
	var d Decoder
	paths, err := filepath.Glob("testdata/pictures/*")
	if err != nil {
		t.Fatal(err)
	}
	given := map[*RGB][]byte{}
	for _, path := range paths {
		name := filepath.Base(path)
		if ext := filepath.Ext(name); strings.HasSuffix(name, ".ref.png") || ext == ".heic" || ext == ".avif" {
			continue
		}
		data := sample(t, name)
		for _, o := range []*Options{nil, {White: true, Warn: func(error) {}}} {
			for _, data := range [][]byte{data[:3*len(data)/4], data} {
				want, wrong := Read(bytes.NewReader(data), o)
				got, err := d.Decode(data, o)
				if err == nil && wrong == nil {
					given[want] = bytes.Clone(want.Pix)
					if got.W != want.W || got.H != want.H || !bytes.Equal(got.Pix, want.Pix) {
						t.Errorf("%s: pictures differ", name)
					}
				} else if err == nil || wrong == nil || err.Error() != wrong.Error() {
					t.Errorf("%s: %v, anew %v", name, err, wrong)
				}
			}
		}
	}
	for img, pix := range given {
		if !bytes.Equal(img.Pix, pix) {
			t.Error("a picture that was given away has changed")
		}
	}
}

// What an enormous picture took is given back with the next.
func TestDecoderGivesBack(t *testing.T) {
	const side = 5000
	big := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, side), side)
	huge := append(patch(t, sample(t, "plain.jpg"), "\xff\xc0", 3, big), make([]byte, 1<<17)...)
	var d Decoder
	if _, err := d.Decode(huge, &Options{Warn: func(error) {}}); err != nil || d.held() < keptBytes {
		t.Fatal(err, d.held())
	}
	if _, err := d.Decode(sample(t, "plain.jpg"), nil); err != nil || d.held() > 1<<20 {
		t.Errorf("%v, %d bytes are kept", err, d.held())
	}
	if d.file.data != nil || d.jpeg.bits.Data != nil {
		t.Error("the caller's file is kept")
	}
	r := bytes.NewReader(append(sample(t, "plain.jpg"), make([]byte, keptBytes+1)...))
	if _, err := d.Read(r, nil); err != nil {
		t.Fatal(err)
	}
	r.Reset(sample(t, "plain.jpg"))
	if _, err := d.Read(r, nil); err != nil || cap(d.data) > 1<<20 {
		t.Errorf("%v, %d bytes of files are kept", err, cap(d.data))
	}
}
