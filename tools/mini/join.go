package main

import (
	"os"
	"path/filepath"

	"github.com/chiasm/chiasm/model/mini"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
)

// ear is the shape of what tools/mini/hear trains.
var ear = mini.EarConfig{Width: 96, Layers: 4, Heads: 4, Hidden: 384, Key: 128}

// join gives the model in out what tools/mini/hear trained in sound: its weights, whose keys go below "sound.", and its lexicon.
func join(sound, out string) error {
	lexicon, err := os.ReadFile(filepath.Join(sound, mini.LexiconFile))
	if err != nil {
		return err
	}
	heard, err := weights.Open(filepath.Join(sound, "sound.safetensors"))
	if err != nil {
		return err
	}
	defer heard.Close()
	b, err := mini.Open(out)
	if err != nil {
		return err
	}
	defer b.Close()
	var entries []tensor.Entry
	for _, name := range b.Weights.Names() {
		if e, _ := b.Weights.Get(name); b.Sound == nil || !ofSound(name) {
			entries = append(entries, e)
		}
	}
	for _, name := range heard.Names() {
		e, _ := heard.Get(name)
		e.Name = soundPrefix + name
		entries = append(entries, stored(e))
	}
	if err := os.WriteFile(filepath.Join(out, mini.LexiconFile), lexicon, 0o644); err != nil {
		return err
	}
	b.Config.Ear = &ear
	if err := saveConfig(out, b.Config); err != nil {
		return err
	}
	if err := weights.Save(filepath.Join(out, mini.WeightsFile), entries, nil); err != nil {
		return err
	}
	whole, err := mini.Open(out)
	if err != nil {
		return err
	}
	return whole.Close()
}

const soundPrefix = "sound."

func ofSound(name string) bool {
	return len(name) > len(soundPrefix) && name[:len(soundPrefix)] == soundPrefix
}

// stored is an entry in the form in which it ships: matrices in int8, each row with a scale, what is small as it is.
func stored(e tensor.Entry) tensor.Entry {
	const small = 4096 // values that are not worth rounding
	if len(e.Shape) >= 2 && e.DType.Float() && len(e.Data)/e.DType.Size() >= small {
		return weights.Quantise(e)
	}
	return e
}
