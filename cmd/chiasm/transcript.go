package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/chiasm/chiasm"
)

// A transcriptWriter takes the segments of one sound to where they shall go. Calls come in this order: segment, then commit; abort, at any time and
// also after commit, leaves nothing unfinished behind.
type transcriptWriter struct {
	verb       *transcribeVerb
	name       string
	transcript chiasm.Transcript
	files      []*atomicFile // one for each format; none for standard output
	titled     bool          // on standard output, the sound's name is still to be written
}

// writer makes one; with several sounds on standard output, each has a title.
func (v *transcribeVerb) writer(name string, several bool) (*transcriptWriter, error) {
	w := &transcriptWriter{verb: v, name: name, titled: several, transcript: chiasm.Transcript{Input: name}}
	paths, err := v.outputs(name)
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		f, err := create(path)
		if err != nil {
			w.abort()
			return nil, fmt.Errorf("%w: %w", errOutput, err)
		}
		w.files = append(w.files, f)
	}
	return w, nil
}

// direct says that text goes to standard output as it is found.
func (w *transcriptWriter) direct() bool { return len(w.files) == 0 && w.verb.formats[0] == "txt" }

func (w *transcriptWriter) segment(s chiasm.Segment) error {
	if !w.direct() {
		w.transcript.Segments = append(w.transcript.Segments, s)
		return nil
	}
	w.title()
	fmt.Fprintln(w.verb.app.stdout, clean(strings.TrimSpace(s.Text)))
	return w.verb.app.flush()
}

// title writes the sound's name once.
func (w *transcriptWriter) title() {
	if w.titled {
		fmt.Fprintf(w.verb.app.stdout, "==> %s <==\n", clean(w.name))
		w.titled = false
	}
}

func (w *transcriptWriter) commit() error {
	app, format := w.verb.app, w.verb.formats[0]
	if l := &w.transcript; w.verb.opts.Language == "" && l.Language != "" && !w.verb.json {
		app.note("%s: the language is %s (%.0f %%)", w.name, l.Language, 100*l.Probability)
	}
	switch {
	case w.direct():
		w.title()
	case len(w.files) == 0:
		if format != "json" {
			w.title()
		}
		return w.transcript.Write(app.stdout, format, &w.verb.subtitles)
	}
	var errs []error
	for i, f := range w.files {
		err := w.transcript.Write(f.w, w.verb.formats[i], &w.verb.subtitles)
		if err == nil {
			err = f.commit()
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%w: %w", errOutput, err))
		}
	}
	return errors.Join(errs...)
}

func (w *transcriptWriter) abort() {
	for _, f := range w.files {
		f.Abort()
	}
}
