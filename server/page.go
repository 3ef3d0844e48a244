package server

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

// built is the page: web/ holds its source, `make page` builds it.
//
//go:embed all:ui
var built embed.FS

// policy lets the page load what this server serves, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types svelte-trusted-html"

// An asset is a file of the page.
type asset struct {
	data, packed []byte // as it is, and by gzip
	kind, tag    string
	hashed       bool // its name changes with its content
}

// kinds are the types of the page's files, whatever the system's own tables say.
var kinds = map[string]string{".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}

// assets are the page's files by their paths.
var assets = sync.OnceValues(func() (map[string]asset, error) {
	all := map[string]asset{}
	err := fs.WalkDir(built, "ui", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := built.ReadFile(name)
		if err != nil {
			return err
		}
		var packed bytes.Buffer
		z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
		if err != nil {
			return err
		}
		if _, err = z.Write(data); err == nil {
			err = z.Close()
		}
		at := strings.TrimPrefix(name, "ui")
		all[at] = asset{data, packed.Bytes(), kinds[path.Ext(name)], fmt.Sprintf("%x", sha256.Sum256(data))[:16], strings.HasPrefix(at, "/assets/")}
		return err
	})
	return all, err
})

// isPage reports whether a path is of the page's own files, which hold nothing of the library.
func isPage(at string) bool {
	return at == "/" || at == "/favicon.svg" || strings.HasPrefix(at, "/assets/")
}

// describePage adds the page to mux.
func (s *Server) describePage(mux *http.ServeMux) {
	for _, pattern := range []string{"GET /{$}", "GET /favicon.svg", "GET /assets/"} {
		mux.HandleFunc(pattern, s.page)
	}
}

func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	all, err := assets()
	if err != nil {
		fail(http.StatusInternalServerError, "", "", err).write(w)
		return
	}
	at := r.URL.Path
	if at == "/" {
		at = "/index.html"
	}
	a, ok := all[at]
	if !ok {
		failf(http.StatusNotFound, "", "", "the page has no file %.200q", at).write(w)
		return
	}
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "microphone=(self), camera=(), geolocation=()")
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "no-cache") // asked for again, and answered by 304
	if a.hashed {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	data, tag := a.data, a.tag
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") && len(a.packed) < len(a.data) && r.Header.Get("Range") == "" {
		h.Set("Content-Encoding", "gzip")
		data, tag = a.packed, tag+"-gzip"
	}
	h.Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}
