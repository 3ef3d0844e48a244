package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chiasm/chiasm/internal/whole"
	"github.com/chiasm/chiasm/library"
)

const libraryLong = `Looks after the library: what it covers and holds, what could not be read,
whether it is sound.`

// library is the verb that looks after a library.
func (a *app) library() *cobra.Command {
	cmd := &cobra.Command{
		Use: "library VERB", Short: "Look after the library", Long: libraryLong,
		Example: "  chiasm library info\n  chiasm library errors\n  chiasm library check",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("there is no verb %q: want info, errors, check, repair, export, import, move, forget or drop-space", args[0])
			}
			return cmd.Help()
		},
		Args: cobra.ArbitraryArgs,
	}
	verb := func(use, short string, readOnly bool, run func(ctx context.Context, l *library.Library, args []string, asJSON bool) error) {
		var asJSON bool
		sub := &cobra.Command{Use: use, Short: short, DisableFlagsInUseLine: true}
		flags := a.libraryFlag(sub)
		sub.Flags().BoolVar(&asJSON, "json", false, "JSON lines")
		sub.Args = a.checked(cobra.ExactArgs(argsOf(use)))
		sub.RunE = a.starting(func(cmd *cobra.Command, args []string) error {
			l, err := flags.open(library.Options{ReadOnly: readOnly})
			if err != nil {
				return err
			}
			defer l.Close()
			return run(cmd.Context(), l, args, asJSON)
		})
		cmd.AddCommand(sub)
	}
	verb("info [flags]", "What the library covers and holds", true, a.libraryInfo)
	verb("errors [flags]", "Files that could not be read", true, a.libraryErrors)
	verb("check [flags]", "Read everything and say what is wrong", true, func(ctx context.Context, l *library.Library, _ []string, asJSON bool) error {
		found, err := l.Check(ctx)
		return a.problems(found, err, asJSON)
	})
	verb("repair [flags]", "Put right what check finds, as far as that goes", false, func(ctx context.Context, l *library.Library, _ []string, asJSON bool) error {
		found, err := l.Repair(ctx)
		return a.problems(found, err, asJSON)
	})
	verb("export [flags] FILE", "Write the catalogue and the vectors to one file", true, func(ctx context.Context, l *library.Library, args []string, _ bool) error {
		return export(ctx, l, args[0])
	})
	verb("forget [flags] PATH", "Cover a folder no more, and forget what it held; the files stay", false, func(ctx context.Context, l *library.Library, args []string, _ bool) error {
		return l.RemoveRoot(ctx, args[0])
	})
	verb("move [flags] OLD NEW", "Take what lay at one path for lying at another, as after an import", false, func(ctx context.Context, l *library.Library, args []string, _ bool) error {
		return l.Move(ctx, args[0], args[1])
	})
	verb("drop-space [flags] SPACE", "Give back the room of the vectors of a model", false, func(ctx context.Context, l *library.Library, args []string, _ bool) error {
		return l.DropSpace(ctx, args[0])
	})
	cmd.AddCommand(a.libraryImport())
	return cmd
}

// libraryImport makes a library, so it opens none.
func (a *app) libraryImport() *cobra.Command {
	cmd := &cobra.Command{Use: "import [flags] FILE", Short: "Make a library of what export wrote", DisableFlagsInUseLine: true}
	flags := a.libraryFlag(cmd)
	var moves []string
	cmd.Flags().StringArrayVar(&moves, "move", nil, "OLD=NEW: what lay at a path lies at another one here; may be repeated")
	cmd.Args = a.checked(cobra.ExactArgs(1))
	cmd.RunE = a.starting(func(cmd *cobra.Command, args []string) error {
		for _, m := range moves {
			if from, to, ok := strings.Cut(m, "="); !ok || !filepath.IsAbs(from) || !filepath.IsAbs(to) {
				return usagef("--move %q: want OLD=NEW, two whole paths", m)
			}
		}
		f, err := os.Open(args[0])
		if err != nil {
			return err
		}
		defer f.Close()
		dir, err := flags.folder()
		if err != nil {
			return err
		}
		if err := library.Import(cmd.Context(), dir, f); err != nil || len(moves) == 0 {
			return err
		}
		l, err := flags.open(library.Options{})
		if err != nil {
			return err
		}
		defer l.Close()
		for _, m := range moves {
			from, to, _ := strings.Cut(m, "=")
			if err := l.Move(cmd.Context(), from, to); err != nil {
				return err
			}
		}
		return nil
	})
	return cmd
}

// export writes a file that appears when it is complete.
func export(ctx context.Context, l *library.Library, path string) error {
	return whole.Write(path, func(w io.Writer) error { return l.Export(ctx, w) })
}

// argsOf is how many arguments a line of usage has.
func argsOf(use string) int {
	n := 0
	for _, r := range use {
		if r == ' ' {
			n++
		}
	}
	return n - 1
}

// problems writes what is wrong, which is an error if there is anything.
func (a *app) problems(found []string, err error, asJSON bool) error {
	if err != nil {
		return err
	}
	for _, p := range found {
		if asJSON {
			err = a.writeJSON(map[string]string{"problem": p})
		} else {
			_, err = fmt.Fprintln(a.stdout, clean(p))
		}
		if err != nil {
			return err
		}
	}
	if len(found) > 0 {
		return fmt.Errorf("%s", plural(len(found), "thing is wrong", "things are wrong"))
	}
	a.note("all is well")
	return nil
}

func (a *app) libraryErrors(ctx context.Context, l *library.Library, _ []string, asJSON bool) error {
	all, err := l.Errors(ctx)
	if err != nil {
		return err
	}
	for _, f := range all {
		if asJSON {
			err = a.writeJSON(f)
		} else {
			_, err = fmt.Fprintf(a.stdout, "%s: %s\n", clean(f.Path), clean(reason(f.Path, fmt.Errorf("%s", f.Error))))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *app) libraryInfo(ctx context.Context, l *library.Library, _ []string, asJSON bool) error {
	i, err := l.Info(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		return a.writeJSON(i)
	}
	fmt.Fprintf(a.stdout, "library  %s (%.1f MB)\n", clean(i.Dir), float64(i.Bytes)/1e6)
	for _, r := range i.Roots {
		missing := ""
		if r.Missing {
			missing = ", not there"
		}
		fmt.Fprintf(a.stdout, "covers   %s (%s%s)\n", clean(r.Path), plural(r.Files, "file", "files"), missing)
	}
	fmt.Fprintf(a.stdout, "holds    %s, %s, %s; %d could not be read\n", plural(i.Files[library.Image], "picture", "pictures"), plural(i.Files[library.Audio], "sound", "sounds"),
		plural(i.Files[library.Video], "video", "videos"), i.Failed)
	if len(i.Unsupported) > 0 {
		fmt.Fprintf(a.stdout, "passes   %s: these formats are not read\n", counts(i.Unsupported))
	}
	for _, s := range i.Spaces {
		fmt.Fprintf(a.stdout, "space    %s (%s, %s)\n", clean(s.Name), s.State, plural(s.Files, "file", "files"))
	}
	return nil
}
