package study

import (
	"math/rand/v2"

	"github.com/chiasm/chiasm/dataset"
	"github.com/chiasm/chiasm/media/audio"
	pictures "github.com/chiasm/chiasm/media/image"
)

// jitted and noisy are how often colours are changed and noise is added, where the recipe asks for it: other examples stay as they are.
const jitted, noisy = 0.8, 0.5

// picture reads a picture and varies it as the recipe says.
func (t *Training) picture(r *rand.Rand, media *dataset.Media, m *trainee) (img *pictures.RGB, err error) {
	a := &t.Recipe.Augment
	if a.Background {
		img, err = beforeGround(r, media)
	} else {
		img, err = media.Picture(m.options())
	}
	if err != nil {
		return nil, err
	}
	vary := pictures.Augment{Gray: a.Gray, Jitter: pictures.Jitter{Brightness: a.Brightness, Contrast: a.Contrast, Saturation: a.Saturation, Hue: a.Hue}}
	if a.Crop < 1 {
		vary.W, vary.H = m.Image.Pixels().Size()
		vary.Area, vary.Ratio, vary.Filter = [2]float64{a.Crop, 1}, [2]float64{3.0 / 4, 4.0 / 3}, m.Image.Pixels().Filter
	}
	if a.Flip {
		vary.Flip = 0.5
	}
	if vary.Jitter != (pictures.Jitter{}) {
		vary.Jitted = jitted
	}
	if vary == (pictures.Augment{}) {
		return img, nil
	}
	return vary.Apply(r, img), nil
}

// beforeGround reads a picture and lays what is transparent of it on some ground.
func beforeGround(r *rand.Rand, media *dataset.Media) (*pictures.RGB, error) {
	cut, err := media.Cutout(nil)
	if err != nil {
		return nil, err
	}
	return cut.Over(pictures.RandomGround(r, cut.Colour.W, cut.Colour.H)), nil
}

// varySound varies a sound.
func (t *Training) varySound(r *rand.Rand, samples []float32, limit int) []float32 {
	a := &t.Recipe.Augment
	vary := audio.Augment{Speed: a.Speed, Shift: a.Shift, Gain: a.Gain}
	if a.Noise > 0 {
		vary.SNR, vary.Noisy = [2]float64{a.Noise, a.Noise + 20}, noisy
	}
	if vary == (audio.Augment{}) {
		return samples
	}
	samples = vary.Apply(r, samples)
	return samples[:min(len(samples), limit)]
}
