package audio

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/chiasm/chiasm/internal/ffmpeg"
)

// Errors that callers test for with errors.Is.
var (
	// ErrFormat says that the data begins like no sound.
	ErrFormat = errors.New("not a sound in a known format (WAV, AIFF, FLAC, MP3; with ffmpeg Ogg, Opus, AAC, M4A, WebM and videos)")
	// ErrTruncated is a warning: the sound ends before its header says so, and all that there is has been read.
	ErrTruncated = errors.New("the sound is cut off before its end")
	// ErrLimit is a warning of [Load] and [Mono.ReadAll]: the sound goes on beyond the limit, up to which it was read.
	ErrLimit = errors.New("the sound is longer than the limit")
	// ErrNoFFmpeg says that the program ffmpeg is needed and not installed.
	ErrNoFFmpeg = ffmpeg.ErrMissing
)

// A Format is what a file says of its sound.
type Format struct {
	Codec    string // such as "pcm_s16le", "flac", "mp3", "vorbis"
	Rate     int    // samples a second of each channel
	Channels int
	Frames   int64 // samples of each channel; of WAV and AIFF no more than the file holds, else what its header says; -1: not known
}

// LowestRate and HighestRate are the sample rates that files may have, in Hz.
const LowestRate, HighestRate = 100, 1_000_000

const mostChannels = 256

// check refuses what no sound has, before any memory is taken for it.
func (f *Format) check() error {
	switch {
	case f.Rate < LowestRate || f.Rate > HighestRate:
		return fmt.Errorf("expected a sample rate from %d to %d Hz, got %d", LowestRate, HighestRate, f.Rate)
	case f.Channels < 1 || f.Channels > mostChannels:
		return fmt.Errorf("expected 1 to %d channels, got %d", mostChannels, f.Channels)
	}
	return nil
}

// A decoder gives the samples of a sound, channels interleaved. read fills dst, whole frames of it, and returns their
// number; it returns none with an error alone: io.EOF at the end.
type decoder interface {
	read(dst []float32) (frames int, err error)
}

// A source is a file being recognised.
type source struct {
	ctx  context.Context
	r    *bufio.Reader
	path string // of the file, "" if there is none
	size int64  // bytes that r will give, -1 if not known

	head   [40]byte // the memory of read
	packed packed
}

const peeked = 1 << 16 // bytes at the start that may be looked at

// A foreignError says that ffmpeg has to read this one.
type foreignError struct{ demuxer, codec string }

func (e *foreignError) Error() string { return fmt.Sprintf("%s in a %s file", e.codec, e.demuxer) }

// Formats read here. open is told where the file begins by s.r; it returns a foreignError if ffmpeg might do better.
var formats = [...]struct {
	name  string
	match func(head []byte) bool
	open  func(s *source) (decoder, Format, error)
}{
	{"wav", isWAV, openWAV},
	{"aiff", isAIFF, openAIFF},
	{"flac", starts("fLaC"), openFLAC},
	{"mp3", isMP3, openMP3},
}

func starts(prefix string) func([]byte) bool {
	return func(head []byte) bool { return bytes.HasPrefix(head, []byte(prefix)) }
}

// open recognises a sound and makes the decoder for it. The function that it returns, if any, ends what was started.
func (s *source) open() (decoder, Format, func() error, error) {
	if err := s.skipTag(); err != nil {
		return nil, Format{}, nil, err
	}
	head, err := s.r.Peek(peeked)
	if len(head) == 0 {
		if err == nil || errors.Is(err, io.EOF) {
			err = errors.New("empty file")
		}
		return nil, Format{}, nil, err
	}
	for _, f := range formats {
		if !f.match(head) {
			continue
		}
		d, format, err := f.open(s)
		if err == nil {
			err = format.check()
		}
		if err == nil {
			return d, format, nil, nil
		}
		var other *foreignError
		if errors.As(err, &other) {
			return s.openForeign(other)
		}
		return nil, format, nil, fmt.Errorf("%s: %w", f.name, cut(err))
	}
	if name, ok := foreign(head); ok {
		return openFFmpeg(s, name)
	}
	return nil, Format{}, nil, ErrFormat
}

// Recognise reports whether a file that begins so is a sound, or a video, in one of the formats that [Open] reads, ffmpeg's among
// them. A few kilobytes tell.
func Recognise(head []byte) bool {
	if starts("ID3")(head) {
		return true
	}
	for _, f := range formats {
		if f.match(head) {
			return true
		}
	}
	_, ok := foreign(head)
	return ok
}

// foreign names ffmpeg's demuxer for a file that begins so.
func foreign(head []byte) (name string, ok bool) {
	if name, ok = ffmpeg.Demuxer(head); ok {
		return name, true
	}
	_, ok = findMPEG(head, true) // layers I and II
	return "mp3", ok
}

// openForeign starts ffmpeg on a file of which the beginning has been read already.
func (s *source) openForeign(e *foreignError) (decoder, Format, func() error, error) {
	if s.path == "" {
		return nil, Format{}, nil, fmt.Errorf("%w: can be read from a named file alone", e)
	}
	return openFFmpeg(s, e.demuxer)
}

// skipTag passes over an ID3 tag, which may stand before MP3, AAC, FLAC and even WAV.
func (s *source) skipTag() error {
	for {
		head, _ := s.r.Peek(10)
		if len(head) < 10 || string(head[:3]) != "ID3" || (head[6]|head[7]|head[8]|head[9])&0x80 != 0 {
			return nil
		}
		n := 10 + int(head[6])<<21 + int(head[7])<<14 + int(head[8])<<7 + int(head[9])
		if head[5]&0x10 != 0 { // a footer
			n += 10
		}
		if err := s.skip(int64(n)); err != nil {
			return fmt.Errorf("ID3 tag of %d bytes: %w", n, cut(err))
		}
	}
}

// skip passes over n bytes.
func (s *source) skip(n int64) error {
	for n > 0 {
		k, err := s.r.Discard(int(min(n, 1<<30)))
		n -= int64(k)
		s.took(int64(k))
		if err != nil {
			return err
		}
	}
	return nil
}

// read is the next n bytes, 40 at most, there until it is called again.
func (s *source) read(n int) ([]byte, error) {
	b := s.head[:n]
	k, err := io.ReadFull(s.r, b)
	s.took(int64(k))
	return b[:k], err
}

func (s *source) took(n int64) {
	if s.size >= 0 {
		s.size = max(s.size-n, 0)
	}
}

// A chunk is the head of a part of a RIFF or IFF file.
type chunk struct {
	id   [4]byte
	size int64
}

// chunk reads the head of the next chunk.
func (s *source) chunk(order binary.ByteOrder) (chunk, error) {
	b, err := s.read(8)
	if err != nil {
		return chunk{}, err
	}
	return chunk{[4]byte(b), int64(order.Uint32(b[4:]))}, nil
}

// body reads up to most bytes of a chunk and passes over the rest of it.
func (s *source) body(c chunk, most int64) ([]byte, error) {
	n := min(c.size, most)
	b, err := s.read(int(n))
	if err == nil {
		err = s.skip(c.size + c.size&1 - n)
	}
	return b, err
}

// cut makes errors of a file that ends too early alike.
func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the file ends within its header")
	}
	return err
}
