package dataset

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"github.com/chiasm/chiasm/media/audio"
	"github.com/chiasm/chiasm/media/image"
)

// An Item is one example: what is seen, heard and said of one thing. Any part may be missing.
type Item struct {
	Key                 string // its name within its set
	Image, Sound, Video *Media // nil if there is none
	Texts               []Text // several languages, and several of one language
	Labels              []int  // numbers of classes, from 0: one, or several of a multi-label set
	Class               string // name of its class
	Group               string // items of one group belong in one split
	Split               string // train, test …, where the data say so

	Extra map[string]string // fields that have no meaning here, as they were written
}

// A Text is a caption, with the BCP 47 tag of its language, "" where it is not known.
type Text struct{ Language, Text string }

// HasMedia reports whether there is a picture, a sound or a video.
func (it *Item) HasMedia() bool { return it.Image != nil || it.Sound != nil || it.Video != nil }

// Named reports whether there is a text, a class or a label.
func (it *Item) Named() bool { return len(it.Texts) > 0 || it.Class != "" || len(it.Labels) > 0 }

// Empty reports whether there is nothing to learn from: neither media nor names.
func (it *Item) Empty() bool { return !it.HasMedia() && !it.Named() }

// OneSided reports whether there is one side of a pair alone: one medium without a name, or names without media. A picture with a
// sound is a pair.
func (it *Item) OneSided() bool {
	media := 0
	for _, m := range []*Media{it.Image, it.Sound, it.Video} {
		if m != nil {
			media++
		}
	}
	return !it.Empty() && (media == 0 || media == 1 && !it.Named())
}

// Pick draws a text: first a language, each of those that the item has with the same chance, then one of its texts in it. Only
// the languages named count, if any are. It draws the same for the same r, and reports false if there is no text.
func (it *Item) Pick(r *rand.Rand, languages ...string) (Text, bool) {
	var have []string
	for _, t := range it.Texts {
		if !slices.Contains(have, t.Language) && (len(languages) == 0 || slices.Contains(languages, t.Language)) {
			have = append(have, t.Language)
		}
	}
	if len(have) == 0 {
		return Text{}, false
	}
	language := have[r.IntN(len(have))]
	texts := it.In(language)
	return Text{language, texts[r.IntN(len(texts))]}, true
}

// In lists the texts in a language.
func (it *Item) In(language string) (texts []string) {
	for _, t := range it.Texts {
		if t.Language == language {
			texts = append(texts, t.Text)
		}
	}
	return texts
}

// A Media is a picture, a sound or a video that has not been read yet: a file, or bytes in memory or within a file.
type Media struct {
	name string
	path string // of a file of its own
	data []byte
	in   io.ReaderAt // what holds it
	at   int64
	size int64
}

// File is the medium in a file of its own.
func File(path string) *Media { return &Media{name: path, path: path} }

// Bytes is a medium in memory. The name is for messages.
func Bytes(name string, data []byte) *Media {
	return &Media{name: name, data: data, size: int64(len(data))}
}

// Name is what messages call it.
func (m *Media) Name() string { return m.name }

// Path is the file that it is; "" if it lies in memory or within another file.
func (m *Media) Path() string { return m.path }

// Size is its length in bytes.
func (m *Media) Size() (int64, error) {
	if m.path == "" {
		return m.size, nil
	}
	info, err := os.Stat(m.path)
	if err != nil {
		return 0, fmt.Errorf("dataset: %w", err)
	}
	if !info.Mode().IsRegular() {
		return 0, fmt.Errorf("dataset: %s: expected a file", m.path)
	}
	return info.Size(), nil
}

// Reader reads its bytes from the first on.
func (m *Media) Reader() (io.ReadCloser, error) {
	switch {
	case m.path != "":
		if _, err := m.Size(); err != nil {
			return nil, err
		}
		f, err := os.Open(m.path)
		if err != nil {
			return nil, fmt.Errorf("dataset: %w", err)
		}
		return f, nil
	case m.in != nil:
		return io.NopCloser(io.NewSectionReader(m.in, m.at, m.size)), nil
	}
	return io.NopCloser(bytes.NewReader(m.data)), nil
}

