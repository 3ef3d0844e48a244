package whisper

import "math"

// Options say how sound becomes text. Those of [Defaults] are the defaults of openai/whisper and of faster-whisper, whose names for them
// stand in brackets where they differ.
type Options struct {
	Language     string // of the sound, a code as "en" or "yue", or its English name; empty: the model finds out
	Multilingual bool   // the model finds out for each window by itself
	Translate    bool   // write English instead of what is said (task)

	Beam          int       // hypotheses that are followed at temperature 0; with 1 the likeliest token is taken (beam_size)
	Patience      float32   // with a beam, Beam·Patience finished hypotheses end the search
	BestOf        int       // texts that are drawn at temperatures above 0, of which the likeliest is taken
	LengthPenalty float32   // texts are ranked by log probability / tokens^LengthPenalty
	Temperatures  []float32 // each is tried if the text by the one before fails
	Seed          uint64    // of what is drawn: the same seed gives the same text

	CompressionRatio float32 // a text fails if zlib shrinks it more than so many times; +Inf for any
	LogProb          float32 // or if the mean log probability of its tokens is less; -Inf for any
	NoSpeech         float32 // a text that fails by LogProb is taken for silence if the probability of that is higher; +Inf for none

	InitialPrompt string  // text before the sound, of which the model takes over names and spelling: before the first window of Sequential, before each of Windows
	Hotwords      string  // words put before every window; not if there is a Prefix
	Prefix        string  // how the text begins, which is not written again: of the first window of Sequential, of each of Windows
	Condition     bool    // Sequential gives each window the text before it (condition_on_previous_text)
	ResetAbove    float32 // but not text drawn at a higher temperature (prompt_reset_on_temperature)

	NoTimestamps bool    // text alone (without_timestamps)
	Words        bool    // find the times of words (word_timestamps)
	SkipSilence  float32 // with Words, Sequential skips silence of more seconds before what looks made up, and hears it again; 0 for none (hallucination_silence_threshold)
	LatestStart  float32 // seconds into a window at which the first segment begins at the latest (max_initial_timestamp)
	Symbols      bool    // allow symbols that are not spoken, as ♪ or [ (suppress_tokens without -1)
	Suppress     []int32 // further tokens that are never written
	Blank        bool    // allow texts that are empty or begin with a lone space (suppress_blank=False)
	MaxTokens    int     // of a window; 0 for half of what the decoder can read

	LanguageWindows   int     // windows that are heard to find the language, until one is sure (language_detection_segments)
	LanguageThreshold float32 // the probability at which it is
	Batch             int     // windows that go through the model together
	Workers           int     // threads to compute with; 0 for as many as the process may use
}

// Defaults are options to change.
func Defaults() Options {
	return Options{
		Beam: 5, Patience: 1, BestOf: 5, LengthPenalty: 1,
		Temperatures:     []float32{0, 0.2, 0.4, 0.6, 0.8, 1},
		CompressionRatio: 2.4, LogProb: -1, NoSpeech: 0.6,
		Condition: true, ResetAbove: 0.5,
		LatestStart:     1,
		LanguageWindows: 1, LanguageThreshold: 0.5,
		Batch: 8,
	}
}

// fill puts the least sensible value where there is none.
func (o *Options) fill() {
	o.Beam, o.BestOf, o.Batch = max(o.Beam, 1), max(o.BestOf, 1), max(o.Batch, 1)
	o.LanguageWindows = max(o.LanguageWindows, 1)
	if o.Patience <= 0 {
		o.Patience = 1
	}
	if len(o.Temperatures) == 0 {
		o.Temperatures = []float32{0}
	}
}

// finished is how many finished hypotheses end a search with a beam.
func (o *Options) finished() int {
	return max(1, int(math.RoundToEven(float64(o.Beam)*float64(o.Patience))))
}

// silent tells whether a text is taken for silence: as openai/whisper, a likely text is not, however likely silence is.
func (o *Options) silent(t *text) bool {
	return t.noSpeech > float64(o.NoSpeech) && (math.IsInf(float64(o.LogProb), -1) || t.logProb <= float64(o.LogProb))
}

// fails tells whether a text is worth another try.
func (o *Options) fails(t *text) bool {
	unlikely := t.logProb < float64(o.LogProb)
	if unlikely && t.noSpeech > float64(o.NoSpeech) {
		return false
	}
	return unlikely || t.ratio > float64(o.CompressionRatio)
}
