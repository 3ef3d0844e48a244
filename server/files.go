package server

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	stdimage "image"
	"image/draw"
	"image/jpeg"
	"io/fs"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"strconv"

	"github.com/chiasm/chiasm/library"
	"github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/media/video"
)

// openItem opens the file of an item, which lies below its root whatever links there are on the way.
func (s *Server) openItem(r *http.Request) (it library.Item, f *os.File, err error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return it, nil, fs.ErrNotExist
	}
	if it, err = s.opts.Library.Item(r.Context(), id); err != nil {
		return it, nil, err
	}
	dir := it.Root
	if it.Path == it.Root {
		dir = filepath.Dir(dir)
	}
	name, err := filepath.Rel(dir, it.Path)
	if err != nil {
		return it, nil, fs.ErrNotExist
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return it, nil, fs.ErrNotExist
	}
	defer root.Close()
	if info, err := root.Stat(name); err != nil || !info.Mode().IsRegular() { // a pipe would make the opening wait
		return it, nil, fs.ErrNotExist
	}
	if f, err = root.Open(name); err != nil {
		return it, nil, fs.ErrNotExist
	}
	return it, f, nil
}

// original sends the file itself, or the ranges that are asked for.
func (s *Server) original(w http.ResponseWriter, r *http.Request) error {
	it, f, err := s.openItem(r)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("Content-Disposition", mime.FormatMediaType("inline", map[string]string{"filename": filepath.Base(it.Path)}))
	h.Set("Content-Type", mediaType(it))
	http.ServeContent(w, r, filepath.Base(it.Path), info.ModTime(), f)
	return nil
}

// thumbnail sends a small picture, which is kept in the library's folder.
func (s *Server) thumbnail(w http.ResponseWriter, r *http.Request) error {
	size := 256
	if text := r.URL.Query().Get("size"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 64 || n > 1024 {
			return wrong("size", "size: want 64 to 1024, got %.20q", text)
		}
		size = n
	}
	it, f, err := s.openItem(r)
	if err != nil {
		return err
	}
	defer f.Close()
	folder := filepath.Join(s.opts.Library.Dir(), "thumbnails")
	kept := filepath.Join(folder, fmt.Sprintf("%s-%d.jpg", hex.EncodeToString(it.Hash), size))
	data, err := os.ReadFile(kept)
	if err != nil {
		select { // decoding is dear
		case s.darkroom <- struct{}{}:
			defer func() { <-s.darkroom }()
		case <-r.Context().Done():
			return r.Context().Err()
		}
		if data, err = s.shrink(r.Context(), it, f, size); err != nil {
			return failf(http.StatusNotFound, "id", "no_thumbnail", "item %d has no thumbnail: %w", it.ID, err)
		}
		if !s.opts.ReadOnly {
			keep(folder, kept, data)
		}
	}
	w.Header().Set("Content-Type", "image/jpeg")
	w.Header().Set("Cache-Control", "private, max-age=86400")
	w.Header().Set("ETag", fmt.Sprintf(`"%x-%d"`, it.Hash, size))
	http.ServeContent(w, r, "", it.Modified, bytes.NewReader(data))
	return nil
}

// keep writes a file that appears when it is whole. Without it the picture is made again.
func keep(folder, path string, data []byte) {
	if os.MkdirAll(folder, 0o755) != nil {
		return
	}
	f, err := os.CreateTemp(folder, ".new-*")
	if err != nil {
		return
	}
	_, err = f.Write(data)
	if closed := f.Close(); err != nil || closed != nil || os.Rename(f.Name(), path) != nil {
		_ = os.Remove(f.Name())
	}
}

// shrink makes a thumbnail of a picture, or of a video's frame at a tenth of it.
func (s *Server) shrink(ctx context.Context, it library.Item, f *os.File, size int) ([]byte, error) {
	var full *image.RGB
	var err error
	switch it.Kind {
	case library.Image:
		full, err = image.Read(f, &image.Options{Pixels: s.limits.Pixels, Warn: func(error) {}, Shrink: &image.Processor{W: size, H: size, Fit: image.FitInside}})
	case library.Video:
		_, err = video.Read(ctx, it.Path, func(i video.Info) []int { return []int{i.Frames / 10} }, func(frame video.Frame) error {
			full = &image.RGB{Pix: bytes.Clone(frame.Pix), W: frame.W, H: frame.H}
			return nil
		})
		if err == nil && full == nil {
			err = fs.ErrNotExist
		}
	default:
		err = fmt.Errorf("%s has no picture", it.Kind)
	}
	if err != nil {
		return nil, err
	}
	w, h := full.W, full.H
	if long := max(w, h); long > size {
		w, h = max(1, w*size/long), max(1, h*size/long)
		full = image.Resize(full, w, h, image.Lanczos)
	}
	small := stdimage.NewRGBA(stdimage.Rect(0, 0, w, h)) // which the encoder is fast with
	draw.Draw(small, small.Rect, full, stdimage.Point{}, draw.Src)
	var b bytes.Buffer
	err = jpeg.Encode(&b, small, &jpeg.Options{Quality: 80})
	return b.Bytes(), err
}
