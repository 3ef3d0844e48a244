package ffmpeg

import (
	"bytes"
	"slices"
)

// The containers that ffmpeg is let read, by its names for them. Playlists and lists of other files are none of these.
var demuxers = [...]struct {
	name  string
	match func(head []byte) bool
}{
	{"ogg", starts("OggS")},
	{"mov", func(b []byte) bool {
		return len(b) >= 8 && slices.Contains([]string{"ftyp", "moov", "mdat", "wide", "free", "skip"}, string(b[4:8]))
	}},
	{"matroska", starts("\x1a\x45\xdf\xa3")},
	{"avi", func(b []byte) bool { return len(b) >= 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "AVI " }},
	{"w64", starts("riff\x2e\x91\xcf\x11")},
	{"asf", starts("\x30\x26\xb2\x75\x8e\x66\xcf\x11")},
	{"flv", starts("FLV\x01")},
	{"caf", starts("caff")},
	{"au", starts(".snd")},
	{"amr", starts("#!AMR")},
	{"wv", starts("wvpk")},
	{"mpeg", starts("\x00\x00\x01\xba")},
	{"mpegts", func(b []byte) bool { return len(b) > 376 && b[0] == 0x47 && b[188] == 0x47 && b[376] == 0x47 }},
	{"ac3", starts("\x0b\x77")},
	{"aac", func(b []byte) bool { return len(b) > 1 && b[0] == 0xff && b[1]&0xf6 == 0xf0 }},
}

func starts(prefix string) func([]byte) bool {
	return func(head []byte) bool { return bytes.HasPrefix(head, []byte(prefix)) }
}

// Demuxer names the container of a file that begins so: some hundred bytes tell.
func Demuxer(head []byte) (name string, ok bool) {
	for _, d := range demuxers {
		if d.match(head) {
			return d.name, true
		}
	}
	return "", false
}
