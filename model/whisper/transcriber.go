package whisper

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/chiasm/chiasm/media/audio"
	"github.com/chiasm/chiasm/tensor"
)

// A Transcriber turns sounds into text with a model. It keeps its memory from sound to sound and serves one goroutine at a time.
type Transcriber struct {
	bundle   *Bundle
	opts     Options
	language string // of the sound, once known
	chance   float32

	front   *audio.Whisper
	pass    *tensor.Pass
	decoder *Decoder
	rules   rules
	search  search
	tasks   []*task // one for each window of a batch, used again and again
	zip     zipper
	mel     []float32 // features of a batch
	padded  []float32 // samples of a window and a frame
	heard   []float32 // features of them

	initial, hotwords, prefix []int32 // of the options' texts
	words                     aligner
}

// NewTranscriber makes a Transcriber; nil stands for [Defaults]. It fails if the model doesn't know the language or cannot translate.
func (b *Bundle) NewTranscriber(opts *Options) (*Transcriber, error) {
	t := &Transcriber{bundle: b, opts: Defaults()}
	if opts != nil {
		t.opts = *opts
	}
	o, c := &t.opts, &b.Config
	o.fill()
	o.Language = codeOf(o.Language)
	if !c.Tokens.Multilingual() {
		if o.Language != "" && o.Language != "en" || o.Translate {
			return nil, fmt.Errorf("whisper: the model knows English alone, want language en and no translation, got %q", o.Language)
		}
		t.language, t.chance = "en", 1
	} else if _, ok := c.Tokens.Languages[o.Language]; !ok && o.Language != "" {
		return nil, fmt.Errorf("whisper: the model knows no language %q, want one of %s", o.Language, strings.Join(codes(c.Tokens.Languages), " "))
	}
	t.Forget()
	if int(c.Tokens.Timestamp) >= c.Vocab {
		o.NoTimestamps = true // it has none
	}
	t.front, t.pass, t.decoder = audio.NewWhisper(c.Bands), tensor.NewPass(context.Background(), o.Workers), b.NewDecoder()
	t.padded = make([]float32, t.WindowSamples()+frameSamples)
	t.initial, t.hotwords, t.prefix = t.encode(o.InitialPrompt), t.encode(o.Hotwords), t.encode(o.Prefix)
	t.rules = t.newRules()
	t.search.plan = plan{
		rules: &t.rules, beam: o.Beam, finished: o.finished(), samples: o.BestOf, penalty: float64(o.LengthPenalty),
		context: c.Context, tokens: min(o.MaxTokens, c.Context), workers: o.Workers,
	}
	if o.MaxTokens <= 0 {
		t.search.tokens = c.Context / 2
	}
	return t, nil
}

func codes(languages map[string]int32) []string {
	var out []string
	for code := range languages {
		out = append(out, code)
	}
	slices.Sort(out)
	return out
}

func (t *Transcriber) config() *Config { return &t.bundle.Config }
func (t *Transcriber) tokens() *Tokens { return &t.bundle.Config.Tokens }

// Language is the language that is spoken, with the probability 1 if it was given; without a code as long as it is not known.
func (t *Transcriber) Language() Language { return Language{t.language, t.chance} }

// Forget makes the Transcriber find out the language of the next window, unless the options say it.
func (t *Transcriber) Forget() {
	if t.tokens().Multilingual() {
		if t.language, t.chance = t.opts.Language, 0; t.language != "" {
			t.chance = 1
		}
	}
}

// WindowSamples is how many samples at 16 kHz the model hears at once: 30 seconds for all published ones.
func (t *Transcriber) WindowSamples() int {
	return t.config().Frames * frameStamp * audio.WhisperRate / frameRate
}

// WindowBytes is how much memory each window takes in the decoder that is heard together with others.
func (t *Transcriber) WindowBytes() int {
	c := t.config()
	return 2 * 4 * c.Decoder.Layers * c.Width * (c.Frames + max(t.opts.Beam, t.opts.BestOf)*c.Context)
}

// encode is the ids of a text that goes on, nil for none.
func (t *Transcriber) encode(s string) []int32 {
	if s = strings.TrimSpace(s); s == "" {
		return nil
	}
	return t.bundle.Tokenizer.Encode(" "+s, false).IDs
}

// text is what ids say, without timestamps and other tokens with a meaning.
func (t *Transcriber) text(ids []int32) string {
	said := make([]int32, 0, len(ids))
	for _, id := range ids {
		if id < t.tokens().End {
			said = append(said, id)
		}
	}
	return t.bundle.Tokenizer.Decode(said, false)
}

