package audio

import (
	"math"

	"github.com/chiasm/chiasm/internal/wave"
)

// A scale relates hertz to mels.
type scale struct{ mel, hertz func(float64) float64 }

var (
	// htk is the scale of O'Shaughnessy, as the Hidden Markov Model Toolkit uses it.
	htk = scale{
		func(f float64) float64 { return 2595 * math.Log10(1+f/700) },
		func(m float64) float64 { return 700 * (math.Pow(10, m/2595) - 1) },
	}
	// slaney is the scale of Slaney's Auditory Toolbox: linear up to 1 kHz, then logarithmic.
	slaney = scale{
		func(f float64) float64 {
			if f < 1000 {
				return 3 * f / 200
			}
			return 15 + math.Log(f/1000)*27/math.Log(6.4)
		},
		func(m float64) float64 {
			if m < 15 {
				return 200 * m / 3
			}
			return 1000 * math.Exp(math.Log(6.4)/27*(m-15))
		},
	}
)

// newMelBank makes triangular filters over the bins of a spectrum as transformers' mel_filter_bank and librosa do: peaks
// evenly spaced in mels from low to high hertz. area divides each by its width.
func newMelBank[T wave.Float](bands, bins, rate int, low, high float64, s scale, area bool) *wave.Bank[T] {
	peaks := make([]float64, bands+2)
	first, last := s.mel(low), s.mel(high)
	for i := range peaks {
		peaks[i] = s.hertz(first + (last-first)*float64(i)/float64(bands+1))
	}
	starts, weights := make([]int, bands), make([][]float64, bands)
	for m := range bands {
		left, peak, right := peaks[m], peaks[m+1], peaks[m+2]
		height := 1.0
		if area {
			height = 2 / (right - left)
		}
		for k := range bins {
			f := float64(rate/2) * float64(k) / float64(bins-1)
			w := min((f-left)/(peak-left), (right-f)/(right-peak))
			if w <= 0 {
				continue
			}
			if weights[m] == nil {
				starts[m] = k
			}
			weights[m] = append(weights[m], w*height)
		}
	}
	return wave.NewBank[T](starts, weights)
}
