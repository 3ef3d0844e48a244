package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chiasm/chiasm/library"
)

const indexLong = `Brings a library up to date with folders of pictures, sounds and videos, so that
chiasm search finds what is in them.

Folders, or files, that are named are covered from then on; without any, all
that the library covers are looked at. Only what is new or has changed is read.
Files that were moved or renamed keep their vectors, those that were deleted
vanish; a folder that is not there at all, as of a drive that is not plugged in,
keeps what it held. A file that cannot be read stops nothing: chiasm library
errors lists those.

Interrupted, it goes on where it was the next time. With another model all
files are read again; searches answer from the model before until that is
complete.

While chiasm serve has the library, it does the work, with its own model.

Videos are looked at scene by scene, and heard, by the programs ffmpeg and
ffprobe; each scene, and each ten seconds of sound, is found by itself.`

const indexExample = `  chiasm index ~/Pictures
  chiasm index --model openai/clip-vit-base-patch32
  chiasm index ~/Videos --exclude "drafts" --exclude "**/cache/**"`

// libraryFlags say which library to use.
type libraryFlags struct {
	app *app
	cmd *cobra.Command
	dir string
}

// libraryEnv names the library to use when --library is not given.
const libraryEnv = "CHIASM_LIBRARY"

// libraryFlag adds the flag that names the library.
func (a *app) libraryFlag(cmd *cobra.Command) *libraryFlags {
	f := &libraryFlags{app: a, cmd: cmd}
	cmd.Flags().StringVarP(&f.dir, "library", "l", "", "folder of the library (default $"+libraryEnv+", else "+cmp.Or(library.DefaultDir(), "none: there is no home folder")+")")
	must(cmd.MarkFlagDirname("library"))
	return f
}

// folder is the library's.
func (f *libraryFlags) folder() (string, error) {
	dir := cmp.Or(f.dir, os.Getenv(libraryEnv), library.DefaultDir())
	if dir == "" {
		return "", usagef("where is the library? want --library DIR, $%s, or a home folder ($HOME is not set)", libraryEnv)
	}
	return dir, nil
}

func (f *libraryFlags) open(o library.Options) (*library.Library, error) {
	dir, err := f.folder()
	if err != nil {
		return nil, err
	}
	var bar *progress
	o.Upgrade = func(done, total int) error {
		if total == 0 {
			return f.cmd.Context().Err()
		}
		if bar == nil {
			bar = f.app.progress("bringing the library up to date", int64(total), "parts")
		}
		bar.add(1)
		return f.cmd.Context().Err()
	}
	l, err := library.Open(dir, o)
	f.app.done(bar)
	if errors.Is(err, library.ErrLocked) {
		return nil, heldBy(dir, err)
	}
	if errors.Is(err, fs.ErrNotExist) && o.ReadOnly {
		return nil, noLibraryError(dir)
	}
	return l, err
}

// A noLibraryError names a folder without a library.
type noLibraryError string

func (e noLibraryError) Error() string {
	return "there is no library in " + string(e) + ": chiasm index FOLDER makes one"
}

func (e noLibraryError) Unwrap() error { return fs.ErrNotExist }

// choose takes the model by which a library was indexed where none is named.
func (f *modelFlags) choose(ctx context.Context, l *library.Library) error {
	if f.name != "" || os.Getenv(modelEnv) != "" {
		return nil
	}
	s, ok, err := l.Current(ctx)
	if err != nil || !ok {
		return err
	}
	f.name = s.Model
	if f.text == "" {
		f.text = s.Text
	}
	return nil
}

// index is the verb that brings a library up to date.
func (a *app) index() *cobra.Command {
	v := &indexVerb{app: a}
	cmd := &cobra.Command{
		Use: "index [flags] [PATH...]", Short: "Take pictures, sounds and videos into the library", Long: indexLong, Example: indexExample,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return v.run(cmd.Context(), args) },
	}
	v.flags(cmd)
	cmd.Flags().BoolVar(&v.json, "json", false, "end with a JSON line: what was added, changed, moved, removed and failed")
	return cmd
}

