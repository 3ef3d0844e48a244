package clap

import (
	"github.com/chiasm/chiasm/media/audio"
	"github.com/chiasm/chiasm/model/swin"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// A Sound is the sound tower. Its keys are those of transformers' ClapAudioEncoder, with batch norms folded (see [Entries]).
type Sound struct {
	Scale *tensor.Tensor `weight:"batch_norm.weight"` // [F]: features times Scale plus Shift
	Shift *tensor.Tensor `weight:"batch_norm.bias"`   // [F]
	Patch *nn.Linear     `weight:"patch_embed.proj"`  // [C, 1, P, P]
	Fuse  *Fusion        `weight:"patch_embed"`       // nil without fusion
	Norm  *nn.LayerNorm  `weight:"patch_embed.norm"`
	Swin  *swin.Tower    `weight:""`

	config Config
	taps   []tap
	places []int32 // of each row of the first stage: its patch; -1 for none
}

func newSound(c *Config) *Sound {
	s := &Sound{
		Scale: tensor.Param(c.Bands), Shift: tensor.Param(c.Bands),
		Patch: &nn.Linear{Weight: tensor.Param(c.Swin.Width, 1, c.Patch, c.Patch), Bias: tensor.Param(c.Swin.Width)},
		Norm:  nn.NewLayerNorm(c.Swin.Width, patchEps), Swin: swin.New(c.Swin), config: *c,
	}
	if c.Fusion {
		s.Fuse = newFusion(c, s.Swin.Places(0))
	}
	s.taps, s.places = newTaps(audio.CLAPFrames, c.Frames()), s.Swin.Places(0)
	return s
}

const patchEps = 1e-5

// Forward maps the features [B, Images, CLAPFrames, CLAPBands] of sounds, as [audio.CLAP] makes them, to vectors [B, C].
func (s *Sound) Forward(features *tensor.Tensor) *tensor.Tensor {
	return s.Swin.Forward(s.Embed(features), features.Dim(0))
}

// Embed is the tokens [B·T, C] that the first stage of [Sound.Swin] sees.
func (s *Sound) Embed(features *tensor.Tensor) *tensor.Tensor {
	p := features.Pass()
	m := p.Mark()
	mel := s.stretch(features)
	x := s.Patch.Forward(s.cut(mel, 0, 1))
	if s.Fuse != nil {
		x = s.Fuse.Forward(x, s.cut(mel, 1, stretches), features.Dim(0))
	}
	return p.Keep(m, s.Norm.Forward(x))
}

// stretch is the spectrograms normalised and interpolated to the frames of the picture, [B, Images, Frames, F].
func (s *Sound) stretch(features *tensor.Tensor) *tensor.Tensor {
	b, images, f := features.Dim(0), features.Dim(1), features.Dim(3)
	y := features.Pass().Empty(b, images, len(s.taps), f)
	scale, shift := s.Scale.Floats()[:f], s.Shift.Floats()[:f]
	in, out := features.Floats(), y.Floats()
	size := features.Dim(2) * f
	for range b * images {
		for i := range s.taps {
			t := &s.taps[i]
			r0, r1 := in[int(t.frames[0])*f:][:f], in[int(t.frames[1])*f:][:f]
			r2, r3 := in[int(t.frames[2])*f:][:f], in[int(t.frames[3])*f:][:f]
			to := out[i*f:][:f]
			for k := range to {
				v := r0[k]*t.weights[0] + r1[k]*t.weights[1] + r2[k]*t.weights[2] + r3[k]*t.weights[3]
				to[k] = v*scale[k] + shift[k]
			}
		}
		in, out = in[size:], out[len(s.taps)*f:]
	}
	return y
}

// A tap is the frames that one frame of the picture is made of.
type tap struct {
	frames  [4]int32
	weights [4]float32
}

// newTaps is bicubic interpolation in time with the ends aligned, computed in 32 bits as torch does: at frame 1000 the rounding of the
// place is worth some 1e-3 of a step between frames.
func newTaps(from, to int) []tap {
	taps := make([]tap, to)
	step := float32(1)
	if to > 1 {
		step = float32(from-1) / float32(to-1)
	}
	for i := range taps {
		at := step * float32(i)
		first := int(at)
		t := at - float32(first)
		for j := range 4 {
			taps[i].frames[j] = int32(min(max(first-1+j, 0), from-1))
		}
		taps[i].weights = [4]float32{cubicFar(t + 1), cubicNear(t), cubicNear(1 - t), cubicFar(2 - t)}
	}
	return taps
}

const cubic = -0.75 // the parameter of the convolution kernel (Keys 1981) that torch takes

func cubicNear(x float32) float32 { return ((cubic+2)*x-(cubic+3))*x*x + 1 }

func cubicFar(x float32) float32 { return ((cubic*x-5*cubic)*x+8*cubic)*x - 4*cubic }

// cut is the patches of the pictures, row by row as the first stage wants them: [B·T, P·wide·P]. With wide 1 those of one image; else
// those of as many images from first on, each wide times as long in time, which share the columns of the grid one after the other. Rows
// beyond are zero.
func (s *Sound) cut(mel *tensor.Tensor, first, wide int) *tensor.Tensor {
	b, images, f := mel.Dim(0), mel.Dim(1), s.config.Bands
	side, columns := s.config.Patch, s.config.Swin.Cols/wide
	y := mel.Pass().Empty(b*len(s.places), side*wide*side)
	dst, size := y.Floats(), mel.Dim(2)*f
	for i := range b {
		for _, place := range s.places {
			row := dst[:side*wide*side]
			dst = dst[len(row):]
			r, c := int(place)/s.config.Swin.Cols, int(place)%s.config.Swin.Cols
			if place < 0 || c >= wide*columns {
				clear(row)
				continue
			}
			image := mel.Floats()[(i*images+first+c/columns)*size:][:size]
			for a := range side {
				// A row of the picture is a band in one part of the time.
				line := r*side + a
				from := (line/f*s.config.Size+c%columns*wide*side)*f + line%f
				for k := range wide * side {
					row[a*wide*side+k] = image[from+k*f]
				}
			}
		}
	}
	return y
}
