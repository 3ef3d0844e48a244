package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/chiasm/chiasm"
)

const similarityLong = `Compares every text with every picture: the logits that the reference calls
logits_per_image, and the probabilities that follow from them.

--per image, the default, spreads the probability of each picture over the
texts: which text fits it best? --per text spreads that of each text over the
pictures: which picture fits it best?

Pictures are files, folders with all below them, patterns, or - for one picture
on standard input.`

const similarityExample = `  chiasm similarity --text "a sunset over the mountains" sunset.jpg
  chiasm similarity --text "a cat" --text "a dog" photos/
  chiasm similarity --texts captions.txt --per text --json *.jpg`

// What a softmax runs over.
const (
	perImage = "image"
	perText  = "text"
)

// similarity is the verb that compares texts with pictures.
func (a *app) similarity() *cobra.Command {
	v := &similarityVerb{app: a}
	cmd := &cobra.Command{
		Use: "similarity [flags] IMAGE...", Short: "Compare texts with pictures", Long: similarityLong, Example: similarityExample,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return v.run(cmd.Context(), args) },
	}
	v.model = a.modelFlags(cmd)
	v.texts.flags(cmd.Flags())
	cmd.Flags().StringVar(&v.per, "per", perImage, "what the probabilities are spread over the others of: image or text")
	cmd.Flags().BoolVar(&v.json, "json", false, "one JSON object")
	complete(cmd, "per", perImage, perText)
	return cmd
}

type similarityVerb struct {
	app     *app
	model   *modelFlags
	texts   textSources
	per     string
	json    bool
	sigmoid bool // the model gives each pair a probability of its own
}

// similarityAnswer is the object that --json writes.
type similarityAnswer struct {
	Model     string      `json:"model"`
	Images    []string    `json:"images"`
	Texts     []string    `json:"texts"`
	Logits    [][]float32 `json:"logits_per_image"` // [image][text]
	Probs     [][]float32 `json:"probs"`            // [image][text]
	Per       string      `json:"per"`
	Truncated []bool      `json:"truncated,omitempty"`
	Errors    []failure   `json:"errors,omitempty"`
}

func (v *similarityVerb) check(args []string) error {
	switch {
	case v.per != perImage && v.per != perText:
		return usagef("--per %s: want image or text", v.per)
	case len(v.texts) == 0:
		return usagef("no text is given: want --text or --texts")
	case len(args) == 0:
		return usagef("no picture is given")
	}
	return oneStdin(args, v.texts.usesStdin())
}

// oneStdin makes sure that standard input is read once at most.
func oneStdin(args []string, used bool) error {
	for _, arg := range args {
		if arg == "-" {
			if used {
				return usagef("standard input (-) can be read only once")
			}
			used = true
		}
	}
	return nil
}

