package chiasm

import (
	"context"
	"errors"
	"fmt"
	stdimage "image"

	"github.com/chiasm/chiasm/internal/par"
	"github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/media/video"
	"github.com/chiasm/chiasm/model/embeddinggemma"
	"github.com/chiasm/chiasm/tensor"
)

// joinsParts is a family that takes videos, and sequences of texts and media. One without an image tower has no processor of frames.
type joinsParts interface {
	FramePixels() *image.Processor
	SampleVideo(frames int, rate, seconds float64) (picked []int)
	EmbedParts(p *tensor.Pass, sequences [][]embeddinggemma.Part) (*tensor.Tensor, error)
}

// A Video is frames of one size: all of a video's, or those that a model looks at, as [Model.OpenVideo] reads them.
type Video struct {
	Frames []stdimage.Image
	Rate   float64   // frames per second, of all frames; 0 if it is not known: then as many are looked at as the model takes
	Times  []float64 // when each is shown, in seconds, of frames that have been chosen; nil for all frames
}

// A Part is a text, a picture, a sound or a video of a sequence: one of them is set.
type Part struct {
	Text  string
	Image stdimage.Image
	Sound *Sound
	Video *Video
}

// Watches reports whether the model sees videos.
func (m *Model) Watches() bool { return m.video != nil && m.video.FramePixels() != nil }

// OpenVideo reads of a file the frames that the model looks at. It needs the programs ffmpeg and ffprobe, which see no other file and no
// network; the error wraps [video.ErrNoFFmpeg] where they are missing.
func (m *Model) OpenVideo(ctx context.Context, path string) (*Video, error) {
	if m.video == nil {
		return nil, m.lacks("see videos")
	}
	v := &Video{}
	_, err := video.Read(ctx, path, func(i video.Info) []int {
		picked := m.video.SampleVideo(i.Frames, i.Rate, i.Seconds)
		for _, n := range picked {
			v.Times = append(v.Times, at(n, i.Rate))
		}
		return picked
	}, func(f video.Frame) error {
		v.Frames = append(v.Frames, &image.RGB{Pix: f.Pix, W: f.W, H: f.H})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("chiasm: %w", err)
	}
	return v, nil
}

// at is when frame n is shown: at a rate that is not known the first one's time is that of all.
func at(n int, rate float64) float64 {
	if rate > 0 {
		return float64(n) / rate
	}
	return 0
}

// seen is the frames that the model looks at, and their times.
func (m *Model) seen(v *Video) ([]stdimage.Image, []float64, error) {
	frames, times := v.Frames, v.Times
	if times == nil {
		frames = nil
		for _, n := range m.video.SampleVideo(len(v.Frames), v.Rate, at(len(v.Frames), v.Rate)) {
			frames, times = append(frames, v.Frames[n]), append(times, at(n, v.Rate))
		}
	}
	if len(frames) == 0 || len(frames) != len(times) {
		return nil, nil, fmt.Errorf("chiasm: a video of %d frames and %d times, want as many, and one or more", len(frames), len(times))
	}
	for i, f := range frames {
		if f.Bounds().Empty() || f.Bounds().Size() != frames[0].Bounds().Size() {
			return nil, nil, fmt.Errorf("chiasm: frame %d of a video has %v pixels, want %v, as the first one", i, f.Bounds().Size(), frames[0].Bounds().Size())
		}
	}
	return frames, times, nil
}

// EmbedVideo is the embedding of a video: of those of its frames that the model looks at, some in every second.
func (m *Model) EmbedVideo(ctx context.Context, v *Video) (Embedding, error) {
	if m.video == nil {
		return Embedding{}, m.lacks("embed videos")
	}
	return m.EmbedParts(ctx, Part{Video: v})
}

// EmbedParts is one embedding of texts and media that belong together, in their order, as of an article with its pictures. No prompt is put
// before its texts: one that the model's files name may be written before the first.
func (m *Model) EmbedParts(ctx context.Context, parts ...Part) (Embedding, error) {
	if m.parts == nil {
		return Embedding{}, m.lacks("embed sequences")
	}
	if len(parts) == 0 {
		return Embedding{}, errors.New("chiasm: a sequence of no parts")
	}
	var out []Embedding
	err := m.run(ctx, func(p *tensor.Pass) (*tensor.Tensor, error) {
		sequence := make([]embeddinggemma.Part, len(parts))
		for i, part := range parts {
			var err error
			if sequence[i], err = m.part(p, part); err != nil {
				return nil, fmt.Errorf("part %d: %w", i, err)
			}
		}
		return m.parts.EmbedParts(p, [][]embeddinggemma.Part{sequence})
	}, &out)
	return one(out, err)
}

// part brings a part into the form that the model takes.
func (m *Model) part(p *tensor.Pass, part Part) (embeddinggemma.Part, error) {
	switch {
	case part.Image != nil && m.image == nil:
		return embeddinggemma.Part{}, m.lacks("see pictures")
	case part.Image != nil:
		return embeddinggemma.Part{Image: m.pixels(p, m.image.Pixels(), []stdimage.Image{part.Image})}, nil
	case part.Sound != nil && m.sound == nil:
		return embeddinggemma.Part{}, m.lacks("hear sounds")
	case part.Sound != nil:
		if err := part.Sound.Check(); err != nil {
			return embeddinggemma.Part{}, err
		}
		return embeddinggemma.Part{Sound: m.atRate(*part.Sound)}, nil
	case part.Video != nil && m.video == nil:
		return embeddinggemma.Part{}, m.lacks("see videos")
	case part.Video != nil:
		frames, times, err := m.seen(part.Video)
		if err != nil {
			return embeddinggemma.Part{}, err
		}
		return embeddinggemma.Part{Frames: m.pixels(p, m.video.FramePixels(), frames), Times: times}, nil
	}
	return embeddinggemma.Part{Text: part.Text}, nil
}

// pixels is pictures of one size as a processor makes them, [n, 3, H, W].
func (m *Model) pixels(p *tensor.Pass, processor *image.Processor, imgs []stdimage.Image) *tensor.Tensor {
	size := imgs[0].Bounds()
	w, h := processor.SizeOf(size.Dx(), size.Dy())
	pixels := p.Empty(len(imgs), 3, h, w)
	t := preprocesses.Get().(*preprocess)
	*t = preprocess{processor, imgs, pixels.Floats()}
	par.Do(t, len(imgs), m.opts.Workers)
	*t = preprocess{}
	preprocesses.Put(t)
	return pixels
}
