package main

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chiasm/chiasm"
)

const embedLong = `Turns texts, pictures and sounds into vectors of one space.

Texts come by --text and --texts, pictures, and sounds if the model hears, as
files, folders with all below them, or patterns; they are told apart by what
they hold. With --kind text the arguments are files of texts, one on each line;
- is standard input: lines of text with --kind text, one picture with --kind
image, one sound with --kind audio. Texts come first, then the arguments, each
in the order given.

A vector hears the beginning of a long sound (chiasm show says how much).
--window 10s cuts sounds into stretches of ten seconds that begin ten seconds
apart, or --hop 5s five, and gives each a vector, with its start and end in
seconds.

Some models of sentences want a prompt before each text, which differs for what
is searched for and what is found. Those that their files name are chosen by
--prompt-name (chiasm show lists them), others are given with --prompt, as
"query: " and "passage: " for multilingual-e5.

Vectors are written as JSON lines, or with -o to a file: .jsonl, .npy (float32
[N, D], the inputs in a FILE.json beside it) or .safetensors (a tensor
"embeddings" [N, D], the inputs in its metadata). A file appears when it is
complete.`

const embedExample = `  chiasm embed --text "a sunset" photos/ > vectors.jsonl
  chiasm embed photos/ -o photos.npy
  cat captions.txt | chiasm embed --kind text - -o captions.safetensors
  chiasm embed --dimensions 256 --texts captions.txt
  chiasm embed -m laion/clap-htsat-unfused --window 10s --hop 5s recordings/
  chiasm embed --prompt-name query --text "who painted the water lilies?"
  chiasm embed --text-model sentence-transformers/clip-ViT-B-32-multilingual-v1 \
      -m openai/clip-vit-base-patch32 --text "zwei Hunde" photos/`

// embed is the verb that turns texts and pictures into vectors.
func (a *app) embed() *cobra.Command {
	v := &embedVerb{app: a}
	cmd := &cobra.Command{
		Use: "embed [flags] [FILE...]", Short: "Turn texts, pictures and sounds into vectors", Long: embedLong, Example: embedExample,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			v.prompt.given = cmd.Flags().Changed("prompt")
			return v.run(cmd.Context(), args)
		},
	}
	v.model = a.modelFlags(cmd)
	v.texts.flags(cmd.Flags())
	flags := cmd.Flags()
	flags.StringVar(&v.prompt.text, "prompt", "", "what stands before each text, in place of the model's default")
	flags.StringVar(&v.prompt.name, "prompt-name", "", "the same, by the name that the model's files give it")
	flags.StringVar(&v.kind, "kind", "", "what arguments and standard input are: image, audio, video or text (default: files are told by what they hold; videos are looked at by models that see them, else heard)")
	flags.StringVarP(&v.output, "output", "o", "", "file to write (default standard output)")
	flags.StringVar(&v.format, "format", "", "jsonl, npy or safetensors (default: from the name of the file)")
	flags.BoolVar(&v.normalize, "normalize", true, "scale vectors to length 1")
	flags.IntVar(&v.dimensions, "dimensions", 0, "keep only the first N values (default: all)")
	flags.IntVar(&v.batch, "batch-size", 0, "inputs at once (default 16 pictures, 8 sounds, 256 texts)")
	flags.DurationVar(&v.window, "window", 0, "cut sounds into stretches of this length, as 10s (default: the beginning, as long as the model hears)")
	flags.DurationVar(&v.hop, "hop", 0, "between the beginnings of stretches (default: the window)")
	flags.BoolVar(&v.json, "json", false, "JSON lines, which is the default")
	complete(cmd, "kind", kindImage, kindAudio, kindVideo, kindText)
	complete(cmd, "format", formats...)
	return cmd
}

type embedVerb struct {
	app                  *app
	model                *modelFlags
	texts                textSources
	kind, output, format string
	normalize, json      bool
	dimensions, batch    int
	window, hop          time.Duration
	prompt               prompt
}

// A prompt is what the flags say of the one before each text.
type prompt struct {
	name, text string
	given      bool // text counts, also if it is empty
}

// find looks a named prompt up, and takes the model's default one where the flags say nothing.
func (p *prompt) find(m *chiasm.Model) error {
	if p.given {
		return nil
	}
	if p.name == "" {
		p.text = m.DefaultPrompt()
		return nil
	}
	prompts := m.Prompts()
	text, ok := prompts[p.name]
	switch {
	case ok:
		p.text = text
	case len(prompts) == 0:
		return usagef("--prompt-name %s: the model's files name no prompts: want --prompt with the text that its card asks for", p.name)
	default:
		return usagef("--prompt-name %s: want one of %s", p.name, strings.Join(slices.Sorted(maps.Keys(prompts)), ", "))
	}
	return nil
}

func (v *embedVerb) check(args []string) error {
	switch {
	case len(v.texts) == 0 && len(args) == 0:
		return usagef("there is nothing to embed: want --text, --texts, files or folders")
	case v.kind != "" && !slices.Contains([]string{kindText, kindImage, kindAudio, kindVideo}, v.kind):
		return usagef("--kind %s: want image, audio, video or text", v.kind)
	case v.kind == kindVideo && slices.Contains(args, "-"):
		return usagef("a video cannot come by standard input: want a file")
	case v.prompt.given && v.prompt.name != "":
		return usagef("--prompt and --prompt-name exclude each other")
	case v.window < 0 || v.hop < 0 || v.window > 0 && v.window < shortest || v.hop > 0 && v.hop < shortest:
		return usagef("--window and --hop: want %v at least", shortest)
	case v.hop > v.window:
		return usagef("--hop %v: want no more than --window", v.hop)
	case v.dimensions < 0:
		return usagef("--dimensions %d: want a positive number", v.dimensions)
	case v.batch < 0:
		return usagef("--batch-size %d: want a positive number", v.batch)
	}
	for _, arg := range args {
		if arg == "-" && v.kind == "" {
			return usagef("what is on standard input? want --kind text, image or audio")
		}
	}
	var err error
	if v.format, err = formatOf(v.output, v.format, v.json); err != nil {
		return err
	}
	return oneStdin(args, v.texts.usesStdin())
}

