package server

import (
	"path/filepath"
	"strings"

	"github.com/chiasm/chiasm/library"
)

// mediaTypes are what browsers call the formats that a library holds. The tables of systems differ, and some are empty.
var mediaTypes = map[string]string{
	"jpg": "image/jpeg", "jpeg": "image/jpeg", "jpe": "image/jpeg", "jfif": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp", "bmp": "image/bmp", "dib": "image/bmp",
	"tif": "image/tiff", "tiff": "image/tiff", "heic": "image/heic", "heif": "image/heif", "avif": "image/avif",
	"ppm": "image/x-portable-pixmap", "pgm": "image/x-portable-graymap", "pbm": "image/x-portable-bitmap", "pnm": "image/x-portable-anymap",
	"dng": "image/x-adobe-dng", "cr2": "image/x-canon-cr2", "nef": "image/x-nikon-nef", "nrw": "image/x-nikon-nrw", "arw": "image/x-sony-arw", "sr2": "image/x-sony-sr2", "pef": "image/x-pentax-pef",
	"srw": "image/x-samsung-srw", "rw2": "image/x-panasonic-rw2", "rwl": "image/x-leica-rwl", "cr3": "image/x-canon-cr3", "raf": "image/x-fuji-raf", "orf": "image/x-olympus-orf",
	"wav": "audio/wav", "wave": "audio/wav", "w64": "audio/x-w64", "aif": "audio/aiff", "aiff": "audio/aiff", "aifc": "audio/aiff", "au": "audio/basic", "snd": "audio/basic", "caf": "audio/x-caf",
	"flac": "audio/flac", "mp3": "audio/mpeg", "ogg": "audio/ogg", "oga": "audio/ogg", "opus": "audio/ogg", "m4a": "audio/mp4", "m4b": "audio/mp4", "aac": "audio/aac", "weba": "audio/webm", "mka": "audio/x-matroska",
	"wma": "audio/x-ms-wma", "amr": "audio/amr", "wv": "audio/x-wavpack", "ac3": "audio/ac3",
	"mp4": "video/mp4", "m4v": "video/mp4", "mov": "video/quicktime", "webm": "video/webm", "mkv": "video/x-matroska", "avi": "video/x-msvideo", "ogv": "video/ogg", "mpg": "video/mpeg", "mpeg": "video/mpeg", "ts": "video/mp2t", "3gp": "video/3gpp",
	"flv": "video/x-flv", "asf": "video/x-ms-asf", "wmv": "video/x-ms-wmv",
}

// mediaType is the type of an item's file, by its name and by what it was found to be: a browser takes nothing else for it.
func mediaType(it library.Item) string {
	kind := mediaTypes[strings.ToLower(strings.TrimPrefix(filepath.Ext(it.Path), "."))]
	_, format, ok := strings.Cut(kind, "/")
	container := format == "webm" || format == "mp4" || format == "ogg"
	switch {
	case ok && strings.HasPrefix(kind, it.Kind+"/"):
		return kind
	case ok && container && it.Kind != library.Image: // a sound without pictures may be called .mp4
		return it.Kind + "/" + format
	}
	return "application/octet-stream"
}
