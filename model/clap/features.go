package clap

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/chiasm/chiasm/media/audio"
)

// features is what the files say of transformers' ClapFeatureExtractor.
type features struct {
	Size       int     `json:"feature_size"`
	Rate       int     `json:"sampling_rate"`
	Hop        int     `json:"hop_length"`
	Seconds    int     `json:"max_length_s"`
	Window     int     `json:"fft_window_size"`
	Low        float64 `json:"frequency_min"`
	High       float64 `json:"frequency_max"`
	Top        *int    `json:"top_db"`
	Truncation string  `json:"truncation"`
	Padding    string  `json:"padding"`
}

// openFeatures reads where the lowest band begins from preprocessor_config.json, or from the processor_config.json of newer files, and
// refuses what [audio.CLAP] doesn't make.
func openFeatures(dir string, fusion bool) (low float64, err error) {
	want := features{Size: audio.CLAPBands, Rate: audio.CLAPRate, Hop: 480, Seconds: 10, Window: 1024, High: 14000, Truncation: "rand_trunc", Padding: "repeatpad"}
	if fusion {
		want.Truncation = "fusion"
	}
	f := want
	f.Truncation = "fusion" // the reference's default
	name := "preprocessor_config.json"
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err == nil {
		err = json.Unmarshal(data, &f)
	} else if errors.Is(err, fs.ErrNotExist) {
		name = "processor_config.json"
		nested := struct {
			Features *features `json:"feature_extractor"`
		}{&f}
		if data, err = os.ReadFile(filepath.Join(dir, name)); err == nil {
			err = json.Unmarshal(data, &nested)
		}
	}
	if err != nil {
		return 0, fmt.Errorf("clap: %s: %w", name, err)
	}
	low = f.Low
	f.Low = 0
	if f.Top != nil {
		return 0, fmt.Errorf("clap: %s: top_db is %d, want none", name, *f.Top)
	}
	if f != want || low < 0 || low >= want.High {
		return 0, fmt.Errorf("clap: %s: the feature extractor is %+v with frequency_min %v, want %+v with one below frequency_max", name, f, low, want)
	}
	return low, nil
}