// shortest is the least time of a stretch of sound.
const shortest = 10 * time.Millisecond

// items gives everything to embed. A text source that cannot be read is an item with an error.
func (v *embedVerb) items(in *inputs, args []string) iter.Seq[*item] {
	return func(yield func(*item) bool) {
		for _, source := range v.texts {
			if !v.lines(source, yield) {
				return
			}
		}
		if v.kind == kindText {
			for _, arg := range args {
				if !v.lines(textSource{arg, true}, yield) {
					return
				}
			}
			return
		}
		in.items(args)(yield)
	}
}

// lines gives the texts of one source.
func (v *embedVerb) lines(source textSource, yield func(*item) bool) bool {
	for text, err := range (textSources{source}).each(v.app.stdin) {
		it := &item{name: text, kind: kindText, err: err}
		if err != nil {
			it.name, it.kind = source.value, kindImage // named as a file is
		}
		if !yield(it) {
			return false
		}
	}
	return true
}

func (v *embedVerb) run(ctx context.Context, args []string) (err error) {
	if err := v.check(args); err != nil {
		return err
	}
	if _, err := v.model.options(); err != nil {
		return err
	}
	out, err := v.app.newSink(v.output, v.format)
	if err != nil {
		return err
	}
	defer out.abort()
	m, err := v.app.open(ctx, v.model)
	if err != nil {
		return err
	}
	if err := v.prompt.find(m); err != nil {
		return err
	}
	space := m.Space()
	if v.dimensions > space.Dimension {
		return usagef("--dimensions %d: the model has %d", v.dimensions, space.Dimension)
	}
	if list := m.Dimensions(); v.dimensions > 0 && len(list) > 0 && !slices.Contains(list, v.dimensions) {
		return usagef("--dimensions %d: the model was trained for %v", v.dimensions, list)
	}
	if v.dimensions > 0 {
		space.Dimension = v.dimensions
	}
	in := v.app.inputs(ctx, m, v.model)
	in.stdin, in.files = v.kind, v.kind
	in.watches = v.kind == "" && v.window == 0 && m.Watches()
	if v.hop == 0 {
		v.hop = v.window
	}
	if err := in.stretches(v.window, v.hop); err != nil {
		return err
	}
	if err := out.begin(space); err != nil {
		return err
	}
	failed := &failures{app: v.app, what: "input"}
	cut := cutter{model: m}
	bar := v.app.progress("embedding", v.total(in, args), inItems)
	defer v.app.done(bar)
	for group := range batches(ctx, v.items(in, args), batchSizes(v.batch)) {
		failed.of += len(group)
		if err := v.answer(ctx, m, group, &cut, out, failed); err != nil {
			return err
		}
		bar.add(len(group))
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := out.commit(); err != nil {
		return err
	}
	v.app.done(bar)
	cut.report(v.app, "text")
	v.app.reportSounds(m, cut.sounds, " (--window gives every stretch a vector)")
	return failed.err()
}

// total is how many items there are, for progress; -1 if nobody will see it, or it cannot be known.
func (v *embedVerb) total(in *inputs, args []string) int64 {
	if !v.app.terminal || v.app.quiet || v.window > 0 || v.texts.usesStdin() || slices.Contains(args, "-") {
		return -1
	}
	n := int64(0)
	for range v.items(in, args) {
		n++
	}
	return n
}

// answer embeds a group, all of one kind, and writes its vectors in order.
func (v *embedVerb) answer(ctx context.Context, m *chiasm.Model, group []*item, cut *cutter, out sink, failed *failures) error {
	truncated := map[*item]bool{}
	for _, it := range group {
		if it.sound.Longer {
			truncated[it] = true
			cut.sounds++
		}
		if it.kind != kindText || it.err != nil {
			continue
		}
		if t := m.TokenizePrompted(v.prompt.text, it.name); t.Truncated {
			if v.model.truncate == "error" {
				it.err = tooLong(len(t.IDs), cut.context())
				continue
			}
			truncated[it] = true
			cut.cut++
		}
	}
	good, _ := split(group)
	vectors, err := v.vectors(ctx, m, good)
	if err != nil {
		return err
	}
	for _, it := range group {
		if it.err != nil {
			err = out.failed(failed.add(it))
		} else {
			err = out.vector(it, v.values(vectors[0]), truncated[it])
			vectors = vectors[1:]
		}
		if err != nil {
			return err
		}
	}
	if v.output == "" {
		return v.app.flush()
	}
	return nil
}

// vectors embeds items of one kind.
func (v *embedVerb) vectors(ctx context.Context, m *chiasm.Model, items []*item) ([]chiasm.Embedding, error) {
	if len(items) == 0 || items[0].kind != kindText {
		return vectors(ctx, m, items)
	}
	texts := make([]string, len(items))
	for i, it := range items {
		texts[i] = it.name
	}
	return m.EmbedPrompted(ctx, v.prompt.text, texts)
}

// values is a vector as the flags want it.
func (v *embedVerb) values(e chiasm.Embedding) []float32 {
	if v.normalize {
		return e.Truncate(v.dimensions).Values
	}
	values := e.Raw()
	if v.dimensions > 0 {
		values = values[:v.dimensions]
	}
	return values
}
