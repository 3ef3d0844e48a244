package audio

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// A Reader gives the samples of a sound file in pieces. It is for one goroutine at a time. The zero value has no sound before it is
// given one by [Reader.Reset].
type Reader struct {
	format Format
	name   string // of the file and ": ", or nothing
	in     *whileContext
	source source
	dec    decoder
	closes []func() error
	err    error
	mono   Mono
}

// Open recognises the file at path by its content and reads what it says of its sound. The caller closes the Reader. When
// ctx ends, so does the reading, and a program that was started for it.
func Open(ctx context.Context, path string) (*Reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("audio: %w", err)
	}
	r := new(Reader)
	r.from(ctx, f, path+": ")
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		r.source.size = info.Size()
		// An absolute path cannot be taken for an option or for the address of something else.
		if r.source.path, err = filepath.Abs(path); err != nil {
			r.source.path = ""
		}
	}
	if err := r.open(); err != nil {
		f.Close()
		return nil, err
	}
	r.closes = append(r.closes, f.Close)
	return r, nil
}

// New is [Open] for a sound that comes from r, of which it may read more than it needs. Closing the Reader leaves r as it
// is. Files that can only be read by jumping about in them, as many M4A are, need Open.
func New(ctx context.Context, r io.Reader) (*Reader, error) {
	s := new(Reader)
	if err := s.Reset(ctx, r); err != nil {
		return nil, err
	}
	return s, nil
}

// Reset closes r and makes it read another sound, as [New] does, in the memory that it has: of WAV and AIFF files one after the other takes no
// new memory. What [Reader.Mono] gave before is not to be used any more.
func (r *Reader) Reset(ctx context.Context, from io.Reader) error {
	foreign := len(r.closes) > 0
	err := r.Close()
	if foreign { // a program that was killed may still be being fed
		*r = Reader{}
	}
	r.from(ctx, from, "")
	if err == nil {
		err = r.open()
	}
	if err != nil {
		r.err = err
	}
	return err
}

// from says what is read.
func (r *Reader) from(ctx context.Context, from io.Reader, name string) {
	if r.in == nil {
		r.in = new(whileContext)
		r.source.r = bufio.NewReaderSize(r.in, peeked)
	}
	*r.in = whileContext{ctx, from}
	r.source.r.Reset(r.in)
	r.source = source{ctx: ctx, r: r.source.r, size: -1, packed: packed{buf: r.source.packed.buf}}
	r.name, r.err, r.dec = name, nil, nil
}

// open recognises the sound.
func (r *Reader) open() error {
	dec, format, closer, err := r.source.open()
	if err != nil {
		return fmt.Errorf("audio: %s%w", r.name, err)
	}
	r.dec, r.format = dec, format
	if closer != nil {
		r.closes = append(r.closes, closer)
	}
	return nil
}

// Format is what the file says of its sound.
func (r *Reader) Format() Format { return r.format }

// Read fills dst with the next samples, the channels of each frame side by side, about -1 to 1, and returns the number of
// frames; fewer than fit does not mean the end. At the end it returns io.EOF, at an end that comes too early an error that
// wraps [ErrTruncated]; an error comes with no frames, and again with every later call. It panics if dst is shorter than
// one frame.
func (r *Reader) Read(dst []float32) (frames int, err error) {
	if len(dst) < r.format.Channels {
		panic(fmt.Sprintf("audio: expected space for a frame of %d channels, got %d values", r.format.Channels, len(dst)))
	}
	if r.dec == nil && r.err == nil {
		r.err = os.ErrClosed
	}
	for r.err == nil {
		if r.err = r.in.ctx.Err(); r.err == nil {
			frames, r.err = r.dec.read(dst)
		}
		if frames > 0 {
			return frames, nil
		}
		if r.err != nil && !errors.Is(r.err, io.EOF) {
			r.err = fmt.Errorf("audio: %s%w", r.name, r.err)
		}
	}
	if r.err == os.ErrClosed {
		return 0, fmt.Errorf("audio: %s%w", r.name, r.err)
	}
	return 0, r.err
}

// Close ends what was started and releases the file. It may be called again.
func (r *Reader) Close() error {
	var errs []error
	for _, f := range r.closes {
		errs = append(errs, f())
	}
	r.closes = nil
	if r.err == nil {
		r.err = os.ErrClosed
	}
	return errors.Join(errs...)
}

// whileContext reads until its context ends.
type whileContext struct {
	ctx context.Context
	r   io.Reader
}

func (w *whileContext) Read(b []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.r.Read(b)
}
