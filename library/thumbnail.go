package library

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/chiasm/chiasm/internal/whole"
	"github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/media/video"
)

const (
	smallSide     = 256  // pixels of the thumbnails that are made while files are indexed
	mostSide      = 4096 // of those that are made when they are asked for: to look at what a browser cannot show
	quality       = 75   // of JPEG
	largeSide     = 1024 // pixels of the longer side, above which it is
	largeQuality  = 88
	mostThumbs    = 256 << 20 // bytes of those that were asked for, which are kept
	posterFrames  = 120       // that are looked at for one that shows something
	thumbPixels   = 1 << 28   // of a picture, to make one
	thumbnailsDir = "thumbnails"
)

// ErrNoPicture is the error of asking for a thumbnail of what has none.
var ErrNoPicture = errors.New("there is no picture of it")

// Thumbnail is a small picture of a file, whose longer side has size pixels at most: JPEG of pictures and videos, PNG of the waveform of a
// sound. Of a video it is the first frame that shows something, or with at, in seconds, the frame at that moment; a negative at is none.
// What was made is kept in the library's folder, until the file changes. The error wraps [fs.ErrNotExist] where there is no such file, and
// [ErrNoPicture] where none can be made.
func (l *Library) Thumbnail(ctx context.Context, id int64, size int, at float64) (it Item, data []byte, err error) {
	if it, err = l.Item(ctx, id); err != nil {
		return it, nil, err
	}
	if size < 1 || size > mostSide {
		return it, nil, fmt.Errorf("library: a thumbnail of %d pixels: want 1 to %d", size, mostSide)
	}
	if it.Kind != Video || !(at >= 0) {
		at = -1
	}
	kept := l.thumb(it.Hash, it.Kind, size, at)
	if data, err := os.ReadFile(kept); err == nil && complete(data) {
		return it, data, nil
	}
	select { // making one is dear
	case l.darkroom <- struct{}{}:
		defer func() { <-l.darkroom }()
	case <-ctx.Done():
		return it, nil, ctx.Err()
	}
	if data, err = l.develop(ctx, it, size, at); err != nil {
		if ctx.Err() == nil && !errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("library: item %d: %w: %w", id, ErrNoPicture, err)
		}
		return it, nil, err
	}
	if !l.opts.ReadOnly {
		keepThumb(kept, data)
		if l.made.Add(int64(len(data))) > mostThumbs/4 {
			l.made.Store(0)
			err = l.trimThumbs(ctx)
		}
	}
	return it, data, err
}

// thumb is where a thumbnail is kept.
func (l *Library) thumb(hash []byte, kind string, size int, at float64) string {
	name, ext := hex.EncodeToString(hash), "jpg"
	if kind == Audio {
		ext = "png"
	}
	moment := ""
	if at >= 0 {
		moment = fmt.Sprintf("@%d", int64(at*1000))
	}
	return filepath.Join(l.dir, thumbnailsDir, (name + "00")[:2], fmt.Sprintf("%s-%d%s.%s", name, size, moment, ext))
}

// complete tells a picture from what a crash left of one.
func complete(data []byte) bool {
	return bytes.HasPrefix(data, []byte("\xff\xd8")) && bytes.HasSuffix(data, []byte("\xff\xd9")) ||
		bytes.HasPrefix(data, []byte("\x89PNG")) && bytes.HasSuffix(data, []byte("IEND\xaeB`\x82"))
}

// develop makes a thumbnail.
func (l *Library) develop(ctx context.Context, it Item, size int, at float64) (data []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			data, err = nil, fmt.Errorf("the decoder failed: %v", r)
		}
	}()
	_, f, err := l.OpenFile(ctx, it.ID)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	switch it.Kind {
	case Image:
		full, err := image.Read(f, &image.Options{Pixels: thumbPixels, White: true, Warn: func(error) {}, Shrink: &image.Processor{W: size, H: size, Fit: image.FitInside}})
		if err != nil {
			return nil, err
		}
		return shrink(full, size), nil
	case Video:
		frame, err := frameAt(ctx, f.Name(), size, at)
		if err != nil {
			return nil, err
		}
		return shrink(frame, size), nil
	case Audio:
		return waveform(ctx, f.Name(), size)
	}
	return nil, fmt.Errorf("it is of no known kind")
}

