package study

import (
	"math/rand/v2"

	"github.com/chiasm/chiasm/dataset"
	pictures "github.com/chiasm/chiasm/media/image"
)

// picture reads a picture and varies it.
func (t *Training) picture(r *rand.Rand, media *dataset.Media, m *trainee) (*pictures.RGB, error) {
	return media.Picture(nil)
}

// varySound varies a sound.
func (t *Training) varySound(r *rand.Rand, samples []float32, rate, limit int) []float32 {
	return samples
}
