package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/chiasm/chiasm/library"
)

const watchLong = `Does what chiasm index does, and again whenever something changes in the
folders, until it is stopped. Everything is looked at now and then, since
notifications get lost and network shares send none.

chiasm serve does so by itself while it runs.`

// watch is the verb that follows folders.
func (a *app) watch() *cobra.Command {
	v := &indexVerb{app: a}
	var every time.Duration
	cmd := &cobra.Command{
		Use: "watch [flags] [PATH...]", Short: "Keep the library up to date", Long: watchLong,
		Example: "  chiasm watch\n  chiasm watch ~/Pictures --every 1m",
		Args:    cobra.ArbitraryArgs,
		RunE:    func(cmd *cobra.Command, args []string) error { return v.watch(cmd.Context(), args, every) },
	}
	v.flags(cmd)
	cmd.Flags().DurationVar(&every, "every", 10*time.Minute, "between looks at everything")
	cmd.Flags().BoolVar(&v.json, "json", false, "a JSON line for each look that found something")
	return cmd
}

func (v *indexVerb) watch(ctx context.Context, args []string, every time.Duration) error {
	if every < time.Second {
		return usagef("--every %v: want a second at least", every)
	}
	l, err := v.library.open(library.Options{})
	if by := (*heldError)(nil); errors.As(err, &by) {
		return by.watched(ctx)
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
	v.o.Paths = args
	first := true
	return l.Watch(ctx, m, library.WatchOptions{IndexOptions: v.o, Every: every, Report: func(s library.Summary, err error) {
		if err != nil && !errors.Is(err, context.Canceled) {
			v.app.say("%v", err)
		}
		if first || s.Added+s.Changed+s.Moved+s.Removed+s.Failed > 0 {
			v.app.summary(s, v.json)
			_ = v.app.flush() // a closed pipe ends the next line
		}
		first = false
	}})
}
