package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/chiasm/chiasm"
)

const similarityLong = `Compares every text with every picture, or every sound if the model hears: the
logits that the reference calls logits_per_image or logits_per_audio, and the
probabilities that follow from them.

--per image (or audio), the default, spreads the probability of each picture or
sound over the texts: which text fits it best? --per text spreads that of each
text over the pictures and sounds: which of them fits it best?

Pictures and sounds are files, folders with all below them, patterns, or - for
one on standard input. They are told apart by what they hold. Of a long sound
the model hears the beginning; see chiasm show.`

const similarityExample = `  chiasm similarity --text "a sunset over the mountains" sunset.jpg
  chiasm similarity --text "a cat" --text "a dog" photos/
  chiasm similarity --texts captions.txt --per text --json *.jpg
  chiasm similarity -m laion/clap-htsat-unfused --text "a dog barks" yard.wav`

// What a softmax runs over.
const (
	perImage = "image"
	perAudio = "audio" // the same, by the name that fits sounds
	perText  = "text"
)

// similarity is the verb that compares texts with pictures.
func (a *app) similarity() *cobra.Command {
	v := &similarityVerb{app: a}
	cmd := &cobra.Command{
		Use: "similarity [flags] FILE...", Short: "Compare texts with pictures and sounds", Long: similarityLong, Example: similarityExample,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return v.run(cmd.Context(), args) },
	}
	v.model = a.modelFlags(cmd)
	v.texts.flags(cmd.Flags())
	cmd.Flags().StringVar(&v.per, "per", perImage, "what the probabilities are spread over the others of: image, audio or text")
	stdinFlag(cmd, &v.stdin)
	cmd.Flags().BoolVar(&v.json, "json", false, "one JSON object")
	complete(cmd, "per", perImage, perAudio, perText)
	return cmd
}

type similarityVerb struct {
	app     *app
	model   *modelFlags
	texts   textSources
	per     string
	stdin   string // the kind of what is on standard input
	json    bool
	sigmoid bool // the model gives each pair a probability of its own
}

// similarityAnswer is the object that --json writes.
type similarityAnswer struct {
	Model     string      `json:"model"`
	Images    []string    `json:"images,omitzero"`
	Sounds    []string    `json:"sounds,omitempty"`
	Texts     []string    `json:"texts"`
	PerImage  [][]float32 `json:"logits_per_image,omitzero"`  // [image][text]
	PerAudio  [][]float32 `json:"logits_per_audio,omitempty"` // [sound][text]
	Probs     [][]float32 `json:"probs"`                      // [image, then sound][text]
	Per       string      `json:"per"`
	Truncated []bool      `json:"truncated,omitempty"`        // of the texts
	Parts     []bool      `json:"truncated_sounds,omitempty"` // the sound is longer than what was heard of it
	Errors    []failure   `json:"errors,omitempty"`
}

// names are those of the rows.
func (a *similarityAnswer) names() []string { return slices.Concat(a.Images, a.Sounds) }

// logits has a row for each.
func (a *similarityAnswer) logits() [][]float32 { return slices.Concat(a.PerImage, a.PerAudio) }

