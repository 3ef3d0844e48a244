package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/chiasm/chiasm"
)

const tokenizeLong = `Shows how a model sees texts: the ids of their tokens, the vocabulary's spelling
of each, and what does not fit into the model any more. Special tokens are
included; nothing is padded or cut.

Texts are arguments, --text, --texts, or - for lines of standard input.`

const tokenizeExample = `  chiasm tokenize "a photo of a cat"
  chiasm tokenize --texts prompts.txt --json`

// tokenize is the verb that shows how a model sees texts.
func (a *app) tokenize() *cobra.Command {
	v := &tokenizeVerb{app: a}
	cmd := &cobra.Command{
		Use: "tokenize [flags] [TEXT...]", Short: "Show how a model sees texts", Long: tokenizeLong, Example: tokenizeExample,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return v.run(cmd.Context(), args) },
	}
	v.model = a.modelFlags(cmd)
	v.texts.flags(cmd.Flags())
	cmd.Flags().BoolVar(&v.json, "json", false, "one JSON line for each text")
	return cmd
}

type tokenizeVerb struct {
	app   *app
	model *modelFlags
	texts textSources
	json  bool
}

// tokenizeLine is a line that --json writes.
type tokenizeLine struct {
	Text      string   `json:"text"`
	IDs       []int32  `json:"ids"`
	Tokens    []string `json:"tokens"`
	Truncated bool     `json:"truncated"`
}

func (v *tokenizeVerb) run(ctx context.Context, args []string) error {
	if err := oneStdin(args, v.texts.usesStdin()); err != nil {
		return err
	}
	for _, arg := range args {
		v.texts = append(v.texts, textSource{arg, arg == "-"})
	}
	if len(v.texts) == 0 {
		return usagef("no text is given")
	}
	m, err := v.app.open(ctx, v.model)
	if err != nil {
		return err
	}
	limit := m.Info().Context
	failed := &failures{app: v.app, what: "text"}
	cut := cutter{model: m, limit: limit}
	first := true
	for text, err := range v.texts.each(v.app.stdin) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		t := m.Tokenize(text)
		failed.of++
		if t.Truncated {
			cut.cut++
			if v.model.truncate == "error" {
				failed.add(&item{name: text, kind: kindText, err: tooLong(len(t.IDs), limit)})
			}
		}
		if v.json {
			err = v.app.writeJSON(tokenizeLine{text, append([]int32{}, t.IDs...), append([]string{}, t.Pieces...), t.Truncated})
		} else {
			if !first {
				fmt.Fprintln(v.app.stdout)
			}
			v.write(text, t, limit)
		}
		if err != nil {
			return err
		}
		if err := v.app.flush(); err != nil {
			return err
		}
		first = false
	}
	if v.model.truncate == "end" && !v.json {
		return nil // each table says it
	}
	if v.model.truncate == "end" {
		cut.report(v.app, "text")
	}
	return failed.err()
}

// tooLong says why a text is refused.
func tooLong(tokens, limit int) error {
	return fmt.Errorf("the text has %d tokens, the model reads %d", tokens, limit)
}

// write shows one text as a table.
func (v *tokenizeVerb) write(text string, t chiasm.Tokens, limit int) {
	fmt.Fprintf(v.app.stdout, "%s\n", clean(text))
	g := &grid{columns: []column{{title: "#", right: true}, {title: "id", right: true}, {title: "token", cut: shorten}, {title: ""}}}
	for i, id := range t.IDs {
		state := ""
		if t.Truncated && i >= limit-1 && i < len(t.IDs)-1 {
			state = "cut"
		}
		g.add(strconv.Itoa(i), strconv.Itoa(int(id)), t.Pieces[i], state)
	}
	g.write(v.app.stdout, v.app.width)
	if t.Truncated {
		fmt.Fprintf(v.app.stdout, "%d tokens, the model reads %d: %d are cut, the last one is kept\n", len(t.IDs), limit, len(t.IDs)-limit)
		return
	}
	fmt.Fprintf(v.app.stdout, "%s of %d\n", plural(len(t.IDs), "token", "tokens"), limit)
}
