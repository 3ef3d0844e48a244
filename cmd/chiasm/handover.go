package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/chiasm/chiasm/library"
)

// A handedJob is what the server says of a run.
type handedJob struct {
	ID      int             `json:"id"`
	State   string          `json:"state"`
	Found   int64           `json:"found"`
	Done    int64           `json:"done"`
	Path    string          `json:"path"`
	Summary library.Summary `json:"summary"`
	Error   string          `json:"error"`
}

// A handing is the server that has the library, as a client sees it.
type handing struct{ library.Service }

// errRunning is the error of a server that has a run already.
var errRunning = errors.New("it is indexing already")

// A heldError is that of a library which a server has.
type heldError struct {
	handing
	locked error // why it could not be opened
}

// Error says what to do where nothing can be handed over.
func (e *heldError) Error() string {
	return fmt.Sprintf("the server at %s has the library: stop it first", e.URL)
}

// Unwrap is the error of opening.
func (e *heldError) Unwrap() error { return e.locked }

// A busyError says that another process writes to the library in a folder.
type busyError struct {
	dir    string
	locked error
}

func (e busyError) Error() string {
	return "another chiasm works on the library in " + e.dir + ": wait for it to end, or stop it; chiasm search works meanwhile"
}

func (e busyError) Unwrap() error { return e.locked }

// heldBy is locked, or the error that names the server which has a library's folder.
func heldBy(dir string, locked error) error {
	locked = busyError{dir, locked}
	service, ok := library.Announced(dir)
	if !ok {
		return locked
	}
	h := handing{service}
	within, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	answer, err := h.ask(within, "GET", "/health", nil)
	if err != nil { // it may have been killed, and another program have the library now
		return locked
	}
	answer.Body.Close()
	return &heldError{h, locked}
}

// watched says that the server that has the library makes watch needless, or that it could.
func (h handing) watched(ctx context.Context) error {
	answer, err := h.ask(ctx, "GET", "/v1/library", nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	var said struct {
		Watching bool `json:"watching"`
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, 1<<24)).Decode(&said); err != nil {
		return fmt.Errorf("the server at %s: %w", h.URL, err)
	}
	if !said.Watching {
		return fmt.Errorf("the server at %s has the library, and does not follow its folders: start it without --watch=false, or stop it", h.URL)
	}
	return fmt.Errorf("the server at %s has the library, and follows its folders already: chiasm index PATH has it follow another", h.URL)
}

// handOver has the server that has the library do the work, and shows how far it is.
func (v *indexVerb) handOver(ctx context.Context, args []string, h handing) (err error) {
	if v.model.name != "" || v.model.text != "" {
		return fmt.Errorf("the server at %s has the library and indexes with its own model: want no --model, or the server stopped", h.URL)
	}
	body := map[string]any{"retry": v.o.Retry, "include": v.o.Include, "exclude": v.o.Exclude, "hidden": v.o.Hidden, "no_thumbnails": v.o.NoThumbs, "exact": v.o.Exact}
	var paths []string
	for _, p := range args {
		if p, err = filepath.Abs(p); err != nil {
			return err
		}
		paths = append(paths, p)
	}
	body["paths"] = paths
	v.app.note("the server at %s has the library and does the work", h.URL)
	job, err := h.start(ctx, body)
	if err != nil {
		return err
	}
	bar := v.app.progress("indexing", -1, "files")
	defer v.app.done(bar)
	for job.State == "running" {
		if job, err = h.follow(ctx, job.ID, bar); err != nil {
			if ctx.Err() != nil {
				h.stop(ctx, job.ID)
				v.app.note("the server ends the run, and keeps what it has done")
			}
			return err
		}
	}
	v.app.done(bar)
	v.app.summary(job.Summary, v.json)
	switch {
	case job.Error != "":
		return errors.New(job.Error)
	case job.State != "done":
		return fmt.Errorf("the server says that the run is %s", job.State)
	}
	return nil
}

// ask sends a request. The error says what the server says where that is no success.
func (h handing) ask(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var data io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		data = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, h.URL+path, data)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+h.Key)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil || answer.StatusCode < 300 {
		return answer, err
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusConflict {
		return nil, errRunning
	}
	var said struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, 1<<16)).Decode(&said); err != nil || said.Error.Message == "" {
		return nil, fmt.Errorf("the server at %s answers %s", h.URL, answer.Status)
	}
	return nil, fmt.Errorf("the server at %s: %s", h.URL, said.Error.Message)
}

// start begins a run, once the one that is going on is over.
func (h handing) start(ctx context.Context, body any) (job handedJob, err error) {
	for {
		answer, err := h.ask(ctx, "POST", "/v1/jobs", body)
		if err == nil {
			defer answer.Body.Close()
			return job, json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(&job)
		}
		if !errors.Is(err, errRunning) {
			return job, err
		}
		select {
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
			return job, ctx.Err()
		}
	}
}

// follow reads the events of a run until there are no more, and returns the last one.
func (h handing) follow(ctx context.Context, id int, bar *progress) (job handedJob, err error) {
	job.ID = id
	answer, err := h.ask(ctx, "GET", fmt.Sprintf("/v1/jobs/%d/events", id), nil)
	if err != nil {
		return job, err
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		if err := json.Unmarshal([]byte(data), &job); err != nil {
			return job, fmt.Errorf("the server at %s: %w", h.URL, err)
		}
		bar.set(job.Path, job.Done, max(job.Found, 1))
	}
	if err := lines.Err(); err != nil {
		return job, fmt.Errorf("the server at %s: %w", h.URL, err)
	}
	if job.State == "" {
		return job, fmt.Errorf("the server at %s said nothing of the run", h.URL)
	}
	return job, nil
}

// stop ends a run whose asker goes.
func (h handing) stop(ctx context.Context, id int) {
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if answer, err := h.ask(within, "DELETE", fmt.Sprintf("/v1/jobs/%d", id), nil); err == nil {
		answer.Body.Close()
	}
}
