package server

import (
	"path/filepath"
	"strings"

	"github.com/chiasm/chiasm/library"
)

// mediaTypes are what browsers call the formats that a library holds. The tables of systems differ, and some are empty.
var mediaTypes = map[string]string{
	"jpg": "image/jpeg", "jpeg": "image/jpeg", "jfif": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp", "bmp": "image/bmp", "tif": "image/tiff", "tiff": "image/tiff",
	"heic": "image/heic", "heif": "image/heif", "avif": "image/avif",
	"wav": "audio/wav", "aif": "audio/aiff", "aiff": "audio/aiff", "flac": "audio/flac", "mp3": "audio/mpeg", "ogg": "audio/ogg", "oga": "audio/ogg", "opus": "audio/ogg", "m4a": "audio/mp4", "aac": "audio/aac", "weba": "audio/webm",
	"mp4": "video/mp4", "m4v": "video/mp4", "mov": "video/quicktime", "webm": "video/webm", "mkv": "video/x-matroska", "avi": "video/x-msvideo", "ogv": "video/ogg", "mpg": "video/mpeg", "mpeg": "video/mpeg", "ts": "video/mp2t", "3gp": "video/3gpp",
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
