package study

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Check says what is impossible in a recipe, before anything is read.
func (r *Recipe) Check() error {
	l := &r.Learning
	for _, choice := range []struct {
		field, value string
		among        []string
	}{
		{"model.way", r.Model.Way, []string{wayAll, wayLiT, wayLoRA, wayProbe, wayCache}},
		{"data.by", r.Data.By, sortedKeys(by)},
		{"data.duplicates", r.Data.Duplicates, []string{"drop", "refuse", "keep"}},
		{"loss.kind", r.Loss.Kind, []string{"", "infonce", "sigmoid"}},
		{"loss.pairs", r.Loss.Pairs, []string{"text", "all"}},
		{"learning.schedule", l.Schedule, sortedKeys(shapes)},
		{"learning.precision", l.Precision, []string{"f32", "bf16", "auto"}},
	} {
		if !slices.Contains(choice.among, choice.value) {
			return fmt.Errorf("study: %s is %q, want one of %s", choice.field, choice.value, strings.Join(slices.DeleteFunc(choice.among, func(s string) bool { return s == "" }), ", "))
		}
	}
	for _, number := range []struct {
		field       string
		value       float64
		least, most float64
	}{
		{"learning.steps", float64(l.Steps), 0, 1e9}, {"learning.epochs", l.Epochs, 0, 1e6}, {"learning.part", float64(l.Part), 0, 1e6},
		{"learning.rate", l.Rate, 1e-12, 100}, {"learning.warmup", float64(l.Warmup), 0, 1e9}, {"learning.decay", l.Decay, 0, 100},
		{"learning.clip", l.Clip, 0, 1e9}, {"learning.beta2", l.Beta2, 0.5, 1 - 1e-9}, {"learning.average", l.Average, 0, 1 - 1e-9},
		{"learning.checkpoint", float64(l.Checkpoint), 0, 1e9}, {"learning.threads", float64(l.Threads), 0, 1 << 16},
		{"measure.every", float64(r.Measure.Every), 0, 1e9}, {"measure.patience", float64(r.Measure.Patience), 0, 1e9}, {"measure.items", float64(r.Measure.Items), 0, 1e9},
		{"data.fraction", r.Data.Fraction, 0, 0.9}, {"data.readers", float64(r.Data.Readers), 0, 1 << 16},
		{"loss.temperature", r.Loss.Temperature, 0, 100}, {"loss.hard", r.Loss.Hard, 0, 10},
		{"augment.crop", r.Augment.Crop, 0.01, 1}, {"augment.brightness", r.Augment.Brightness, 0, 1}, {"augment.contrast", r.Augment.Contrast, 0, 1},
		{"augment.saturation", r.Augment.Saturation, 0, 1}, {"augment.hue", r.Augment.Hue, 0, 0.5}, {"augment.gray", r.Augment.Gray, 0, 1},
		{"augment.shift", r.Augment.Shift, 0, 1}, {"augment.gain", r.Augment.Gain, 0, 60}, {"augment.noise", r.Augment.Noise, 0, 100}, {"augment.speed", r.Augment.Speed, 0, 0.5},
	} {
		if !(number.value >= number.least && number.value <= number.most) {
			return fmt.Errorf("study: %s is %v, want %v to %v", number.field, number.value, number.least, number.most)
		}
	}
	for field, templates := range map[string][]string{"data.templates": r.Data.Templates, "measure.templates": r.Measure.Templates} {
		for _, t := range templates {
			if !strings.Contains(t, "{}") && !strings.Contains(t, "{c}") {
				return fmt.Errorf("study: %s: %q has no {} for the name of the class", field, t)
			}
		}
	}
	return r.checkTogether()
}

// checkTogether is what fields have to do with one another.
func (r *Recipe) checkTogether() error {
	l := &r.Learning
	switch {
	case r.Output == "":
		return errors.New("study: the recipe names no folder for the model: want output")
	case l.Batch < 2 && r.learnsPairs():
		return fmt.Errorf("study: learning.batch is %d, want 2 at least: a contrastive loss tells a pair from the others of its batch, and of one there are none", l.Batch)
	case l.Batch > 1<<20:
		return fmt.Errorf("study: learning.batch is %d, want %d at most", l.Batch, 1<<20)
	case l.Steps == 0 && l.Epochs == 0:
		return errors.New("study: learning.steps and learning.epochs are 0: want one of them")
	case l.Steps > 0 && l.Warmup > l.Steps:
		return fmt.Errorf("study: learning.warmup is %d of %d steps", l.Warmup, l.Steps)
	case (r.Model.Image == "") != (r.Model.Text == ""):
		return errors.New("study: model.image and model.text belong together: want both or neither")
	case r.Model.Image != "" && r.Model.From != "":
		return errors.New("study: model.from and model.image exclude each other")
	case r.Model.Image != "" && !r.learnsPairs():
		return fmt.Errorf("study: model.way is %s, which learns on the vectors of one model: want model.from in place of model.image", r.Model.Way)
	case r.Model.From == "" && r.Model.Image == "" && r.Model.Way != wayAll && r.learnsPairs():
		return fmt.Errorf("study: model.way is %s, for which there must be a model to begin with: want model.from", r.Model.Way)
	case r.Model.Way == wayLoRA && r.Model.Rank < 1:
		return fmt.Errorf("study: model.rank is %d, want 1 at least", r.Model.Rank)
	case r.Loss.Hard > 0 && r.Loss.Kind == "sigmoid":
		return errors.New("study: loss.hard is of infonce, not of sigmoid")
	case slices.ContainsFunc(r.Loss.Prefixes, func(n int) bool { return n < 1 }):
		return fmt.Errorf("study: loss.prefixes is %v, want positive numbers", r.Loss.Prefixes)
	case len(slices.Compact(slices.Sorted(slices.Values(r.Loss.Prefixes)))) < len(r.Loss.Prefixes):
		return fmt.Errorf("study: loss.prefixes is %v, want each once", r.Loss.Prefixes)
	case len(r.Data.Validation) > 0 && r.Data.Fraction > 0:
		return errors.New("study: data.validation and data.fraction exclude each other")
	case r.Measure.Patience > 0 && len(r.Data.Validation) == 0 && r.Data.Fraction == 0:
		return errors.New("study: measure.patience needs something to measure on: want data.validation or data.fraction")
	}
	return nil
}

// learnsPairs reports whether the loss compares pairs.
func (r *Recipe) learnsPairs() bool { return r.Model.Way != wayProbe && r.Model.Way != wayCache }
