package whisper

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/token"
)

// A Config is the shape of a model and what its vocabulary means.
type Config struct {
	Width            int
	Encoder, Decoder Layers
	Bands            int // mel bands of a frame of sound
	Frames           int // of a window, behind the encoder, which halves their number
	Context          int // tokens of a text, prompt included
	Vocab            int
	Act              tensor.Activation
	Alignment        []Head // heads of the decoder that listen where the words are, in the order of the file
	Tokens           Tokens
}

// Layers is the shape of the layers of a tower.
type Layers struct{ Layers, Heads, Hidden int }

// A Head is one of the cross-attention heads of the decoder.
type Head struct{ Layer, Head int }

// Tokens are the ids that have a meaning. What a vocabulary lacks is None.
type Tokens struct {
	Start        int32 // of the transcript
	End          int32 // of the text
	Previous     int32 // comes before what was said in the windows before
	NoSpeech     int32
	NoTimestamps int32
	Timestamp    int32 // of 0.00 seconds; each that follows stands for 0.02 seconds more
	Transcribe   int32 // None, like Translate, in models of English alone
	Translate    int32
	Languages    map[string]int32 // by code, as in "en"; none in models of English alone
	// Suppress are never said, SuppressFirst not as the first token.
	Suppress, SuppressFirst []int32
	// LatestFirst is the largest timestamp that the first may be, counted from that of 0.00.
	LatestFirst int
}

// None stands for a token that a vocabulary lacks.
const None int32 = -1

// Multilingual reports whether the model knows languages and tasks.
func (t *Tokens) Multilingual() bool { return len(t.Languages) > 0 }

// ParseConfig reads transformers' config.json of a WhisperForConditionalGeneration. The tokens come from [Config.ReadTokens].
func ParseConfig(data []byte) (*Config, error) {
	file := struct {
		Type          string `json:"model_type"`
		Width         int    `json:"d_model"`
		EncoderLayers int    `json:"encoder_layers"`
		EncoderHeads  int    `json:"encoder_attention_heads"`
		EncoderHidden int    `json:"encoder_ffn_dim"`
		DecoderLayers int    `json:"decoder_layers"`
		DecoderHeads  int    `json:"decoder_attention_heads"`
		DecoderHidden int    `json:"decoder_ffn_dim"`
		Bands         int    `json:"num_mel_bins"`
		Frames        int    `json:"max_source_positions"`
		Context       int    `json:"max_target_positions"`
		Vocab         int    `json:"vocab_size"`
		Act           string `json:"activation_function"`
		Scale         bool   `json:"scale_embedding"`
	}{
		Width: 384, EncoderLayers: 4, EncoderHeads: 6, EncoderHidden: 1536, DecoderLayers: 4, DecoderHeads: 6, DecoderHidden: 1536,
		Bands: 80, Frames: 1500, Context: 448, Vocab: 51865, Act: "gelu",
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("whisper: config.json: %w", err)
	}
	if file.Type != "whisper" {
		return nil, fmt.Errorf("whisper: config.json: model_type is %q, want whisper", file.Type)
	}
	if file.Scale {
		return nil, fmt.Errorf("whisper: config.json: scale_embedding is true, which no published model asks for")
	}
	act, err := nn.Activation(file.Act)
	if err != nil {
		return nil, fmt.Errorf("whisper: config.json: %w", err)
	}
	c := &Config{
		Width: file.Width, Encoder: Layers{file.EncoderLayers, file.EncoderHeads, file.EncoderHidden},
		Decoder: Layers{file.DecoderLayers, file.DecoderHeads, file.DecoderHidden},
		Bands:   file.Bands, Frames: file.Frames, Context: file.Context, Vocab: file.Vocab, Act: act,
	}
	return c, c.Validate()
}

// Validate says what makes c impossible.
func (c *Config) Validate() error {
	for _, f := range []struct {
		name       string
		value, max int
	}{
		{"width", c.Width, 1 << 14}, {"encoder layers", c.Encoder.Layers, 1 << 10}, {"encoder heads", c.Encoder.Heads, 1 << 10},
		{"encoder hidden width", c.Encoder.Hidden, 1 << 17}, {"decoder layers", c.Decoder.Layers, 1 << 10},
		{"decoder heads", c.Decoder.Heads, 1 << 10}, {"decoder hidden width", c.Decoder.Hidden, 1 << 17}, {"mel bands", c.Bands, 1 << 10},
		{"frames", c.Frames, 1 << 16}, {"context", c.Context, 1 << 16}, {"vocabulary", c.Vocab, 1 << 24},
	} {
		if f.value < 1 || f.value > f.max {
			return fmt.Errorf("whisper: config: %s: %d, want 1 to %d", f.name, f.value, f.max)
		}
	}
	if c.Width%c.Encoder.Heads != 0 || c.Width%c.Decoder.Heads != 0 {
		return fmt.Errorf("whisper: config: width %d is not a multiple of %d and of %d heads", c.Width, c.Encoder.Heads, c.Decoder.Heads)
	}
	return nil
}

