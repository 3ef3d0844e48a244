package library

import (
	"os"
	"testing"
)

// What cameras say of their RAW files.
func TestMetadataOfRaw(t *testing.T) {
	for name, want := range map[string][2]string{
		"sample.arw": {"SONY DSLR-A330", "2009-11-13"}, "sample.cr2": {"Canon PowerShot S90", "2011-08-24"},
		"sample.nef": {"NIKON D1", "2000-11-19"}, "sample.dng": {"Canon PowerShot SD450", "2009-03-30"},
	} {
		data, err := os.ReadFile("../media/image/testdata/raw/" + name)
		if err != nil {
			t.Fatal(err)
		}
		m := readMetadata(data, nil)
		if m.Camera != want[0] || m.Taken.Format("2006-01-02") != want[1] {
			t.Errorf("%s: %q, %v, want %v", name, m.Camera, m.Taken, want)
		}
		if Recognise(name, data[:Sniffed]) != Image {
			t.Errorf("%s is no picture", name)
		}
	}
}
