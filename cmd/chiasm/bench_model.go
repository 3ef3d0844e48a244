package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	stdimage "image"
	"image/color"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/tensor"
)

// A trial is a model at one precision: how fast, and how near to f32.
type trial struct {
	Model    string          `json:"model"`
	Path     string          `json:"path"`
	Threads  int             `json:"threads"`
	Image    float64         `json:"image_ms"`           // one picture of 640x480, its preprocessing included; medians; 0 where the model takes none
	Text     float64         `json:"text_ms"`            // one short text
	Sound    float64         `json:"sound_ms,omitempty"` // ten seconds of sound, or what the model hears of them
	Accuracy chiasm.Accuracy `json:"accuracy"`
	Passes   bool            `json:"passes"` // the gate of --precision auto
}

const benchText = "a photo of a cup of coffee on a wooden table"

// benchModel times a model of the user's and measures its accuracy.
func (a *app) benchModel(ctx context.Context, f *benchFlags, formats []tensor.Format) error {
	all, err := trials(a, f, formats, func(format tensor.Format) (trial, error) { return a.try(ctx, f, format) })
	if err != nil || f.json {
		return err
	}
	t := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, strings.Join(trialColumns(nil), "\t"))
	for _, r := range all {
		fmt.Fprintln(t, strings.Join(trialColumns(&r), "\t"))
	}
	return t.Flush()
}

// trials tries each precision, and writes each trial as it comes where JSON is wanted.
func trials[T any](a *app, f *benchFlags, formats []tensor.Format, try func(tensor.Format) (T, error)) (all []T, err error) {
	for _, format := range formats {
		t, err := try(format)
		if err != nil {
			return nil, err
		}
		if f.json {
			if err := json.NewEncoder(a.stdout).Encode(t); err != nil {
				return nil, err
			}
		}
		all = append(all, t)
	}
	return all, nil
}

// trialColumns is a row of the table, or its head.
func trialColumns(r *trial) []string {
	if r == nil {
		return []string{"precision", "path", "image ms", "text ms", "sound ms", "texts mean", "worst", "images mean", "worst", "sounds mean", "worst", "ranked alike", "gate"}
	}
	gate := "passes"
	if !r.Passes {
		gate = "fails"
	}
	a := &r.Accuracy
	return []string{a.Precision, r.Path, had(r.Image, 2), had(r.Text, 2), had(r.Sound, 2), agreed(a.Texts), agreed(a.Images), agreed(a.Sounds),
		fmt.Sprintf("%.1f %%", 100*a.Rank), gate}
}

// had is a figure, or a dash for what the model cannot do.
func had(v float64, digits int) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf("%.*f", digits, v)
}

// agreed is the mean and the worst cosine as two columns.
func agreed(g chiasm.Agreement) string {
	if g.Count == 0 {
		return "-\t-"
	}
	return fmt.Sprintf("%.5f\t%.5f", g.Mean, g.Worst)
}

// try opens the model at a precision and measures it.
func (a *app) try(ctx context.Context, f *benchFlags, format tensor.Format) (trial, error) {
	m, err := a.open(ctx, &modelFlags{name: f.model, precision: format.String(), threads: f.threads, truncate: "end"})
	if err != nil {
		return trial{}, err
	}
	defer m.Close()
	r := trial{Model: f.model, Path: kernel.Path(format).String(), Threads: f.threads}
	picture := stdimage.NewNRGBA(stdimage.Rect(0, 0, 640, 480))
	for i := range 640 * 480 {
		picture.SetNRGBA(i%640, i/640, color.NRGBA{uint8(i), uint8(i / 640), uint8(i % 251), 255})
	}
	if r.Image, err = repeat(f.seconds, func() error { _, err := m.EmbedImage(ctx, picture); return err }); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return r, err
	}
	if r.Text, err = repeat(f.seconds, func() error { _, err := m.EmbedText(ctx, benchText); return err }); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return r, err
	}
	hum := chiasm.Sound{Samples: make([]float32, 10*48000), Rate: 48000}
	for i := range hum.Samples {
		hum.Samples[i] = float32(i%480)/480 - 0.5
	}
	if r.Sound, err = repeat(f.seconds, func() error { _, err := m.EmbedAudio(ctx, hum); return err }); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return r, err
	}
	r.Accuracy, err = m.Measure(ctx, format.String())
	r.Passes = r.Accuracy.Passes()
	return r, err
}

// repeat calls work for some seconds and returns the median of its times in milliseconds. The first calls, which pack the weights, do
// not count.
func repeat(seconds float64, work func() error) (ms float64, err error) {
	var times []float64
	for begin := time.Now(); len(times) < 5 || time.Since(begin).Seconds() < seconds; {
		start := time.Now()
		if err := work(); err != nil {
			return 0, err
		}
		times = append(times, time.Since(start).Seconds()*1e3)
	}
	return median(times[2:]), nil
}
