package mini

import (
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

const (
	patchFrames = 8 // frames that a patch sees
	patchHop    = 4 // frames between patches
	patchInput  = (patchFrames + 1) * SoundBands
	mostPatches = (SoundLimit/soundHop + patchHop - 1) / patchHop
)

// An EarConfig is the shape of an [Ear].
type EarConfig struct {
	Width  int `json:"width"`
	Layers int `json:"layers"`
	Heads  int `json:"heads"`
	Hidden int `json:"hidden"`
	Key    int `json:"key"` // values of a key
}

// An Ear makes the key of a sound: a small transformer over patches of its [Spectrum], 25 a second. Words that sound alike have keys
// that are alike, whatever they mean; a [Lexicon] knows what they mean.
type Ear struct {
	Patch    *nn.Linear     `weight:"patch"`    // [C, patchInput]
	Position *tensor.Tensor `weight:"position"` // [mostPatches, C]
	Blocks   []*nn.Block    `weight:"blocks"`
	Norm     *nn.LayerNorm  `weight:"norm"`
	Key      *nn.Linear     `weight:"key"` // [K, C]
}

// NewEar makes an ear without values.
func NewEar(c EarConfig) *Ear {
	e := &Ear{
		Patch: nn.NewLinear(patchInput, c.Width, true), Position: tensor.Param(mostPatches, c.Width),
		Norm: nn.NewLayerNorm(c.Width, 1e-5), Key: nn.NewLinear(c.Width, c.Key, true),
	}
	for range c.Layers {
		e.Blocks = append(e.Blocks, nn.NewBlock(c.Width, c.Heads, c.Hidden, tensor.GELUTanh, 1e-5, false))
	}
	return e
}

// Keys is the keys [n, K], of length 1, of sounds: of the frames of their spectra, [frames, SoundBands] each.
func (e *Ear) Keys(p *tensor.Pass, spectra [][]float32) *tensor.Tensor {
	return e.Pool(e.Patches(p, spectra))
}

// Pool makes keys of what [Ear.Patches] gives.
func (e *Ear) Pool(x *tensor.Tensor, seq tensor.Spans) *tensor.Tensor {
	return e.Key.Forward(x.MeanRows(seq, 0)).Normalize(1e-12)
}

// Patches is what is heard at each patch of sounds [T, C], and where each sound's patches lie.
func (e *Ear) Patches(p *tensor.Pass, spectra [][]float32) (*tensor.Tensor, tensor.Spans) {
	seq := p.Spans(len(spectra), 0)
	for i, s := range spectra {
		seq[i+1] = seq[i] + int32(patches(len(s)/SoundBands))
	}
	x := p.Empty(seq.Rows(), patchInput)
	for i, s := range spectra {
		cut(x.Floats()[int(seq[i])*patchInput:int(seq[i+1])*patchInput], s)
	}
	x = e.Patch.Forward(x).AddPositions(e.Position, seq)
	for _, b := range e.Blocks {
		x = b.Forward(x, seq)
	}
	return e.Norm.Forward(x), seq
}

// patches is how many patches a spectrum has.
func patches(frames int) int { return max(1, (min(frames, mostPatches*patchHop)+patchHop-1)/patchHop) }

// cut writes the patches of a spectrum to dst. Patch i is centred on the frames from patchHop·i on; beyond the ends is silence. Of each
// frame it has what differs from the mean frame of the sound, so that a voice's or a microphone's colour is gone (the cepstral mean
// normalisation of speech recognition, Atal 1974), without the ripples of a voice's pitch; the mean itself, which is most of an instrument,
// follows the frames of every patch.
func cut(dst, frames []float32) {
	var mean [SoundBands]float32
	for i, v := range frames {
		mean[i%SoundBands] += v
	}
	for i := range mean {
		mean[i] /= float32(max(len(frames)/SoundBands, 1))
	}
	const before = (patchFrames - patchHop) / 2
	for first := -before; len(dst) > 0; first += patchHop {
		for f := range patchFrames {
			even(dst[f*SoundBands:][:SoundBands], frames, first+f, &mean)
		}
		for i, v := range mean {
			dst[patchFrames*SoundBands+i] = v/1.5 + 2
		}
		dst = dst[patchInput:]
	}
}

// even writes how frame t differs from the mean, each band averaged with its neighbours by weights of 1, 2, 3, 2 and 1.
func even(dst, frames []float32, t int, mean *[SoundBands]float32) {
	var x [SoundBands + 4]float32
	for b, m := range mean {
		x[b+2] = -soundDepth - m
		if i := t*SoundBands + b; i >= 0 && i < len(frames) {
			x[b+2] = frames[i] - m
		}
	}
	x[0], x[1], x[SoundBands+2], x[SoundBands+3] = x[2], x[2], x[SoundBands+1], x[SoundBands+1]
	for b := range dst {
		dst[b] = (x[b] + x[b+4] + 2*(x[b+1]+x[b+3]) + 3*x[b+2]) * (1 / 13.5)
	}
}
