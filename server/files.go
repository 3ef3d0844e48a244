package server

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/chiasm/chiasm/library"
)

// original sends the file itself, or the ranges that are asked for.
func (s *Server) original(w http.ResponseWriter, r *http.Request) error {
	id, err := idOf(r)
	if err != nil {
		return err
	}
	it, f, err := s.opts.Library.OpenFile(r.Context(), id)
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
	cache(w, r, it, info.Size() == it.Size && info.ModTime().Equal(it.Modified))
	h.Set("ETag", fmt.Sprintf(`"%x-%x"`, info.ModTime().UnixNano(), info.Size()))
	plainRange(r)
	http.ServeContent(&rangeWriter{ResponseWriter: w}, r, filepath.Base(it.Path), info.ModTime(), f)
	return nil
}

// What may be asked of a thumbnail.
const (
	leastThumbnail = 64   // pixels of the longer side
	mostThumbnail  = 4096 // likewise: those of pictures that browsers cannot show are looked at
	mostMoment     = 1e7  // seconds
)

// thumbnail sends a small picture.
func (s *Server) thumbnail(w http.ResponseWriter, r *http.Request) error {
	id, err := idOf(r)
	if err != nil {
		return err
	}
	size, at := 256, -1.0
	if text := r.URL.Query().Get("size"); text != "" {
		if size, err = strconv.Atoi(text); err != nil || size < leastThumbnail || size > mostThumbnail {
			return wrong("size", "size: want %d to %d, got %.20q", leastThumbnail, mostThumbnail, text)
		}
	}
	if text := r.URL.Query().Get("at"); text != "" {
		if at, err = strconv.ParseFloat(text, 64); err != nil || !(at >= 0 && at < mostMoment) {
			return wrong("at", "at: want seconds, got %.20q", text)
		}
	}
	it, data, err := s.opts.Library.Thumbnail(r.Context(), id, size, at)
	if errors.Is(err, library.ErrNoPicture) {
		return fail(http.StatusNotFound, "id", "no_thumbnail", err)
	}
	if err != nil {
		return err
	}
	kind := "image/jpeg"
	if it.Kind == library.Audio {
		kind = "image/png"
	}
	w.Header().Set("Content-Type", kind)
	cache(w, r, it, true)
	w.Header().Set("ETag", fmt.Sprintf(`"%x-%d-%g"`, it.Hash, size, at))
	plainRange(r)
	http.ServeContent(&rangeWriter{ResponseWriter: w}, r, "", it.Modified, bytes.NewReader(data))
	return nil
}

// A rangeWriter answers ranges that cannot be given in the shape of all other errors, where http.ServeContent would with plain text.
type rangeWriter struct {
	http.ResponseWriter
	refused bool
}

// WriteHeader takes the place of the error of a range.
func (w *rangeWriter) WriteHeader(status int) {
	if status != http.StatusRequestedRangeNotSatisfiable {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	w.refused = true
	size, known := strings.CutPrefix(w.Header().Get("Content-Range"), "bytes */")
	w.Header().Del("Content-Disposition")
	f := failf(status, "Range", "", "want bytes=FIRST-LAST")
	if known {
		f = failf(status, "Range", "", "want ranges of the file's %s bytes", size)
	}
	f.write(w.ResponseWriter)
}

// Write leaves out the text of an error that was answered.
func (w *rangeWriter) Write(p []byte) (int, error) {
	if w.refused {
		return len(p), nil
	}
	return w.ResponseWriter.Write(p)
}

// plainRange leaves out a wish for ranges in another unit than bytes, as RFC 9110 section 14.2 wants.
func plainRange(r *http.Request) {
	if unit, _, _ := strings.Cut(r.Header.Get("Range"), "="); !strings.EqualFold(strings.TrimSpace(unit), "bytes") {
		r.Header.Del("Range")
	}
}

// cache says how long an answer about an item holds: for ever, where it is the item as indexed and the address names that version.
func cache(w http.ResponseWriter, r *http.Request, it library.Item, indexed bool) {
	if indexed && r.URL.Query().Get("v") == it.Version {
		w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	} else {
		w.Header().Set("Cache-Control", "private, no-cache")
	}
}

// idOf is the item of a request.
func idOf(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return 0, fs.ErrNotExist
	}
	return id, nil
}
