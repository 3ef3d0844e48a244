package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/media/audio"
)

const transcribeLong = `Writes down what is said in sounds and videos, by a Whisper model.

Arguments are files, folders with all sounds below them, patterns, or - for a
sound on standard input. WAV, AIFF, FLAC and MP3 are read here; Ogg, Opus, AAC,
M4A, WebM and videos by the program ffmpeg, if it is installed.

Speech is found first, and windows of up to 30 seconds of it are heard together;
--sequential goes through the sound window after window, as openai/whisper does.

The text is written to standard output as it is found. With --output-dir, a file
for each sound and --format appears there when it is complete.`

const transcribeExample = `  chiasm transcribe --model base talk.mp3
  chiasm transcribe -m large-v3-turbo --language fr --format srt,json -o out/ films/
  chiasm transcribe -m ./faster-whisper-small --words --max-line-width 42 --max-line-count 2 -f vtt talk.wav
  ffmpeg -i http://example.org/stream -f wav - | chiasm transcribe -m base -`

// transcribe is the verb that writes down what is said.
func (a *app) transcribe() *cobra.Command {
	v := &transcribeVerb{app: a, opts: chiasm.TranscribeDefaults()}
	cmd := &cobra.Command{
		Use: "transcribe [flags] SOUND...", Short: "Write down what is said in sounds and videos", Long: transcribeLong, Example: transcribeExample,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return v.run(cmd.Context(), args) },
	}
	v.model = a.anyModelFlags(cmd)
	flags, o := cmd.Flags(), &v.opts
	flags.StringVarP(&o.Language, "language", "l", "", "what is spoken, a code such as fr or a name such as French (default: the model finds out)")
	flags.BoolVar(&o.Multilingual, "multilingual", false, "the language may change from window to window")
	flags.StringVar(&v.task, "task", "transcribe", "transcribe, or translate into English")
	flags.BoolVar(&o.Translate, "translate", false, "the same as --task translate")
	flags.StringSliceVarP(&v.formats, "format", "f", nil, "text, srt, vtt, tsv, json or all; several need --output-dir (default text)")
	flags.StringVarP(&v.folder, "output-dir", "o", "", "write a file for each sound and format into this folder")
	flags.BoolVar(&v.json, "json", false, "one JSON object on a line for each sound")
	flags.BoolVar(&o.Words, "words", false, "find the times of words")
	flags.BoolVar(&o.NoTimestamps, "without-timestamps", false, "text alone, of each window in one piece")
	flags.IntVar(&v.subtitles.LineWidth, "max-line-width", 0, "characters of a line of subtitles (default: any; finds the times of words)")
	flags.IntVar(&v.subtitles.Lines, "max-line-count", 0, "lines of a subtitle (default: any; finds the times of words)")
	flags.IntVar(&v.subtitles.LineWords, "max-words-per-line", 0, "words of a subtitle (default: any; finds the times of words)")
	flags.BoolVar(&v.subtitles.Highlight, "highlight-words", false, "underline each word of subtitles while it is spoken")
	flags.IntVar(&o.Beam, "beam-size", o.Beam, "hypotheses that are followed; 1 takes the likeliest token")
	flags.Float32Var(&o.Patience, "patience", o.Patience, "how long the search goes on, in beams")
	flags.IntVar(&o.BestOf, "best-of", o.BestOf, "texts that are drawn at temperatures above 0")
	flags.Float32Var(&v.temperature, "temperature", 0, "that is tried first; doubtful texts are tried again at higher ones, in steps of 0.2")
	flags.BoolVar(&v.once, "no-fallback", false, "try no higher temperature")
	flags.Float32Var(&o.CompressionRatio, "compression-ratio-threshold", o.CompressionRatio, "texts that shrink more are doubtful: they repeat themselves")
	flags.Float32Var(&o.LogProb, "logprob-threshold", o.LogProb, "texts whose tokens have a lower mean log probability are doubtful")
	flags.Float32Var(&o.NoSpeech, "no-speech-threshold", o.NoSpeech, "a doubtful text is silence if that is more probable than this")
	flags.StringVar(&o.InitialPrompt, "prompt", "", "text before the sound, of which names and spelling are taken over")
	flags.StringVar(&o.Hotwords, "hotwords", "", "words that are likely to be said")
	flags.BoolVar(&o.Condition, "condition", true, "with --sequential, let each window know the text before it")
	flags.BoolVar(&o.Sequential, "sequential", false, "hear everything, window after window")
	flags.BoolVar(&v.noVAD, "no-vad", false, "the same as --sequential: do not look for speech first")
	flags.Float32Var(&o.Speech.Threshold, "vad-threshold", 0.5, "probability at which speech begins")
	flags.IntVar(&o.Batch, "batch-size", o.Batch, "windows at once at most, as far as they take 1 GB; the text does not depend on it")
	complete(cmd, "task", "transcribe", "translate")
	complete(cmd, "format", "text", "srt", "vtt", "tsv", "json", "all")
	return cmd
}

