package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/study"
)

const classifyLong = `Sorts pictures and sounds into labels that the model was never trained on.

Every label is put into every template, and the mean of their directions stands
for the label. Without a template the label is taken as it is.

--labels takes names separated by commas, or @FILE with one on each line (or a
JSON array of strings). --templates imagenet is the 80 prompts that CLIP's
authors evaluated with, imagenet-simple the 7 that they found to be enough.

--head takes the labels from examples instead: it is the folder that "chiasm
train --model.way probe" or "cache" left, and the model is the one it learnt on.

Pictures, and sounds if the model hears, are files, folders with all below them,
patterns, or - for one on standard input. They are told apart by what they hold.`

const classifyExample = `  chiasm classify --labels cat,dog,bird photos/
  chiasm classify --labels @labels.txt --template "a photo of a {}" --top 1 *.jpg
  chiasm classify --labels @labels.txt --templates imagenet --json photos/
  chiasm classify -m laion/clap-htsat-unfused --labels @sounds.txt --template "This is a sound of {}." yard/
  chiasm classify --head runs/leaves photos/`

// classify is the verb that sorts pictures into labels.
func (a *app) classify() *cobra.Command {
	v := &classifyVerb{app: a}
	cmd := &cobra.Command{
		Use: "classify [flags] FILE...", Short: "Sort pictures and sounds into labels of your own", Long: classifyLong, Example: classifyExample,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return v.run(cmd.Context(), args) },
	}
	v.model = a.modelFlags(cmd)
	flags := cmd.Flags()
	flags.StringArrayVarP(&v.labels, "labels", "l", nil, "labels separated by commas, or @FILE; repeats")
	flags.StringVar(&v.head, "head", "", "folder of a training by probe or cache, whose classes are the labels")
	flags.StringArrayVar(&v.template, "template", nil, `prompt with {} where the label goes, as "a photo of a {}"; repeats`)
	flags.StringVar(&v.templates, "templates", "", "published prompts: "+strings.Join(chiasm.TemplateNames, " or "))
	flags.IntVarP(&v.top, "top", "k", 5, "how many labels to show, the best first (0: all)")
	flags.IntVar(&v.batch, "batch-size", 0, "inputs at once (default 16 pictures, 8 sounds)")
	flags.BoolVar(&v.json, "json", false, "one JSON line for each input")
	stdinFlag(cmd, &v.stdin)
	complete(cmd, "templates", chiasm.TemplateNames...)
	return cmd
}

type classifyVerb struct {
	app              *app
	model            *modelFlags
	labels, template []string
	templates, stdin string
	head             string
	top, batch       int
	json             bool
}

// classifyLine is a line that --json writes.
type classifyLine struct {
	Image  string      `json:"image,omitempty"`
	Sound  string      `json:"sound,omitempty"`
	Labels []labelJSON `json:"labels"`
	Cut    bool        `json:"truncated,omitempty"` // the sound is longer than what was heard of it
}

type labelJSON struct {
	Label string  `json:"label"`
	Prob  float32 `json:"prob"`
}

// classifyFailure is classifyLine for an input that got no answer.
type classifyFailure struct {
	Image string `json:"image,omitempty"`
	Sound string `json:"sound,omitempty"`
	Error string `json:"error"`
}

func (v *classifyVerb) check(args []string) error {
	switch {
	case v.head != "" && len(v.labels)+len(v.template)+len(v.templates) > 0:
		return usagef("--head has learnt its labels: want no --labels, --template or --templates beside it")
	case v.head == "" && len(v.labels) == 0:
		return usagef("no labels are given: want --labels a,b,c, --labels @FILE or --head FOLDER")
	case len(args) == 0:
		return usagef("no picture or sound is given")
	case v.top < 0:
		return usagef("--top %d: want a positive number, or 0 for all", v.top)
	case v.batch < 0:
		return usagef("--batch-size %d: want a positive number", v.batch)
	}
	for _, t := range v.template {
		if !strings.Contains(t, "{}") {
			return usagef("--template %q has no {} for the label", t)
		}
	}
	if v.templates != "" {
		set, err := chiasm.Templates(v.templates)
		if err != nil {
			return &usageError{err}
		}
		v.template = append(v.template, set...)
	}
	if err := stdinKind(v.stdin); err != nil {
		return err
	}
	stdin := false
	for _, l := range v.labels {
		stdin = stdin || l == "@-"
	}
	return oneStdin(args, stdin)
}

// readLabels collects what --labels names.
func (a *app) readLabels(values []string) (labels []string, err error) {
	for _, value := range values {
		if file, ok := strings.CutPrefix(value, "@"); ok {
			for label, err := range readTexts(file, a.stdin) {
				if err != nil {
					return nil, err
				}
				labels = append(labels, strings.TrimSpace(label))
			}
			continue
		}
		for label := range strings.SplitSeq(value, ",") {
			if label = strings.TrimSpace(label); label != "" {
				labels = append(labels, label)
			}
		}
	}
	if len(labels) == 0 {
		return nil, usagef("--labels names none: want a,b,c or @FILE with one on each line")
	}
	return labels, nil
}

