package library

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	stdimage "image"
	"io"
	"os"
	"path/filepath"

	"github.com/bep/imagemeta"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/media/audio"
	"github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/media/video"
)

const (
	mostPixels      = 1 << 28 // of a picture
	alonePixels     = 1 << 21 // of a picture below which each reader decodes its own, as there are as many as cores
	mostPictureFile = 1 << 30 // bytes
	longestWindow   = 10      // seconds of sound that a vector hears at most, so that a moment is short
	framesPerSecond = 2       // that are looked at for changes of scene
	mostFrames      = 20000   // of a video
)

// A piece is something with a vector of its own: a picture, a frame, a window of sound.
type piece struct {
	job        *job
	number     int // in its file
	img        stdimage.Image
	sound      *chiasm.Sound
	start, end float64 // seconds; both 0 for a picture
	bytes      int64
}

// A reader turns files into pieces, one after the other.
type reader struct {
	model  Model
	exact  bool
	budget *budget
	thumb  func(*job, func() ([]byte, error)) // told of pictures to make small ones of; nil for none

	file     []byte // what was read of the present one, if it is a picture
	preview  []byte // inside of it, once it was looked for
	looked   bool
	pictures image.Decoder
}

// keptFile is how many bytes of memory for a file a reader keeps until the next.
const keptFile = 16 << 20

// open finds out what a file is and what it holds, but for the pieces: its kind, hash and, of a picture, the bytes, which are there until the next file.
func (r *reader) open(j *job) (data []byte, err error) {
	f, err := os.Open(j.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file any more")
	}
	j.size, j.modified, r.preview, r.looked = info.Size(), info.ModTime().UnixNano(), nil, false
	head := make([]byte, Sniffed)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, err
	}
	head = head[:n]
	if j.kind = Recognise(j.path, head); j.kind == "" && filepath.Ext(j.path) == "" {
		return nil, nil // nothing else of it counts
	}
	sum := sha256.New()
	rest := io.MultiReader(bytes.NewReader(head), f)
	if j.kind == Image && info.Size() <= mostPictureFile {
		r.budget.take(j, info.Size())
		if n := int(info.Size()) + bytes.MinRead; cap(r.file) < n || cap(r.file) > max(n, keptFile) {
			r.file = make([]byte, 0, n)
		}
		buffer := bytes.NewBuffer(r.file[:0])
		if _, err := buffer.ReadFrom(io.LimitReader(rest, mostPictureFile)); err != nil {
			return nil, err
		}
		data = buffer.Bytes()
		sum.Write(data)
	} else if _, err := io.Copy(sum, rest); err != nil {
		return nil, err
	}
	j.hash = sum.Sum(nil)
	return data, nil
}

// pieces gives what is to become vectors. A picture's bytes come with it.
func (r *reader) pieces(ctx context.Context, j *job, data []byte, give func(piece) error) error {
	rate, _ := r.model.Hears()
	sees := r.model.Processor() != nil
	r.describe(ctx, j, data)
	switch {
	case j.kind == "":
		j.kind = byExtension(j.path)
		return unrecognised(j)
	case j.kind == Image:
		return r.picture(j, data, sees, give)
	case j.kind == Audio:
		return r.sound(ctx, j, rate, give)
	}
	var seen, heard error
	if sees && !j.looked {
		if seen = r.frames(ctx, j, give); ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(seen, video.ErrNoFFmpeg) {
			return seen
		}
	}
	if !j.listened {
		heard = r.sound(ctx, j, rate, give)
	}
	if j.looked {
		j.meta.Width, j.meta.Height, j.meta.Duration = j.before.Width, j.before.Height, j.before.Duration
	}
	if heard != nil && rate > 0 && (!sees || seen != nil) {
		return cmp.Or(seen, heard)
	}
	if seen != nil && j.count == 0 {
		return seen
	}
	return nil
}

// unrecognised is what is wrong with a file that holds nothing of what its name promises.
func unrecognised(j *job) error {
	switch {
	case j.size == 0:
		return errors.New("the file is empty")
	case j.kind == Video:
		return errors.New("not a video in a known format")
	case j.kind == Audio:
		return audio.ErrFormat
	}
	return image.ErrFormat
}

// describe reads what is said of a file, in it if it is a picture or a video, and beside it, which counts for more.
func (r *reader) describe(ctx context.Context, j *job, data []byte) {
	var own Metadata
	switch {
	case j.kind == Image && data != nil:
		own = readMetadata(data, r.inside(data))
	case j.kind == Video:
		own = videoMetadata(ctx, j.path)
	}
	j.meta = beside(j.path).and(own)
}

// inside is the preview in a camera's RAW file, nil for other pictures. It is looked for once in each.
func (r *reader) inside(data []byte) []byte {
	if !r.looked {
		r.looked, r.preview = true, image.Preview(data)
	}
	return r.preview
}