func (v *similarityVerb) check(args []string) error {
	switch {
	case v.per != perImage && v.per != perAudio && v.per != perText:
		return usagef("--per %s: want image, audio or text", v.per)
	case len(v.texts) == 0:
		return usagef("no text is given: want --text or --texts")
	case len(args) == 0:
		return usagef("no picture or sound is given")
	}
	if err := stdinKind(v.stdin); err != nil {
		return err
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
	answer := similarityAnswer{Model: m.Name(), Texts: texts, Per: v.per}
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
	in := v.app.inputs(ctx, m, v.model)
	in.stdin = v.stdin
	vectors, failed, err := v.embed(ctx, in, args, &answer)
	if err != nil {
		return err
	}
	n := len(answer.Images) // sounds come after
	scores := m.Score(textVectors, vectors[:n])
	scores.Logits = append(scores.Logits, m.ScoreAudio(textVectors, vectors[n:]).Logits...)
	v.score(scores, &answer)
	if err := v.write(&answer); err != nil {
		return err
	}
	return failed.err()
}

// embed gives the vectors of the pictures, then of the sounds, and puts their names into the answer.
func (v *similarityVerb) embed(ctx context.Context, in *inputs, args []string, answer *similarityAnswer) ([]chiasm.Embedding, *failures, error) {
	failed := &failures{app: v.app, what: in.what()}
	var pictures, sounds []chiasm.Embedding
	longer := 0
	bar := v.app.progress("comparing", v.app.count(in, args), inItems)
	defer v.app.done(bar)
	for group := range batches(ctx, in.items(args), batchSizes(0)) {
		failed.of += len(group)
		good, bad := split(group)
		for _, it := range bad {
			answer.Errors = append(answer.Errors, failed.add(it))
		}
		vectors, err := vectors(ctx, in.model, good)
		if err != nil {
			return nil, nil, err
		}
		for i, it := range good {
			if it.kind == kindImage {
				answer.Images, pictures = append(answer.Images, it.name), append(pictures, vectors[i])
				continue
			}
			answer.Sounds, sounds = append(answer.Sounds, it.name), append(sounds, vectors[i])
			answer.Parts = append(answer.Parts, it.sound.Longer)
			if it.sound.Longer {
				longer++
			}
		}
		bar.add(len(group))
	}
	v.app.done(bar)
	v.app.reportSounds(in.model, longer, "")
	if longer == 0 {
		answer.Parts = nil
	}
	return append(pictures, sounds...), failed, ctx.Err()
}

// score puts logits and probabilities into the answer.
func (v *similarityVerb) score(scores *chiasm.Scores, answer *similarityAnswer) {
	v.sigmoid = scores.Sigmoid
	n := len(answer.Images)
	if n > 0 || len(answer.Sounds) == 0 {
		answer.Images = append([]string{}, answer.Images...)
		answer.PerImage = append([][]float32{}, scores.Logits[:n]...)
	} else if v.per == perImage {
		answer.Per = perAudio
	}
	answer.PerAudio = scores.Logits[n:]
	if v.per == perText {
		answer.Probs = scores.PerText()
	} else {
		answer.Probs = scores.PerImage()
	}
}

func (v *similarityVerb) write(answer *similarityAnswer) error {
	if v.json {
		return v.app.writeJSON(answer)
	}
	switch {
	case len(answer.names()) == 0:
	case len(answer.names()) == 1 && len(answer.Texts) == 1:
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
	fmt.Fprintf(v.app.stdout, "%s  %s\n", clean(answer.names()[0]), clean(answer.Texts[0]))
	alone := ""
	if !v.sigmoid {
		alone = " (there is nothing else to choose from)"
	}
	fmt.Fprintf(v.app.stdout, "logit %.4f  probability %.2f%%%s\n", answer.logits()[0][0], 100*answer.Probs[0][0], alone)
}

// writeTable writes pictures and sounds as rows and texts as columns, or the other way round where that fits better, or else a list of pairs.
func (v *similarityVerb) writeTable(answer *similarityAnswer) {
	names, logits := answer.names(), answer.logits()
	cell := func(image, text int) string {
		return fmt.Sprintf("%6.2f%% %8.4f", 100*answer.Probs[image][text], logits[image][text])
	}
	const cellWidth, most = 16, 6
	fits := func(n int) bool {
		if v.app.width == 0 {
			return n <= most
		}
		return 16+n*(len(gap)+cellWidth) <= v.app.width
	}
	t := &grid{}
	switch rows, columns := len(names), len(answer.Texts); {
	case fits(columns):
		t.head(answer.row(), shortenPath, answer.Texts, shorten, cellWidth)
		for i, name := range names {
			row := []string{name}
			for j := range columns {
				row = append(row, cell(i, j))
			}
			t.add(row...)
		}
	case fits(rows):
		t.head("text", shorten, names, shortenPath, cellWidth)
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
	fmt.Fprintf(v.app.stdout, "(probability over the %s, and logit)\n", answer.others())
}

// row is what a row is called.
func (a *similarityAnswer) row() string {
	switch {
	case len(a.Sounds) == 0:
		return "image"
	case len(a.Images) == 0:
		return "sound"
	}
	return "file"
}

// others is what the probabilities are spread over.
func (a *similarityAnswer) others() string {
	if a.Per == perText {
		return a.row() + "s"
	}
	return "texts"
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
	t.columns = []column{{title: answer.row(), cut: shortenPath}, {title: "prob", right: true}, {title: "logit", right: true}, {title: "text", cut: shorten}}
	type pair struct{ image, text int }
	var all []pair
	names, logits := answer.names(), answer.logits()
	for i := range names {
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
		switch x, y := logits[p.image][p.text], logits[q.image][q.text]; {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	for _, p := range all {
		t.add(names[p.image], fmt.Sprintf("%.2f%%", 100*answer.Probs[p.image][p.text]),
			fmt.Sprintf("%.4f", logits[p.image][p.text]), answer.Texts[p.text])
	}
}