// Bytes reads the whole of it. The bytes of a medium in memory are not to be changed.
func (m *Media) Bytes() ([]byte, error) {
	if m.path == "" && m.in == nil {
		return m.data, nil
	}
	size, err := m.Size()
	if err != nil {
		return nil, err
	}
	r, err := m.Reader()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data := make([]byte, size)
	if _, err := io.ReadFull(r, data); err != nil {
		return nil, fmt.Errorf("dataset: %s: expected %d bytes: %w", m.name, size, err)
	}
	return data, nil
}

// Picture decodes it: see [image.Open].
func (m *Media) Picture(options *image.Options) (*image.RGB, error) {
	data, err := m.Bytes()
	if err != nil {
		return nil, err
	}
	img, err := image.Read(bytes.NewReader(data), options)
	if err != nil {
		return nil, fmt.Errorf("dataset: %s: %w", m.name, err)
	}
	return img, nil
}

// Cutout decodes it and keeps its transparency: see [image.ReadCutout].
func (m *Media) Cutout(options *image.Options) (*image.Cutout, error) {
	data, err := m.Bytes()
	if err != nil {
		return nil, err
	}
	cut, err := image.ReadCutout(bytes.NewReader(data), options)
	if err != nil {
		return nil, fmt.Errorf("dataset: %s: %w", m.name, err)
	}
	return cut, nil
}

// Samples decodes it to one channel at rate, in Hz, and at most limit samples: see [audio.Load].
func (m *Media) Samples(ctx context.Context, rate, limit int) ([]float32, error) {
	if m.path != "" {
		return audio.Load(ctx, m.path, rate, limit)
	}
	data, err := m.Bytes()
	if err != nil {
		return nil, err
	}
	r, err := audio.New(ctx, bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("dataset: %s: %w", m.name, err)
	}
	defer r.Close()
	samples, err := r.Mono(rate).ReadAll(limit)
	if err != nil {
		err = fmt.Errorf("dataset: %s: %w", m.name, err)
	}
	return samples, err
}

// A kind is what a file holds, by its name.
type kind uint8

const (
	unknown kind = iota
	picture
	sound
	video
	words   // plain text
	object  // JSON
	class   // a class's number, or name
	classes // numbers of classes as NumPy writes them
)

var kinds = map[string]kind{
	"jpg": picture, "jpeg": picture, "jpe": picture, "jfif": picture, "png": picture, "webp": picture, "gif": picture, "bmp": picture, "dib": picture,
	"tif": picture, "tiff": picture, "heic": picture, "heif": picture, "avif": picture, "ppm": picture, "pgm": picture, "pbm": picture, "pnm": picture,
	"dng": picture, "cr2": picture, "nef": picture, "nrw": picture, "arw": picture, "sr2": picture, "pef": picture, "srw": picture, "rw2": picture, "rwl": picture, "cr3": picture, "raf": picture,
	"orf": picture,
	"wav": sound, "wave": sound, "w64": sound, "flac": sound, "mp3": sound, "aif": sound, "aiff": sound, "aifc": sound, "ogg": sound, "oga": sound, "opus": sound,
	"m4a": sound, "m4b": sound, "aac": sound, "wma": sound, "amr": sound, "caf": sound, "au": sound, "snd": sound, "wv": sound, "ac3": sound, "mka": sound,
	"mp4": video, "m4v": video, "mkv": video, "mov": video, "avi": video, "webm": video, "mpg": video, "mpeg": video, "ts": video, "flv": video, "3gp": video,
	"asf": video, "wmv": video,
	"txt": words, "text": words, "caption": words, "json": object, "cls": class, "npy": classes,
}

// Kind is what a file of that name holds: "image", "audio" or "video", "" for anything else.
func Kind(name string) string {
	return map[kind]string{picture: "image", sound: "audio", video: "video"}[kinds[extension(name)]]
}

// extension is the last extension of a name in lower case, without its dot.
func extension(name string) string {
	e := filepath.Ext(name)
	if e == "" {
		return ""
	}
	return lower(e[1:])
}

// attach gives an item a medium of a kind. It reports whether the item had one already.
func (it *Item) attach(k kind, m *Media) (twice bool) {
	to := map[kind]**Media{picture: &it.Image, sound: &it.Sound, video: &it.Video}[k]
	if *to != nil {
		return true
	}
	*to = m
	return false
}
