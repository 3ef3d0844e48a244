package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/library"
)

const searchLong = `Finds pictures, sounds and videos of the library by what is in them, and by the
words of their names, folders, tags and captions.

The words of a query are read together. "Quoted words" are a part of their own,
-word is what it should not be, 2:word counts twice. Before the first word that
begins with - stands --. Conditions: type:image, type:audio, type:video,
after:2024-05-01, before:2024-06, place:Berlin, camera:Nikon, path:holidays,
tag:dog, word:dog for what the model saw, size:>1MB, duration:<10s, and like:FILE
for what is near to a file.

The model is the one by which the library was indexed, if none is named.`

const searchExample = `  chiasm search "a dog on the beach"
  chiasm search beach -- -people 2:sunset --image dog.jpg
  chiasm search type:video after:2024 "fireworks"
  chiasm search --audio siren.wav --json`

// search is the verb that asks a library.
func (a *app) search() *cobra.Command {
	v := &searchVerb{app: a}
	cmd := &cobra.Command{
		Use: "search [flags] [--] QUERY...", Short: "Find pictures, sounds and videos of the library", Long: searchLong, Example: searchExample,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			words, err := trailing(cmd.Flags(), args)
			if err != nil {
				return err
			}
			return v.run(cmd.Context(), words)
		},
	}
	v.model, v.library = a.libraryModelFlags(cmd, false), a.libraryFlag(cmd)
	flags := cmd.Flags()
	must(flags.MarkHidden("fast-pictures"))
	must(flags.MarkHidden("truncate"))
	flags.StringArrayVar(&v.images, "image", nil, "a picture to be near to; may be repeated")
	flags.StringArrayVar(&v.audios, "audio", nil, "a sound to be near to; may be repeated")
	flags.StringArrayVar(&v.types, "type", nil, "only these: image, audio or video")
	flags.IntVarP(&v.limit, "limit", "n", 20, "how many hits")
	flags.IntVar(&v.offset, "offset", 0, "how many hits to pass over")
	flags.Float64Var(&v.strictness, "strictness", library.Strictness, "from 0 to 1: how likely a hit has to be meant, where the model is calibrated; 0 shows all")
	flags.BoolVar(&v.noWords, "no-words", false, "leave names, folders, tags and captions out")
	flags.StringVar(&v.rerank, "rerank", "", "a model of chiasm fuse train --task match that puts the first hundred hits in order: see how well it does before, with fuse eval")
	flags.BoolVar(&v.json, "json", false, "one JSON line for each hit")
	complete(cmd, "type", library.Image, library.Audio, library.Video)
	return cmd
}

type searchVerb struct {
	app                   *app
	model                 *modelFlags
	library               *libraryFlags
	images, audios, types []string
	limit, offset         int
	strictness            float64
	noWords, json         bool
	rerank                string
}

// trailing takes the flags among the arguments after --, which are there for words that begin with one -.
func trailing(flags *pflag.FlagSet, args []string) (words []string, err error) {
	for i := 0; i < len(args); i++ {
		name, value, given := strings.Cut(strings.TrimPrefix(args[i], "--"), "=")
		flag := flags.Lookup(name)
		if !strings.HasPrefix(args[i], "--") || args[i] == "--" {
			words = append(words, args[i])
			continue
		}
		switch {
		case flag == nil:
			return nil, usagef("unknown flag: %s", args[i])
		case given:
		case flag.NoOptDefVal != "":
			value = flag.NoOptDefVal
		default:
			if i++; i == len(args) {
				return nil, usagef("flag needs an argument: --%s", name)
			}
			value = args[i]
		}
		if err := flags.Set(name, value); err != nil {
			return nil, usagef("%v", err)
		}
	}
	return words, nil
}

// query is the arguments as a query.
func (v *searchVerb) query(words []string) (library.Query, error) {
	like := append(v.images[:len(v.images):len(v.images)], v.audios...)
	for _, t := range v.types {
		words = append(words, "type:"+t)
	}
	q, err := library.ParseQuery(strings.Join(words, " "))
	if err != nil {
		return q, usagef("%s", strings.TrimPrefix(err.Error(), "library: "))
	}
	for _, path := range like {
		q.Like = append(q.Like, library.Example{Path: path, Weight: 1})
	}
	switch {
	case len(words)+len(like) == 0:
		return q, usagef("what is to be found? want words, --image or --audio")
	case v.limit < 1:
		return q, usagef("--limit %d: want 1 or more", v.limit)
	case v.offset < 0:
		return q, usagef("--offset %d: want 0 or more", v.offset)
	case !(v.strictness >= 0 && v.strictness <= 1):
		return q, usagef("--strictness %v: want 0 to 1", v.strictness)
	}
	q.Limit, q.Offset, q.Strictness, q.NoWords = v.limit, v.offset, v.strictness, v.noWords
	return q, nil
}

func (v *searchVerb) run(ctx context.Context, args []string) error {
	q, err := v.query(args)
	if err != nil {
		return err
	}
	l, err := v.library.open(library.Options{ReadOnly: true})
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
	if v.rerank != "" {
		ranker, err := v.ranker(ctx)
		if err != nil {
			return err
		}
		defer ranker.Close()
		q.Ranker = ranker
	}
	r, err := l.Search(ctx, m, q)
	if err != nil {
		return err
	}
	if r.Space.State == library.Building {
		v.app.note("not every file has its vectors yet: chiasm index goes on")
	}
	if len(r.Hits) == 0 && r.Cut && v.offset == 0 {
		return v.unlikely(ctx, l, m, q)
	}
	for _, h := range r.Hits {
		if v.json {
			err = v.app.writeJSON(h)
		} else {
			_, err = fmt.Fprintln(v.app.stdout, line(h))
		}
		if err != nil {
			return err
		}
	}
	switch {
	case len(r.Hits) == 0 && v.offset > 0:
		v.app.note("nothing more was found")
	case len(r.Hits) == 0:
		v.app.note("nothing was found")
	case r.More:
		v.app.note("there is more: --offset %d", v.offset+len(r.Hits))
	}
	return nil
}

// unlikely tells of a search that finds nothing that is probably meant, and what is closest, for people: standard output stays empty.
func (v *searchVerb) unlikely(ctx context.Context, l *library.Library, m *chiasm.Model, q library.Query) error {
	v.app.note("nothing that is probably meant was found; --strictness 0 shows what is closest, the first of which are:")
	q.Strictness, q.Limit = 0, min(q.Limit, 3)
	r, err := l.Search(ctx, m, q)
	for _, h := range r.Hits {
		v.app.note("%s", line(h))
	}
	return err
}

// line is a hit for people.
func line(h library.Hit) string {
	score := "     -" // only words found it, or nothing was asked for
	if h.Score != 0 {
		score = fmt.Sprintf("%6.3f", h.Score)
	}
	return score + "  " + clean(h.Path) + moment(h)
}

// moment is when in a sound or a video, for people.
func moment(h library.Hit) string {
	if h.Start == nil || h.End == nil {
		return ""
	}
	return fmt.Sprintf("  %s to %s", clock(*h.Start), clock(*h.End))
}

// clock is a number of seconds as 1:02:03 or 2:03.
func clock(seconds float64) string {
	s := int(seconds)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}