func (v *classifyVerb) run(ctx context.Context, args []string) error {
	if err := v.check(args); err != nil {
		return err
	}
	m, c, err := v.ready(ctx)
	if err != nil {
		return err
	}
	in := v.app.inputs(ctx, m, v.model)
	in.stdin = v.stdin
	failed := &failures{app: v.app, what: in.what()}
	longer := 0
	bar := v.app.progress("classifying", v.app.count(in, args), inItems)
	defer v.app.done(bar)
	for group := range batches(ctx, in.items(args), batchSizes(v.batch)) {
		failed.of += len(group)
		for _, it := range group {
			if it.sound.Longer {
				longer++
			}
		}
		if err := v.answer(ctx, c, group, failed); err != nil {
			return err
		}
		bar.add(len(group))
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	v.app.done(bar)
	v.app.reportSounds(m, longer, "")
	return failed.err()
}

// ready opens the model and makes the classifier.
func (v *classifyVerb) ready(ctx context.Context) (*chiasm.Model, *chiasm.Classifier, error) {
	if v.head != "" {
		h, err := study.OpenHead(v.head)
		if err != nil {
			return nil, nil, err
		}
		v.model.name = cmp.Or(v.model.name, h.Model)
		m, err := v.app.open(ctx, v.model)
		if err != nil {
			return nil, nil, err
		}
		c, err := h.Classifier(m)
		return m, c, err
	}
	if _, err := v.model.options(); err != nil {
		return nil, nil, err
	}
	labels, err := v.app.readLabels(v.labels)
	if err != nil {
		return nil, nil, err
	}
	m, err := v.app.open(ctx, v.model)
	if err != nil {
		return nil, nil, err
	}
	c, err := v.prepare(ctx, m, labels)
	return m, c, err
}

// prepare embeds the labels.
func (v *classifyVerb) prepare(ctx context.Context, m *chiasm.Model, labels []string) (*chiasm.Classifier, error) {
	cut := cutter{model: m}
	for _, label := range labels {
		for _, t := range v.template {
			cut.cuts(strings.ReplaceAll(t, "{}", label))
		}
		if len(v.template) == 0 {
			cut.cuts(label)
		}
	}
	bar := v.app.progress(fmt.Sprintf("preparing %s", plural(len(labels), "label", "labels")), -1, inItems)
	defer v.app.done(bar)
	stop := bar.pulse()
	defer stop()
	c, err := m.Classifier(ctx, labels, v.template)
	if err != nil {
		return nil, err
	}
	stop()
	v.app.done(bar)
	cut.report(v.app, "prompt")
	return c, nil
}

// answer classifies a group and writes its lines in order.
func (v *classifyVerb) answer(ctx context.Context, c *chiasm.Classifier, group []*item, failed *failures) error {
	good, _ := split(group)
	var answers [][]chiasm.Label
	var err error
	switch {
	case len(good) == 0:
	case group[0].kind == kindAudio:
		answers, err = c.ClassifyAudio(ctx, hearing(good), v.top)
	default:
		answers, err = c.Classify(ctx, images(good), v.top)
	}
	if err != nil {
		return err
	}
	for _, it := range group {
		if it.err != nil {
			f := failed.add(it)
			if v.json {
				line := classifyFailure{Image: f.Input, Error: f.Error}
				if it.kind == kindAudio {
					line.Image, line.Sound = "", f.Input
				}
				err = v.app.writeJSON(line)
			}
		} else {
			err = v.write(it, answers[0])
			answers = answers[1:]
		}
		if err != nil {
			return err
		}
	}
	return v.app.flush()
}

func (v *classifyVerb) write(it *item, labels []chiasm.Label) error {
	if v.json {
		line := classifyLine{Image: it.name, Labels: []labelJSON{}, Cut: it.sound.Longer}
		if it.kind == kindAudio {
			line.Image, line.Sound = "", it.name
		}
		for _, l := range labels {
			line.Labels = append(line.Labels, labelJSON{l.Name, l.Prob})
		}
		return v.app.writeJSON(line)
	}
	fmt.Fprintln(v.app.stdout, clean(it.name))
	for _, l := range labels {
		fmt.Fprintf(v.app.stdout, "%8.2f%%  %s\n", 100*l.Prob, clean(l.Name))
	}
	return nil
}

// flush brings what is written so far to its reader. The bar makes room, since both may be one terminal.
func (a *app) flush() error {
	a.bar.clear()
	return a.stdout.Flush()
}

// count is how many inputs the arguments name, for progress; -1 if nobody will see it, or it cannot be known.
func (a *app) count(in *inputs, args []string) int64 {
	if !a.terminal || a.quiet || slices.Contains(args, "-") {
		return -1
	}
	n := int64(0)
	for range in.items(args) {
		n++
	}
	return n
}