// picture gives a picture as its one piece.
func (r *reader) picture(j *job, data []byte, sees bool, give func(piece) error) error {
	if data == nil {
		return fmt.Errorf("it has %d bytes, want at most %d of a picture", j.size, mostPictureFile)
	}
	w, h := size(data, r.inside(data))
	r.budget.take(j, 2*3*int64(w)*int64(h))
	o := r.model.Processor().Options()
	o.Pixels, o.Warn = mostPixels, func(err error) { j.damage = err }
	if !r.exact {
		o.Shrink = r.model.Processor()
	}
	o.Alone = w*h < alonePixels
	img, err := r.pictures.Decode(data, &o)
	if err != nil {
		return err
	}
	j.meta.Width, j.meta.Height = img.W, img.H
	if w*h > img.W*img.H { // it was read at a reduced size, and may have been turned
		j.meta.Width, j.meta.Height = w, h
		if (w > h) != (img.W > img.H) {
			j.meta.Width, j.meta.Height = h, w
		}
	}
	if r.thumb != nil {
		r.thumb(j, func() ([]byte, error) { return shrink(img, smallSide), nil })
	}
	if !sees {
		return nil
	}
	small := r.model.Processor().Reduce(img)
	r.budget.settle(j, int64(len(small.Pix)))
	return give(piece{job: j, img: small})
}

// size is the width and height of a picture by its header, or that of the preview inside, 0 if that does not tell.
func size(data, inner []byte) (w, h int) {
	defer func() { _ = recover() }() // a decoder's bug: the size is not known
	if inner != nil {
		data = inner
	}
	if format, ok := metadataFormat(data); ok {
		if c, err := imagemeta.Decode(imagemeta.Options{R: bytes.NewReader(data), ImageFormat: format, Sources: imagemeta.CONFIG}); err == nil {
			return bounded(c.ImageConfig.Width), bounded(c.ImageConfig.Height)
		}
	}
	return 0, 0
}

func bounded(n int) int { return min(max(n, 0), 1<<20) }

// sound gives a sound in windows.
func (r *reader) sound(ctx context.Context, j *job, rate int, give func(piece) error) error {
	s, err := audio.Open(ctx, j.path)
	if err != nil {
		return err
	}
	defer s.Close()
	if f := s.Format(); f.Frames > 0 && j.meta.Duration == 0 {
		j.meta.Duration = float64(f.Frames) / float64(f.Rate)
	}
	if rate == 0 {
		return nil
	}
	_, hears := r.model.Hears()
	window := min(hears, longestWindow*rate)
	last, n := 0.0, 0
	var loud contour
	for w, err := range s.Mono(rate).Windows(window, window) {
		if errors.Is(err, audio.ErrTruncated) {
			j.damage = err
			break
		}
		if err != nil {
			return err
		}
		if n > 0 && len(w.Samples) < window/10 {
			break // a remnant that says nothing
		}
		start := float64(w.Start) / float64(rate)
		last = start + float64(len(w.Samples))/float64(rate)
		sound := chiasm.Sound{Samples: append([]float32(nil), w.Samples...), Rate: rate}
		if err := sound.Check(); err != nil {
			return err
		}
		size := 4 * int64(len(sound.Samples))
		if err := give(piece{job: j, sound: &sound, start: start, end: last, bytes: size}); err != nil {
			return err
		}
		n++
		loud.add(sound.Samples)
	}
	if n == 0 {
		return errors.New("there is no sound in it")
	}
	if r.thumb != nil && j.kind == Audio {
		r.thumb(j, func() ([]byte, error) { return loud.draw(smallSide) })
	}
	j.meta.Duration = max(j.meta.Duration, last)
	return nil
}

// frames gives the scenes of a video: a frame for each, with the time until the next.
func (r *reader) frames(ctx context.Context, j *job, give func(piece) error) error {
	side := 512
	if w, h := r.model.Processor().Size(); w > 0 && h > 0 {
		side = 2 * max(w, h)
	}
	var scenes scenes
	first := true
	flush := func(s scene, end float64) error {
		if r.thumb != nil && first {
			first = false
			r.thumb(j, func() ([]byte, error) { return shrink(s.img, smallSide), nil })
		}
		return give(piece{job: j, img: s.img, start: s.start, end: end, bytes: int64(len(s.img.Pix))})
	}
	info, err := video.Sample(ctx, j.path, framesPerSecond, side, mostFrames, func(f video.Frame) error {
		done, ok := scenes.next(scene{img: &image.RGB{Pix: f.Pix, W: f.W, H: f.H}, start: float64(f.Number) / framesPerSecond})
		if !ok {
			return nil
		}
		return flush(done, scenes.last.start)
	})
	j.meta.Duration = info.Seconds
	j.meta.Width, j.meta.Height = info.W, info.H
	if done, ok := scenes.end(); ok {
		if e := flush(done, max(info.Seconds, done.start)); err == nil {
			err = e
		}
	}
	return err
}
