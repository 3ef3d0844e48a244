package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chiasm/chiasm/library"
)

const duplicatesLong = `Groups files of the library that are the same in every byte and, with --near,
pictures that look nearly the same; with --bursts pictures that were taken within half a
minute of one another and look alike. The first of each group is the one that
would be kept: the largest picture, then the oldest file. One file by several names,
as links give it, is no duplicate.

Nothing is deleted but with --delete, and then only after a yes, which is asked
for once for all groups, or given by --yes. Near duplicates are deleted only
where --near is given too, those of bursts where --bursts is. What has changed since
it was indexed stays, with all of its group if it is the one to keep. Links elsewhere
that lead to a deleted file lead nowhere then.`

// duplicates is the verb that finds files that are there twice.
func (a *app) duplicates() *cobra.Command {
	v := &duplicatesVerb{app: a}
	cmd := &cobra.Command{
		Use: "duplicates [flags]", Short: "Find files of the library that are there twice", Long: duplicatesLong,
		Example: "  chiasm duplicates\n  chiasm duplicates --near 0.97 --json\n  chiasm duplicates --bursts\n  chiasm duplicates --delete",
		RunE:    func(cmd *cobra.Command, _ []string) error { return v.run(cmd.Context()) },
	}
	v.library = a.libraryFlag(cmd)
	flags := cmd.Flags()
	flags.Float64Var(&v.near, "near", 0, "also pictures that are this near, as 0.97 (default: equal files only)")
	flags.BoolVar(&v.bursts, "bursts", false, "instead, pictures taken soon after one another that look alike; --near says how much, 0.9 without")
	flags.BoolVar(&v.delete, "delete", false, "delete all of each group but the first, after asking")
	flags.BoolVar(&v.yes, "yes", false, "do not ask")
	flags.BoolVar(&v.json, "json", false, "one JSON line for each group")
	return cmd
}

type duplicatesVerb struct {
	app               *app
	library           *libraryFlags
	near              float64
	delete, yes, json bool
	bursts            bool
}

func (v *duplicatesVerb) run(ctx context.Context) error {
	if v.near < 0 || v.near > 1 {
		return usagef("--near %v: want a cosine from 0 to 1", v.near)
	}
	l, err := v.library.open(library.Options{ReadOnly: !v.delete})
	if err != nil {
		return err
	}
	defer l.Close()
	var groups []library.Group
	if v.bursts {
		groups, err = l.Bursts(ctx, library.BurstOptions{Least: v.near})
	} else {
		bar := v.app.progress("comparing", -1, "pictures")
		groups, err = l.Duplicates(ctx, library.DuplicateOptions{Least: v.near, Progress: func(done, total int) { bar.set("comparing", int64(done), int64(total)) }})
		v.app.done(bar)
	}
	if err != nil {
		return err
	}
	var bytes int64
	gone := 0
	for _, g := range groups {
		for _, it := range g.Same {
			gone, bytes = gone+1, bytes+it.Size
		}
		if v.json {
			if err := v.app.writeJSON(g); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(v.app.stdout, "keep  %s\n", clean(g.Keep.Path))
		for _, it := range g.Same {
			what := "near"
			if g.Exact {
				what = "same"
			}
			fmt.Fprintf(v.app.stdout, "%s  %s\n", what, clean(it.Path))
		}
		fmt.Fprintln(v.app.stdout)
	}
	if err := v.app.flush(); err != nil {
		return err
	}
	if gone == 0 {
		v.app.note("there are no duplicates")
		return nil
	}
	v.app.note("%s beside those that would be kept, %.1f MB", plural(gone, "file", "files"), float64(bytes)/1e6)
	if !v.delete {
		return nil
	}
	if !v.yes {
		v.app.say("delete %s for good? yes or no", plural(gone, "file", "files"))
		answer, _ := bufio.NewReader(v.app.stdin).ReadString('\n') // no answer is none
		if strings.TrimSpace(strings.ToLower(answer)) != "yes" {
			return fmt.Errorf("nothing was deleted: want the answer yes")
		}
	}
	return l.DeleteSame(ctx, groups)
}