// errEnough ends the reading of a video.
var errEnough = errors.New("enough")

// frameAt is a frame of a video: at a moment, or from the beginning the first one that shows something.
func frameAt(ctx context.Context, path string, size int, at float64) (*image.RGB, error) {
	if at >= 0 {
		f, err := video.At(ctx, path, at, size)
		if err != nil {
			return nil, err
		}
		return &image.RGB{Pix: f.Pix, W: f.W, H: f.H}, nil
	}
	var poster *image.RGB
	_, err := video.Sample(ctx, path, framesPerSecond, size, posterFrames, func(f video.Frame) error {
		poster = &image.RGB{Pix: f.Pix, W: f.W, H: f.H}
		if g := glanceAt(poster); !g.empty() {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) || poster != nil {
		err = nil
	}
	return poster, err
}

// shrink is a picture as a small JPEG file.
func shrink(full *image.RGB, size int) []byte {
	w, h := full.W, full.H
	if long := max(w, h); long > size {
		w, h = max(1, int(math.Round(float64(w*size)/float64(long)))), max(1, int(math.Round(float64(h*size)/float64(long))))
		full = image.Thumbnail(full, w, h)
	}
	if max(w, h) > largeSide {
		return image.EncodeJPEG(full, largeQuality)
	}
	return image.EncodeJPEG(full, quality)
}

// prepare makes the small thumbnail of a file that is being indexed, unless there is one.
func (l *Library) prepare(j *job, develop func() ([]byte, error)) {
	path := l.thumb(j.hash, j.kind, smallSide, -1)
	if _, err := os.Stat(path); err == nil {
		return
	}
	if data, err := develop(); err == nil { // else it is tried again when it is asked for
		keepThumb(path, data)
	}
}

// keepThumb keeps a thumbnail. Where that fails, as on a full disk, it is made again.
func keepThumb(path string, data []byte) {
	if os.MkdirAll(filepath.Dir(path), 0o755) != nil {
		return
	}
	f, err := whole.Create(path)
	if err != nil {
		return
	}
	defer f.Abort()
	if _, err := f.Write(data); err == nil {
		_ = f.Place(0o644) // as above
	}
}

// trimThumbs removes thumbnails of contents that the catalogue does not name any more, what a crash left of some, and of those that were
// asked for the oldest beyond what may be kept.
func (l *Library) trimThumbs(ctx context.Context) error {
	known := map[string]bool{}
	if err := each(ctx, l.db, func(scan func(...any) error) error {
		var hash []byte
		err := scan(&hash)
		known[hex.EncodeToString(hash)] = true
		return err
	}, "SELECT hash FROM files WHERE hash IS NOT NULL"); err != nil {
		return err
	}
	type asked struct {
		path string
		size int64
		when time.Time
	}
	var all []asked
	var total int64
	_ = filepath.WalkDir(filepath.Join(l.dir, thumbnailsDir), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return nil // it comes and goes
		}
		info, err := e.Info()
		if err != nil {
			return nil
		}
		hash, rest, _ := strings.Cut(e.Name(), "-")
		switch {
		case strings.HasPrefix(hash, "."):
			if time.Since(info.ModTime()) > time.Hour {
				_ = os.Remove(path)
			}
		case !known[hash]:
			_ = os.Remove(path)
		case !strings.HasPrefix(rest, fmt.Sprint(smallSide, ".")):
			all, total = append(all, asked{path, info.Size(), info.ModTime()}), total+info.Size()
		}
		return nil
	})
	slices.SortFunc(all, func(a, b asked) int { return cmp.Or(a.when.Compare(b.when), cmp.Compare(a.path, b.path)) })
	for _, a := range all {
		if total <= mostThumbs {
			break
		}
		_ = os.Remove(a.path)
		total -= a.size
	}
	return nil
}