type indexVerb struct {
	app     *app
	model   *modelFlags
	library *libraryFlags
	o       library.IndexOptions
	json    bool
}

// flags adds those that index and watch share.
func (v *indexVerb) flags(cmd *cobra.Command) {
	v.model, v.library = v.app.libraryModelFlags(cmd, true), v.app.libraryFlag(cmd)
	flags := cmd.Flags()
	must(flags.MarkHidden("fast-pictures")) // which is the rule here
	must(flags.MarkHidden("truncate"))      // there are no texts
	flags.StringArrayVar(&v.o.Include, "include", nil, "only files like this, as *.jpg, or 2024/** below the folder; may be repeated")
	flags.StringArrayVar(&v.o.Exclude, "exclude", nil, "no files and folders like this; may be repeated")
	flags.BoolVar(&v.o.Hidden, "hidden", false, "from now on also files and folders whose names begin with a dot")
	flags.BoolVar(&v.o.Retry, "retry", false, "also files that failed before and have not changed")
	flags.BoolVar(&v.o.NoThumbs, "no-thumbnails", false, "make no small pictures: the server makes them when they are asked for")
	flags.BoolVar(&v.o.Exact, "exact-pictures", false, "decode large JPEG files in full: slower, and nearly the same")
}

func (v *indexVerb) run(ctx context.Context, args []string) error {
	l, err := v.library.open(library.Options{})
	if by := (*heldError)(nil); errors.As(err, &by) {
		return v.handOver(ctx, args, by.handing)
	}
	if err != nil {
		return err
	}
	defer l.Close()
	if err := v.model.choose(ctx, l); err != nil {
		return err
	}
	m, err := v.app.open(ctx, v.model)
	if err != nil {
		return err
	}
	bar := v.app.progress("indexing", -1, "files")
	defer v.app.done(bar)
	v.o.Paths = args
	v.o.Progress = func(p library.Progress) { bar.set(p.Path, int64(p.Done), int64(max(p.Found, 1))) }
	s, err := l.Index(ctx, m, v.o)
	v.app.done(bar)
	if err == nil || v.json || s.Added+s.Changed+s.Moved+s.Removed+s.Failed+s.Unchanged > 0 {
		v.app.summary(s, v.json)
	}
	return err
}

// summary says what index did.
func (a *app) summary(s library.Summary, asJSON bool) {
	for _, root := range s.Missing {
		a.note("%s is not there: what it held is kept (chiasm library forget %s forgets it)", root, root)
	}
	if s.Damaged > 0 {
		a.note("of %s only a part could be read: chiasm library errors lists them", plural(s.Damaged, "file", "files"))
	}
	if s.Failed > 0 {
		a.note("%s could not be read: chiasm library errors lists them", plural(s.Failed, "file", "files"))
	}
	if len(s.Unsupported) > 0 {
		a.note("passed by, since these formats are not read: %s", counts(s.Unsupported))
	}
	if asJSON {
		must(a.writeJSON(s))
		return
	}
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{s.Added, "added"}, {s.Changed, "changed"}, {s.Moved, "moved"}, {s.Removed, "removed"}, {s.Failed, "failed"}, {s.Unchanged, "unchanged"}} {
		parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
	}
	if more := s.Embedded + s.Adopted - s.Added - s.Changed; more > 0 { // by another model, or again
		parts = append(parts, fmt.Sprintf("%d of them embedded anew", more))
	}
	fmt.Fprintln(a.stdout, strings.Join(parts, ", "))
	if s.Switched {
		a.note("searches answer from %s now", s.Space)
	}
}

// counts lists how many files there are of each format, the most frequent first.
func counts(files map[string]int) string {
	var parts []string
	for _, ext := range slices.SortedFunc(maps.Keys(files), func(a, b string) int { return cmp.Or(cmp.Compare(files[b], files[a]), cmp.Compare(a, b)) }) {
		parts = append(parts, fmt.Sprintf("%d %s", files[ext], ext))
	}
	return strings.Join(parts, ", ")
}
