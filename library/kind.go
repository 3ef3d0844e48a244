package library

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chiasm/chiasm/media/audio"
	"github.com/chiasm/chiasm/media/image"
)

// The kinds of files.
const (
	Image = "image"
	Audio = "audio"
	Video = "video"
)

// Sniffed is how many bytes tell what a file is.
const Sniffed = 1 << 13

// Extensions are those, in lower case, that the files of a kind have.
var Extensions = map[string][]string{
	Image: {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".webp", ".bmp", ".dib", ".tif", ".tiff", ".heic", ".heif", ".avif",
		".ppm", ".pgm", ".pbm", ".pnm", ".dng", ".cr2", ".nef", ".nrw", ".arw", ".sr2", ".pef", ".srw", ".rw2", ".rwl", ".cr3", ".raf", ".orf"},
	Audio: {
		".wav", ".wave", ".flac", ".mp3", ".aif", ".aiff", ".aifc", ".ogg", ".oga", ".opus", ".m4a", ".m4b", ".aac", ".wma", ".amr", ".caf", ".w64", ".au", ".snd", ".wv", ".ac3",
		".mka",
	},
	Video: {".mp4", ".m4v", ".mkv", ".webm", ".mov", ".avi", ".mpg", ".mpeg", ".ts", ".flv", ".3gp", ".asf", ".wmv"},
}

// unread are the extensions, without the dot, of files of pictures, sounds and videos that are not read, which are counted by them.
var unread = strings.Fields(`
	crw x3f 3fr iiq erf mrw mef mos kdc dcr fff gpr
	jxl jp2 j2k jpf jpx jxr psd psb xcf svg svgz eps ai exr hdr tga dds ico pcx qoi
	ape dsf dff mid midi tta mpc ra
	mts m2ts vob rm rmvb divx ogv m2v mxf`)

// byExtension is the kind that a file's name promises, "" for none.
func byExtension(path string) string {
	ext := strings.ToLower(filepath.Ext(path))
	for kind, list := range Extensions {
		if slices.Contains(list, ext) {
			return kind
		}
	}
	return ""
}

// Recognise is the kind of a file that begins so and has that name, "" if it is none. What it holds counts more than its name: that
// only tells the videos among the files that may hold both pictures and sound.
func Recognise(path string, head []byte) string {
	switch promised := byExtension(path); {
	case image.Recognise(head):
		return Image
	case !audio.Recognise(head):
		return ""
	case promised == Video && !plainSound(head):
		return Video
	}
	return Audio
}

// plainSound tells sounds without a container that could hold pictures too.
func plainSound(head []byte) bool {
	for _, magic := range []string{"ID3", "fLaC", "FORM"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return true
		}
	}
	return len(head) >= 12 && string(head[:4]) == "RIFF" && string(head[8:12]) == "WAVE"
}