// hints is what files say about tokens and heads: transformers' generation_config.json and config.json, and CTranslate2's config.json.
type hints struct {
	Suppress      []int32          `json:"suppress_tokens"`
	SuppressFirst []int32          `json:"begin_suppress_tokens"`
	NoTimestamps  *int32           `json:"no_timestamps_token_id"`
	Previous      *int32           `json:"prev_sot_token_id"`
	Languages     map[string]int32 `json:"lang_to_id"`
	Tasks         map[string]int32 `json:"task_to_id"`
	Alignment     [][2]int         `json:"alignment_heads"`
	LatestFirst   *int             `json:"max_initial_timestamp_index"`
	Multilingual  *bool            `json:"is_multilingual"`

	LanguageIDs     []int32 `json:"lang_ids"`
	SuppressIDs     []int32 `json:"suppress_ids"`
	SuppressIDsHead []int32 `json:"suppress_ids_begin"`
}

// multilingual is the least vocabulary of the published models that know languages.
const multilingual = 51865

// ReadTokens finds the tokens that have a meaning and the heads that align: t knows the former by name; the files, generation_config.json
// and config.json of either layout, say the rest, an earlier one before a later one.
func (c *Config) ReadTokens(t *token.Tokenizer, files ...[]byte) error {
	var h hints
	for _, data := range slices.Backward(files) {
		if err := json.Unmarshal(data, &h); err != nil {
			return fmt.Errorf("whisper: config: %w", err)
		}
	}
	id := func(hint *int32, names ...string) int32 {
		if hint != nil {
			return *hint
		}
		for _, name := range names {
			if id, ok := t.ID(name); ok {
				return id
			}
		}
		return None
	}
	w := Tokens{
		Start: id(nil, "<|startoftranscript|>"), End: id(nil, "<|endoftext|>"), Previous: id(h.Previous, "<|startofprev|>"),
		NoSpeech: id(nil, "<|nospeech|>", "<|nocaptions|>"), NoTimestamps: id(h.NoTimestamps, "<|notimestamps|>"),
		Transcribe: None, Translate: None, LatestFirst: 50,
		Suppress: append(h.Suppress, h.SuppressIDs...), SuppressFirst: append(h.SuppressFirst, h.SuppressIDsHead...),
	}
	if h.LatestFirst != nil {
		w.LatestFirst = *h.LatestFirst
	}
	if w.Start < 0 || w.End < 0 || w.NoTimestamps < 0 {
		return fmt.Errorf("whisper: the tokenizer lacks <|startoftranscript|>, <|endoftext|> or <|notimestamps|>")
	}
	w.Timestamp = w.NoTimestamps + 1
	if h.knowsLanguages(c.Vocab) {
		w.Languages = h.languages(t, w.Start)
		transcribe, translate := h.task("transcribe"), h.task("translate")
		w.Transcribe, w.Translate = id(transcribe, "<|transcribe|>"), id(translate, "<|translate|>")
	}
	c.Tokens, c.Alignment = w, h.heads(c.Decoder)
	return c.checkTokens()
}

// knowsLanguages reports whether a model is multilingual: a file says so, or names languages, or the vocabulary is as large.
func (h *hints) knowsLanguages(vocab int) bool {
	if h.Multilingual != nil {
		return *h.Multilingual
	}
	return len(h.Languages) > 0 || len(h.LanguageIDs) > 0 || vocab >= multilingual
}

// languages finds the language tokens: those that a file lists, or all between the start of the transcript and the tasks.
func (h *hints) languages(t *token.Tokenizer, start int32) map[string]int32 {
	found := map[string]int32{}
	add := func(text string, id int32) {
		if code := strings.TrimSuffix(strings.TrimPrefix(text, "<|"), "|>"); len(code)+4 == len(text) {
			found[code] = id
		}
	}
	for text, id := range h.Languages {
		add(text, id)
	}
	for _, id := range h.LanguageIDs {
		if text, ok := t.Token(id); ok {
			add(text, id)
		}
	}
	if last, ok := t.ID("<|translate|>"); ok && len(found) == 0 {
		for id := start + 1; id < last; id++ {
			if text, ok := t.Token(id); ok {
				add(text, id)
			}
		}
	}
	return found
}

func (h *hints) task(name string) *int32 {
	if id, ok := h.Tasks[name]; ok {
		return &id
	}
	return nil
}

// heads is the alignment heads that the model has: distilled ones name heads of their teacher. Without any, all of the upper half of
// the layers are taken, as openai/whisper does.
func (h *hints) heads(l Layers) (heads []Head) {
	for _, at := range h.Alignment {
		if at[0] >= 0 && at[0] < l.Layers && at[1] >= 0 && at[1] < l.Heads {
			heads = append(heads, Head{at[0], at[1]})
		}
	}
	if len(heads) > 0 {
		return heads
	}
	for layer := l.Layers / 2; layer < l.Layers; layer++ {
		for head := range l.Heads {
			heads = append(heads, Head{layer, head})
		}
	}
	return heads
}

// checkTokens sees to it that every token lies in the vocabulary.
func (c *Config) checkTokens() error {
	w := &c.Tokens
	w.Suppress = slices.DeleteFunc(w.Suppress, func(id int32) bool { return id < 0 }) // -1 stood for the usual ones
	ids := slices.Concat([]int32{w.Start, w.End, w.Previous, w.NoSpeech, w.NoTimestamps, w.Transcribe, w.Translate}, w.Suppress, w.SuppressFirst)
	for _, id := range w.Languages {
		ids = append(ids, id)
	}
	for _, id := range ids {
		if id < None || int(id) >= c.Vocab {
			return fmt.Errorf("whisper: config: token %d lies outside the vocabulary of %d", id, c.Vocab)
		}
	}
	if w.LatestFirst < 0 {
		return fmt.Errorf("whisper: config: max_initial_timestamp_index is %d, want 0 or more", w.LatestFirst)
	}
	return nil
}