func (t *Transcriber) newRules() rules {
	o, k := &t.opts, t.tokens()
	r := rules{end: k.End, stamps: k.Timestamp, plain: o.NoTimestamps, latest: k.Timestamp + int32(k.LatestFirst)}
	if o.LatestStart >= 0 {
		r.latest = k.Timestamp + int32(min(math.RoundToEven(float64(o.LatestStart)*stampRate), float64(t.config().Vocab)))
	}
	for _, id := range k.Suppress {
		if id >= k.End || !o.Symbols {
			r.never = append(r.never, id)
		}
	}
	if len(k.Suppress) == 0 && !o.Symbols {
		r.never = t.symbols()
	}
	for _, name := range []string{"startoftranscript", "startofprev", "startoflm", "transcribe", "translate", "nospeech", "nocaptions"} {
		if id, ok := t.bundle.Tokenizer.ID("<|" + name + "|>"); ok {
			r.never = append(r.never, id)
		}
	}
	r.never = append(r.never, o.Suppress...)
	r.never = slices.DeleteFunc(r.never, func(id int32) bool { return id < 0 || int(id) >= t.config().Vocab })
	if o.Blank {
		return r
	}
	if r.first = k.SuppressFirst; len(r.first) == 0 {
		r.first = append(slices.Clone(t.bundle.Tokenizer.Encode(" ", false).IDs), k.End)
	}
	return r
}

// symbols is the tokens for what is written but not spoken, which openai/whisper suppresses, for models whose files don't list them.
func (t *Transcriber) symbols() []int32 {
	const marks, notes = "\"#()*+/:;<=>@[\\]^_`{|}~「」『』", "♩♪♫♬♭♮♯"
	groups := strings.Fields("<< >> <<< >>> -- --- -( -[ (' (\" (( )) ((( ))) [[ ]] {{ }} ♪♪ ♪♪♪")
	var out []int32
	add := func(s string, whole bool) {
		if ids := t.bundle.Tokenizer.Encode(s, false).IDs; len(ids) == 1 || len(ids) > 0 && !whole {
			out = append(out, ids[0])
		}
	}
	add(" -", false)
	add(" '", false)
	for _, s := range append(strings.Split(marks, ""), groups...) {
		add(s, true)
		add(" "+s, true)
	}
	for _, s := range strings.Split(notes, "") { // of which a first part stands for them alone
		add(s, false)
		add(" "+s, false)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// prompt is what the decoder reads before a window, and where in it the window's own part begins.
func (t *Transcriber) prompt(language string, before, prefix []int32) (ids []int32, start int) {
	k := t.tokens()
	half := t.config().Context/2 - 1
	hot := t.hotwords[:min(len(t.hotwords), half)]
	if len(prefix) > 0 {
		hot = nil
	}
	before = before[max(0, len(before)-(half-len(hot))):]
	if len(hot)+len(before) > 0 && k.Previous >= 0 {
		ids = slices.Concat([]int32{k.Previous}, hot, before)
	}
	start = len(ids)
	ids = append(append(ids, k.Start), t.task(language)...)
	if t.opts.NoTimestamps {
		ids = append(ids, k.NoTimestamps)
	} else if len(prefix) > 0 {
		ids = append(ids, k.Timestamp)
	}
	return append(ids, prefix[:min(len(prefix), half)]...), start
}

// task is the tokens that follow the start of the transcript: language and task, for a model that knows several.
func (t *Transcriber) task(language string) []int32 {
	k := t.tokens()
	if !k.Multilingual() {
		return nil
	}
	if t.opts.Translate {
		return []int32{k.Languages[language], k.Translate}
	}
	return []int32{k.Languages[language], k.Transcribe}
}

// features writes the features of a window, [bands, 2·Frames]. Behind its sound, which a frame of silence follows, they are 0, as openai/whisper
// and faster-whisper have it in transcripts; that is not the features of silence.
func (t *Transcriber) features(dst, sound []float32) {
	frames := len(sound) / frameSamples
	clear(t.padded[copy(t.padded, sound[:frames*frameSamples]):][:frameSamples])
	heard := slices.Grow(t.heard[:0], t.front.Bands()*(frames+1))[:t.front.Bands()*(frames+1)]
	t.heard = heard
	t.front.Long(heard, t.padded[:(frames+1)*frameSamples])
	clear(dst)
	for band := range t.front.Bands() {
		copy(dst[band*len(dst)/t.front.Bands():], heard[band*(frames+1):][:frames])
	}
}

// hear listens to windows: the decoder knows them by their numbers.
func (t *Transcriber) hear(ctx context.Context, windows []Window) error {
	c := t.config()
	n := c.Bands * c.Frames * frameStamp
	t.mel = slices.Grow(t.mel[:0], n*len(windows))[:n*len(windows)]
	for i, w := range windows {
		if len(w.Samples) > t.WindowSamples() {
			return fmt.Errorf("whisper: a window has %d samples, want at most %d", len(w.Samples), t.WindowSamples())
		}
		t.features(t.mel[i*n:][:n], w.Samples)
	}
	t.pass.Reset(ctx)
	t.decoder.Hear(t.bundle.Encode(t.pass.Input(t.mel, len(windows), c.Bands, c.Frames*frameStamp)))
	return ended(ctx)
}

// ended is why the context ended, nil if it didn't.
func ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("whisper: %w", err)
	}
	return nil
}