type transcribeVerb struct {
	app         *app
	model       *modelFlags
	opts        chiasm.TranscribeOptions
	subtitles   chiasm.Subtitles
	formats     []string
	task        string
	folder      string
	json        bool
	temperature float32
	once, noVAD bool

	written map[string]string // files and the sounds that they are of
}

// sizes are the names that openai/whisper gives its models.
var sizes = map[string]string{
	"tiny": "", "base": "", "small": "", "medium": "", "tiny.en": "", "base.en": "", "small.en": "", "medium.en": "",
	"large-v1": "openai/whisper-large", "large-v2": "", "large-v3": "", "large": "openai/whisper-large-v3",
	"large-v3-turbo": "", "turbo": "openai/whisper-large-v3-turbo",
}

// check checks the flags.
func (v *transcribeVerb) check(args []string) error {
	o := &v.opts
	switch {
	case v.task != "transcribe" && v.task != "translate":
		return usagef("--task %s: want transcribe or translate", v.task)
	case o.Beam < 1:
		return usagef("--beam-size %d: want a positive number", o.Beam)
	case o.BestOf < 1:
		return usagef("--best-of %d: want a positive number", o.BestOf)
	case o.Batch < 1:
		return usagef("--batch-size %d: want a positive number", o.Batch)
	case !(v.temperature >= 0 && v.temperature <= 1):
		return usagef("--temperature %v: want a number from 0 to 1", v.temperature)
	case !(o.Speech.Threshold > 0 && o.Speech.Threshold < 1):
		return usagef("--vad-threshold %v: want a number between 0 and 1", o.Speech.Threshold)
	case min(v.subtitles.LineWidth, v.subtitles.Lines, v.subtitles.LineWords) < 0:
		return usagef("lines of subtitles: want positive numbers")
	}
	if err := v.chooseFormats(); err != nil {
		return err
	}
	o.Translate = o.Translate || v.task == "translate"
	o.Sequential = o.Sequential || v.noVAD
	o.Words = o.Words || v.subtitles != chiasm.Subtitles{}
	if o.Words && o.NoTimestamps {
		return usagef("--without-timestamps and --words contradict each other")
	}
	o.Temperatures = o.Temperatures[:0:0]
	for i := 0; i == 0 || !v.once && v.temperature+0.2*float32(i) < 1.001; i++ {
		o.Temperatures = append(o.Temperatures, v.temperature+0.2*float32(i))
	}
	if v.model.name == "" {
		v.model.name = os.Getenv(modelEnv)
	}
	if id, ok := sizes[v.model.name]; ok {
		if _, err := os.Stat(v.model.name); err != nil {
			if id == "" {
				id = "openai/whisper-" + v.model.name
			}
			v.model.name = id
		}
	}
	if v.model.name == "" {
		return usagef("no model is chosen, and %s, which is inside the program, does not transcribe: give --model a folder, a hub id, or a size such as base or turbo, or set %s", chiasm.Shipped, modelEnv)
	}
	return oneStdin(args, false)
}