func (v *similarityVerb) run(ctx context.Context, args []string) error {
	if err := v.check(args); err != nil {
		return err
	}
	if _, err := v.model.options(); err != nil {
		return err
	}
	texts, err := v.texts.all(v.app.stdin)
	if err != nil {
		return err
	}
	if len(texts) == 0 {
		return fmt.Errorf("there is no text in what --texts names")
	}
	m, err := v.app.open(ctx, v.model)
	if err != nil {
		return err
	}
	answer := similarityAnswer{Model: m.Name(), Images: []string{}, Texts: texts, Per: v.per}
	cut := cutter{model: m}
	for _, text := range texts {
		answer.Truncated = append(answer.Truncated, cut.cuts(text))
	}
	textVectors, err := m.EmbedTexts(ctx, texts)
	if err != nil {
		return err
	}
	cut.report(v.app, "text")
	if cut.cut == 0 {
		answer.Truncated = nil
	}
	failed := &failures{app: v.app, what: "image"}
	var pictureVectors []chiasm.Embedding
	bar := v.app.progress("comparing", v.app.count(args), inItems)
	defer v.app.done(bar)
	for group := range batches(ctx, v.app.reading(pictures(args, v.app.stdin), m, v.model), upTo(imageBatch)) {
		failed.of += len(group)
		good, bad := split(group)
		for _, it := range bad {
			answer.Errors = append(answer.Errors, failed.add(it))
		}
		vectors, err := m.EmbedImages(ctx, images(good))
		if err != nil {
			return err
		}
		for _, it := range good {
			answer.Images = append(answer.Images, it.name)
		}
		pictureVectors = append(pictureVectors, vectors...)
		bar.add(len(group))
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	scores := m.Score(textVectors, pictureVectors)
	v.sigmoid = scores.Sigmoid
	answer.Logits, answer.Probs = scores.Logits, scores.PerImage()
	if v.per == perText {
		answer.Probs = scores.PerText()
	}
	v.app.done(bar)
	if err := v.write(&answer); err != nil {
		return err
	}
	return failed.err()
}

// imageBatch is how many pictures go through a model together where nobody says otherwise.
const imageBatch = 16

// split tells items that can be answered from those that failed.
func split(group []*item) (good, bad []*item) {
	for _, it := range group {
		if it.err != nil {
			bad = append(bad, it)
		} else {
			good = append(good, it)
		}
	}
	return good, bad
}

func (v *similarityVerb) write(answer *similarityAnswer) error {
	if v.json {
		return v.app.writeJSON(answer)
	}
	switch {
	case len(answer.Images) == 0:
	case len(answer.Images) == 1 && len(answer.Texts) == 1:
		v.writeOne(answer)
	default:
		v.writeTable(answer)
	}
	return nil
}

// writeJSON writes one value and a newline.
func (a *app) writeJSON(value any) error { return encode(a.stdout, value) }

// writeOne says what there is to say of one text and one picture.
func (v *similarityVerb) writeOne(answer *similarityAnswer) {
	fmt.Fprintf(v.app.stdout, "%s  %s\n", clean(answer.Images[0]), clean(answer.Texts[0]))
	alone := ""
	if !v.sigmoid {
		alone = " (there is nothing else to choose from)"
	}
	fmt.Fprintf(v.app.stdout, "logit %.4f  probability %.2f%%%s\n", answer.Logits[0][0], 100*answer.Probs[0][0], alone)
}

// writeTable writes pictures as rows and texts as columns, or the other way round where that fits better, or else a list of pairs.
func (v *similarityVerb) writeTable(answer *similarityAnswer) {
	cell := func(image, text int) string {
		return fmt.Sprintf("%6.2f%% %8.4f", 100*answer.Probs[image][text], answer.Logits[image][text])
	}
	const cellWidth, most = 16, 6
	fits := func(n int) bool {
		if v.app.width == 0 {
			return n <= most
		}
		return 16+n*(len(gap)+cellWidth) <= v.app.width
	}
	t := &grid{}
	switch rows, columns := len(answer.Images), len(answer.Texts); {
	case fits(columns):
		t.head("image", shortenPath, answer.Texts, shorten, cellWidth)
		for i, name := range answer.Images {
			row := []string{name}
			for j := range columns {
				row = append(row, cell(i, j))
			}
			t.add(row...)
		}
	case fits(rows):
		t.head("text", shorten, answer.Images, shortenPath, cellWidth)
		for j, text := range answer.Texts {
			row := []string{text}
			for i := range rows {
				row = append(row, cell(i, j))
			}
			t.add(row...)
		}
	default:
		v.pairs(t, answer)
	}
	t.write(v.app.stdout, v.app.width)
	fmt.Fprintf(v.app.stdout, "(probability over the %ss, and logit)\n", other(v.per))
}

// other is what the probabilities of a picture or text are spread over.
func other(per string) string {
	if per == perImage {
		return perText
	}
	return perImage
}

// head makes the columns of a grid.
func (t *grid) head(first string, firstCut func(string, int) string, others []string, cut func(string, int) string, width int) {
	t.columns = append(t.columns, column{title: first, cut: firstCut})
	for _, o := range others {
		t.columns = append(t.columns, column{title: cut(clean(o), width), right: true})
	}
}

// pairs lists every pair, the best first within each picture, or within each text.
func (v *similarityVerb) pairs(t *grid, answer *similarityAnswer) {
	t.columns = []column{{title: "image", cut: shortenPath}, {title: "prob", right: true}, {title: "logit", right: true}, {title: "text", cut: shorten}}
	type pair struct{ image, text int }
	var all []pair
	for i := range answer.Images {
		for j := range answer.Texts {
			all = append(all, pair{i, j})
		}
	}
	group := func(p pair) int { return p.image }
	if v.per == perText {
		group = func(p pair) int { return p.text }
	}
	slices.SortStableFunc(all, func(p, q pair) int {
		if d := group(p) - group(q); d != 0 {
			return d
		}
		switch x, y := answer.Logits[p.image][p.text], answer.Logits[q.image][q.text]; {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	for _, p := range all {
		t.add(answer.Images[p.image], fmt.Sprintf("%.2f%%", 100*answer.Probs[p.image][p.text]),
			fmt.Sprintf("%.4f", answer.Logits[p.image][p.text]), answer.Texts[p.text])
	}
}
