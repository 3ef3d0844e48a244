package image

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
)

// ErrFormat is what errors of [Open] and [Read] wrap when the data begins like no picture that this package reads.
var ErrFormat = errors.New("not a picture in a known format (JPEG, PNG, GIF, WebP, BMP, TIFF, HEIC, AVIF, PNM, RAW with a preview)")

// Options says how [Open] and [Read] read. A nil *Options and zero fields mean the defaults.
type Options struct {
	// Pixels is the most pixels that are accepted, width times height; 0: 178,956,970, where Pillow refuses too.
	Pixels int64

	// Shrink makes JPEG files smaller while they are decoded, to a half, a quarter or an eighth, as long as both sides stay
	// at least twice as long as what this Processor will resize them to. That takes less time, and gives pixels near to
	// the exact ones but not the same: those of djpeg -scale. Other files are read as ever.
	Shrink *Processor

	// White lays pictures on white where they are transparent, as one sees them, rather than to drop the transparency.
	White bool

	// Alone has a picture decoded by the goroutine that asks for it, which takes less processor time where the other cores are busy anyway; else a
	// large JPEG file is decoded by all cores.
	Alone bool

	// Warn is called for damage that leaves something to see. If it is set, a JPEG file that ends too early is no error:
	// what is missing is gray, or as coarse as the scans until then made it.
	Warn func(error)
}

const (
	defaultPixels = 178956970
	longestSide   = 1 << 22 // keeps the resampling weights of a line within 200 MB
)

// Open reads the picture in a file as transformers' load_image does: turned upright by its EXIF orientation, then
// converted to RGB as Pillow converts, which drops alpha. The format is recognised by content. Pixels of a single
// transparent colour (a PNG's colour key, a GIF's transparent index) come out white, because that is what the reference
// processor makes of them after load_image.
func Open(path string, options *Options) (*RGB, error) {
	d := decoders.Get().(*Decoder)
	img, err := d.Open(path, options)
	return d.give(img), err
}

// Read is [Open] for a picture that comes from r, which is read to its end, or as far as it takes to see that it is no picture.
func Read(r io.Reader, options *Options) (*RGB, error) {
	d := decoders.Get().(*Decoder)
	img, err := d.Read(r, options)
	return d.give(img), err
}

// Recognise reports whether a file that begins so is a picture in one of the formats that [Open] reads. A few kilobytes tell.
func Recognise(head []byte) bool {
	return slices.ContainsFunc(formats[:], func(f format) bool { return f.match(head) })
}

// bare is an error of a file without its path, which the caller names.
func bare(err error) error {
	if at := (*fs.PathError)(nil); errors.As(err, &at) {
		return at.Err
	}
	return err
}

// A file is a picture being read.
type file struct {
	memory *Decoder
	data   []byte
	pixels int64 // most pixels allowed
	shrink *Processor
	alone  bool
	warn   func(error)
	alpha  *layer // takes the transparency, if it is wanted
}

// A format is one kind of picture file. decode returns the picture and the orientation that its metadata asks for
// (0 or 1: as it is).
type format struct {
	name   string
	match  func(data []byte) bool
	decode func(f *file) (*RGB, int, error)
}

func starts(prefixes ...string) func([]byte) bool {
	return func(data []byte) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return bytes.HasPrefix(data, []byte(p)) })
	}
}

var formats = [...]format{
	{"jpeg", starts("\xff\xd8\xff"), decodeJPEG},
	{"png", starts("\x89PNG\r\n\x1a\n"), decodePNG},
	{"gif", starts("GIF87a", "GIF89a"), decodeGIF},
	{"webp", isWebP, decodeWebP},
	{"tiff", starts("II*\x00", "MM\x00*"), decodeTIFF},
	{"avif", isAVIF, decodeAVIF},
	{"heic", isHEIC, decodeHEIC},
	{"bmp", isBMP, decodeBMP},
	{"raw", isRaw, decodeRaw},
	{"pnm", isPNM, decodePNM},
}

func (f *file) decode() (*RGB, error) {
	for _, format := range formats {
		if !format.match(f.data) {
			continue
		}
		img, orientation, err := format.decode(f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", format.name, clean(format.name, err))
		}
		if f.alpha != nil && f.alpha.m != nil {
			f.alpha.m = f.alpha.m.turn(orientation)
		}
		return f.memory.turn(img, orientation), nil
	}
	if len(f.data) == 0 {
		return nil, errors.New("empty file")
	}
	return nil, ErrFormat
}

// clean makes the errors of different decoders read alike.
func clean(name string, err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return errors.New("truncated file")
	}
	if rest, ok := strings.CutPrefix(err.Error(), name+": "); ok {
		return errors.New(rest)
	}
	return err
}

// check refuses a size that a header declares before any memory is taken for it.
func (f *file) check(w, h int) error {
	switch {
	case w <= 0 || h <= 0:
		return fmt.Errorf("expected a positive size, got %d x %d", w, h)
	case int64(w) > f.pixels/int64(h):
		return fmt.Errorf("%d x %d pixels are more than the limit of %d", w, h, f.pixels)
	case max(w, h) > longestSide:
		return fmt.Errorf("%d x %d: expected sides up to %d", w, h, longestSide)
	}
	return nil
}