// chooseFormats makes names of writers of the flags.
func (v *transcribeVerb) chooseFormats() error {
	if v.json {
		if len(v.formats) > 0 || v.folder != "" {
			return usagef("--json is for standard input and output: want --format json with --output-dir")
		}
		v.formats = []string{"json"}
	}
	if slices.Contains(v.formats, "all") {
		v.formats = chiasm.Formats()
	}
	if len(v.formats) == 0 {
		v.formats = []string{"txt"}
	}
	for i, f := range v.formats {
		if f == "text" {
			v.formats[i] = "txt"
		} else if !slices.Contains(chiasm.Formats(), f) {
			return usagef("--format %s: want text, srt, vtt, tsv, json or all", f)
		}
	}
	if len(v.formats) > 1 && v.folder == "" {
		return usagef("several formats need --output-dir")
	}
	return nil
}

func (v *transcribeVerb) run(ctx context.Context, args []string) error {
	if err := v.check(args); err != nil {
		return err
	}
	if _, err := v.model.options(); err != nil {
		return err
	}
	if v.folder != "" {
		if err := os.MkdirAll(v.folder, 0o755); err != nil {
			return err
		}
	}
	m, err := v.app.open(ctx, v.model)
	if err != nil {
		return err
	}
	failed := &failures{app: v.app, what: "sound"}
	v.written = map[string]string{}
	several := len(args) > 1
	for name, err := range files(args, "sounds", isSound) {
		several = several || name != args[0]
		failed.of++
		if err == nil {
			err = v.answer(ctx, m, name, several)
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, errors.ErrUnsupported), errors.Is(err, errOutput):
			return err
		case err != nil:
			f := failed.add(&item{name: name, kind: kindAudio, err: err})
			if v.json {
				if err := v.app.writeJSON(f); err != nil {
					return err
				}
			}
		}
		if err := v.app.flush(); err != nil {
			return err
		}
	}
	return failed.err()
}

// errOutput marks errors of what is written to, which end everything.
var errOutput = errors.New("output")

// answer transcribes one sound.
func (v *transcribeVerb) answer(ctx context.Context, m *chiasm.Model, name string, several bool) error {
	sound, err := v.open(ctx, name)
	if err != nil {
		return err
	}
	defer sound.Close()
	w, err := v.writer(name, several)
	if err != nil {
		return err
	}
	defer w.abort()
	total := int64(-1)
	if f := sound.Format(); f.Frames > 0 {
		total = (f.Frames + int64(f.Rate) - 1) / int64(f.Rate)
	}
	bar := v.app.progress(shortenPath(name, 30), total, inSeconds)
	defer v.app.done(bar)
	opts := v.opts
	opts.Progress = func(p chiasm.Progress) {
		w.transcript.Language, w.transcript.Probability, w.transcript.Duration = p.Language, p.Probability, p.Done
		bar.set(name, int64(p.Done), max(total, int64(p.Done)))
	}
	for s, err := range m.Transcribe(ctx, sound, &opts) {
		if errors.Is(err, audio.ErrTruncated) {
			v.app.note("%s: %s", name, reason(name, err))
			continue
		}
		if err != nil {
			return err
		}
		if err := w.segment(s); err != nil {
			return err
		}
	}
	return w.commit()
}

func (v *transcribeVerb) open(ctx context.Context, name string) (*audio.Reader, error) {
	if name == "-" {
		return audio.New(ctx, v.app.stdin)
	}
	return audio.Open(ctx, name)
}

// isSound tells a sound by its extension.
func isSound(path string) bool {
	info, err := os.Stat(path) // through links
	return slices.Contains(extensions[kindAudio], strings.ToLower(filepath.Ext(path))) && (err != nil || info.Mode().IsRegular())
}

// outputs is the files that the transcript of a sound goes to; none for standard output.
func (v *transcribeVerb) outputs(name string) (paths []string, err error) {
	if v.folder == "" {
		return nil, nil
	}
	base := strings.TrimSuffix(filepath.Base(name), filepath.Ext(name))
	if name == "-" {
		base = "stdin"
	}
	for _, f := range v.formats {
		path := filepath.Join(v.folder, base+"."+f)
		if other, ok := v.written[path]; ok {
			return nil, fmt.Errorf("its transcript would take the place of that of %s", other)
		}
		v.written[path] = name
		paths = append(paths, path)
	}
	return paths, nil
}
