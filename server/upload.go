package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/chiasm/chiasm/library"
)

// An uploadedFile is what became of a file.
type uploadedFile struct {
	Name  string `json:"name" doc:"As it came."`
	Path  string `json:"path,omitempty" doc:"Where it lies."`
	Error string `json:"error,omitempty" doc:"Why it was not taken."`
}

// describeUpload documents the body, which the handler reads by itself, file by file, to the disk.
func describeUpload(o *huma.Operation) {
	files := &huma.Schema{Type: "array", Items: &huma.Schema{Type: "string", Format: "binary"}}
	o.DefaultStatus = http.StatusCreated
	o.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"multipart/form-data": {
		Schema: &huma.Schema{Type: "object", Properties: map[string]*huma.Schema{"file": files}, Required: []string{"file"}}}}}
}

// upload takes files into the library's folder, and begins to index them. Some may fail: the answer says which.
func (s *Server) upload(w http.ResponseWriter, r *http.Request) error {
	if s.opts.ReadOnly {
		return library.ErrReadOnly
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return failf(http.StatusUnsupportedMediaType, "", "", "want multipart/form-data with parts called file: %w", err)
	}
	out := listing[uploadedFile]{Object: "list", Data: []uploadedFile{}}
	taken := 0
	for {
		p, err := parts.NextPart()
		if err == io.EOF { // a body that breaks off gives an error that wraps it
			break
		}
		if err != nil {
			return s.broken(r.Context(), err)
		}
		if p.FormName() != "file" {
			continue
		}
		if len(out.Data) == s.limits.Inputs {
			return failf(http.StatusRequestEntityTooLarge, "file", "", "want at most %d files at once", s.limits.Inputs)
		}
		var read failing
		read.r = p
		it := uploadedFile{Name: fileName(p.Header.Get("Content-Disposition"))}
		path, err := s.opts.Library.Bring(r.Context(), it.Name, &read)
		switch {
		case read.err != nil:
			return s.broken(r.Context(), read.err)
		case errors.Is(err, library.ErrKind):
			it.Error = library.ErrKind.Error()
		case err != nil:
			return fail(http.StatusInsufficientStorage, "file", "", err)
		default:
			it.Path = path
			taken++
		}
		out.Data = append(out.Data, it)
	}
	if len(out.Data) == 0 {
		return wrong("file", "want one part or more called file")
	}
	if taken == 0 {
		return failf(http.StatusUnsupportedMediaType, "file", "unknown_format", "%s: %s", refused(out.Data), library.ErrKind)
	}
	s.look([]string{s.opts.Library.Uploads()})
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(out) // the client may be gone
	return nil
}

// refused names files of which none was taken.
func refused(files []uploadedFile) string {
	if len(files) == 1 {
		return fmt.Sprintf("%.200q", files[0].Name)
	}
	return fmt.Sprintf("%.200q and %d more", files[0].Name, len(files)-1)
}

// A failing reader remembers why it failed: the client's failure is not the disk's.
type failing struct {
	r   io.Reader
	err error
}

// Read notes an error.
func (f *failing) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		f.err = err
	}
	return n, err
}

// fileName is the name that a part says it has, as it came: the standard library's takes only what is after the last slash.
func fileName(disposition string) string {
	_, params, err := mime.ParseMediaType(disposition)
	if err != nil {
		return ""
	}
	return params["filename"]
}

// broken says what is wrong with a body.
func (s *Server) broken(ctx context.Context, err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return failf(http.StatusRequestEntityTooLarge, "", "", "the request has more than %d bytes", s.limits.Upload)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return failf(http.StatusBadRequest, "", "", "the request breaks off: %w", err)
}
