// Demo indexes a small collection of real pictures, sounds and a film, asks it questions in English and Chinese, by a picture and by a
// sound, and shows the answers as a table and as a contact sheet. It is also an example of how to use package library.
//
//	go run ./examples/demo [-out FOLDER] [COLLECTION]
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/rivo/uniseg"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/library"
	"github.com/chiasm/chiasm/media/video"
)

func main() {
	out := flag.String("out", filepath.Join("bin", "collection"), "folder of the library and the contact sheet, made anew")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := demo(ctx, os.Stdout, cmp.Or(flag.Arg(0), filepath.Join("examples", "collection")), *out); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// demo runs the whole of it.
func demo(ctx context.Context, w io.Writer, collection, out string) error {
	collection, err := filepath.Abs(collection)
	if err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(filepath.Join(out, "library")), os.MkdirAll(out, 0o755)); err != nil {
		return err
	}
	l, err := library.Open(filepath.Join(out, "library"), library.Options{})
	if err != nil {
		return err
	}
	defer l.Close()
	m, err := chiasm.Open(ctx, cmp.Or(os.Getenv("CHIASM_MODEL"), chiasm.Shipped), &chiasm.Options{Cache: "off"})
	if err != nil {
		return err
	}
	defer m.Close()
	if err := index(ctx, w, l, m, collection); err != nil {
		return err
	}
	answers, err := ask(ctx, l, m, collection)
	if err != nil {
		return err
	}
	table(w, answers, collection)
	sheet := filepath.Join(out, "contact-sheet.png")
	if err := draw(ctx, sheet, answers, collection); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nThe same as pictures: %s\n", sheet)
	fmt.Fprintf(w, "Look around in the browser: bin/chiasm serve --library %s, then http://127.0.0.1:7878\n", l.Dir())
	fmt.Fprintf(w, "Whose pictures these are: %s\n", filepath.Join(collection, "manifest.tsv"))
	return nil
}

// index takes the collection into the library; what is in questions/ stays outside.
func index(ctx context.Context, w io.Writer, l *library.Library, m *chiasm.Model, collection string) error {
	start := time.Now()
	s, err := l.Index(ctx, m, library.IndexOptions{Paths: []string{collection}, Exclude: []string{"questions/**"}})
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s indexed %d files in %.1f s.\n", m.Name(), s.Embedded, time.Since(start).Seconds())
	failures, err := l.Errors(ctx)
	if err != nil {
		return err
	}
	others := 0
	for _, f := range failures {
		if strings.Contains(f.Error, video.ErrNoFFmpeg.Error()) {
			fmt.Fprintf(w, "The film is left out: ffmpeg and ffprobe are not installed.\n")
		} else {
			others++
		}
	}
	if others > 0 { // a model that hears nothing
		fmt.Fprintf(w, "%d files could not be read: bin/chiasm library errors --library %s\n", others, l.Dir())
	}
	return nil
}

// An answer is what a question found.
type answer struct {
	question
	hits []library.Hit
}

// ask searches for what each question means. Names of files play no part in it.
func ask(ctx context.Context, l *library.Library, m library.Model, collection string) (out []answer, err error) {
	rate, _ := m.Hears()
	for _, q := range questions {
		if q.sound() && rate == 0 {
			continue
		}
		query, err := library.ParseQuery(q.text)
		if err != nil {
			return nil, err
		}
		if q.like != "" {
			query.Like = []library.Example{{Path: filepath.Join(collection, q.like), Weight: 1}}
		}
		query.NoWords, query.Limit, query.Strictness = true, 3, 0.5
		r, err := l.Search(ctx, m, query)
		if err != nil {
			return nil, err
		}
		out = append(out, answer{q, r.Hits})
	}
	return out, nil
}

// table writes the answers, one line for each hit.
func table(w io.Writer, answers []answer, collection string) {
	const width = 34 // columns of a terminal; Chinese takes two for each sign
	line := func(question, found, score string) {
		fmt.Fprintf(w, "%s%s  %-34s  %s\n", question, strings.Repeat(" ", max(0, width-uniseg.StringWidth(question))), found, score)
	}
	fmt.Fprintln(w)
	line("question", "found", "cosine")
	for _, a := range answers {
		question := a.asked()
		if len(a.hits) == 0 {
			line(question, "nothing that is probably meant", "")
		}
		for _, h := range a.hits {
			line(question, where(h, collection), fmt.Sprintf("%.3f", h.Score))
			question = ""
		}
	}
}

// where is a hit's file within the collection, and the moment of it if it is a film.
func where(h library.Hit, collection string) string {
	name := h.Path
	if rel, err := filepath.Rel(collection, h.Path); err == nil {
		name = filepath.ToSlash(rel)
	}
	if h.Kind == library.Video && h.Start != nil && h.End != nil {
		name += fmt.Sprintf("  %.1f to %.1f s", *h.Start, *h.End)
	}
	return name
}
