package decision

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	stdimage "image"
	"io"
	"math"
	"os"
	"slices"
	"sync"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/fusion"
	"github.com/chiasm/chiasm/media/audio"
	"github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/media/video"
)

// What an encoder shows of a thing: one vector, or behind that its tokens too, where the model's tower has some; of a video those of its frames.
const (
	Vectors = "vectors"
	Tokens  = "tokens"
)

// An encoder makes features of what cells hold: the vectors or tokens of a model, and numbers as they are.
type encoder struct {
	model *chiasm.Model
	cache cache
	space string // of the features, for the keys of the cache
	shows string // Vectors or Tokens
}

func newEncoder(m *chiasm.Model, dir, shows string) *encoder {
	e := &encoder{m, cache{dir}, m.Space().String() + " " + m.Precision(), shows}
	if shows == Tokens {
		e.space += " " + Tokens
	}
	return e
}

// frames are looked at of a video by a model that sees pictures: so many at most, this many seconds apart.
const frames, pace = 8, 1.0

// Part is what a cell of a column holds, read and decoded: a path, a text, or numbers with spaces between.
func (e *encoder) part(ctx context.Context, c Column, cell string) (p chiasm.Part, err error) {
	switch c.Kind {
	case Image:
		p.Image, err = e.model.OpenImage(cell)
	case Audio:
		var s chiasm.Sound
		s, err = e.model.OpenAudio(ctx, cell)
		if errors.Is(err, audio.ErrTruncated) && len(s.Samples) > 0 {
			err = nil
		}
		if err == nil {
			err = s.Check()
		}
		p.Sound = &s
	case Video:
		if e.model.Watches() {
			p.Video, err = e.model.OpenVideo(ctx, cell)
			break
		}
		p.Video = &chiasm.Video{}
		_, err = video.Sample(ctx, cell, 1/pace, 512, frames, func(f video.Frame) error {
			p.Video.Frames = append(p.Video.Frames, &image.RGB{Pix: f.Pix, W: f.W, H: f.H})
			return nil
		})
	default:
		p.Text = cell
	}
	return p, err
}

// takes is an error if the model cannot encode a column.
func (e *encoder) takes(c Column) error {
	m := e.model
	rate, _ := m.Hears()
	ok := map[string]bool{Text: m.Context() > 0, Image: m.Processor() != nil, Audio: rate > 0, Video: m.Watches() || m.Processor() != nil, Number: true}
	if !ok[c.Kind] {
		return fmt.Errorf("decision: column %q is of kind %s, which the model %s does not take: it takes %v; choose another model, or leave the column out", c.Name, c.Kind, m.Name(), m.Info().Modalities)
	}
	return nil
}

// width is how many values the features of a column are.
func (e *encoder) width(c Column) int {
	if c.Kind == Number {
		return len(c.Fields)
	}
	return e.model.Space().Dimension
}

// most is how many tokens the features of a column are, at most: 1 for a vector.
func (e *encoder) most(c Column) int {
	text, picture, sound := e.model.GivesTokens()
	switch {
	case e.shows != Tokens:
	case c.Kind == Text && text:
		return 1 + chiasm.MostTextTokens
	case c.Kind == Image && picture:
		return 1 + chiasm.ImageSide*chiasm.ImageSide
	case c.Kind == Audio && sound:
		return 1 + chiasm.MostAudioTokens
	case c.Kind == Video && !e.model.Watches():
		return 1 + frames
	}
	return 1
}

// counts is the most tokens of each of some columns, nil where all are vectors.
func (e *encoder) counts(columns []Column) []int {
	if e.shows != Tokens {
		return nil
	}
	return each(columns, e.most)
}

// modality is how the features of a column lie.
func (e *encoder) modality(c Column) fusion.Modality {
	m := fusion.Modality{Name: c.Name, Width: e.width(c), Tokens: e.most(c)}
	if c.Kind != Number {
		m.Space = e.model.Space().String()
	}
	return m
}

// flat is a sequence as features: the vector, and behind it the tokens.
func flat(list []chiasm.Sequence, err error) ([][]float32, error) {
	if err != nil {
		return nil, err
	}
	return each(list, func(s chiasm.Sequence) []float32 { return append(slices.Clone(s.Values), s.Tokens...) }), nil
}

// one makes features of a part, [T, width]: a vector of a picture or of a sound in the memory of x.
func (e *encoder) one(ctx context.Context, x *chiasm.Embedding, c Column, p chiasm.Part) ([]float32, error) {
	vector := e.most(c) == 1
	switch {
	case vector && c.Kind == Image:
		err := e.model.EmbedImageInto(ctx, x, p.Image)
		return x.Values, err
	case vector && c.Kind == Audio:
		err := e.model.EmbedAudioInto(ctx, x, *p.Sound)
		return x.Values, err
	}
	all, err := e.encode(ctx, c, []chiasm.Part{p})
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// encode makes features of parts of one column, [T, width] each.
func (e *encoder) encode(ctx context.Context, c Column, parts []chiasm.Part) ([][]float32, error) {
	switch c.Kind {
	case Number:
		out := make([][]float32, len(parts))
		for i, p := range parts {
			var err error
			if out[i], err = numbers(p.Text, len(c.Fields)); err != nil {
				return nil, fmt.Errorf("decision: %q: %w", c.Name, err)
			}
		}
		return out, nil
	case Text:
		texts := each(parts, func(p chiasm.Part) string { return p.Text })
		if e.most(c) > 1 {
			return flat(e.model.EmbedTextTokens(ctx, texts))
		}
		return chiasm.Vectors(e.model.EmbedTexts(ctx, texts))
	case Image:
		pictures := each(parts, func(p chiasm.Part) stdimage.Image { return p.Image })
		if e.most(c) > 1 {
			return flat(e.model.EmbedImageTokens(ctx, pictures))
		}
		return chiasm.Vectors(e.model.EmbedImages(ctx, pictures))
	case Audio:
		sounds := each(parts, func(p chiasm.Part) chiasm.Sound { return *p.Sound })
		if e.most(c) > 1 {
			return flat(e.model.EmbedAudioTokens(ctx, sounds))
		}
		return chiasm.Vectors(e.model.EmbedAudios(ctx, sounds))
	}
	out := make([][]float32, len(parts))
	for i, p := range parts {
		var err error
		if out[i], err = e.watch(ctx, p.Video); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// watch is the vector of a video: the model's own, or the mean direction of its frames', behind which these are the tokens.
func (e *encoder) watch(ctx context.Context, v *chiasm.Video) ([]float32, error) {
	if e.model.Watches() {
		x, err := e.model.EmbedVideo(ctx, v)
		return x.Values, err
	}
	if len(v.Frames) == 0 {
		return nil, errors.New("decision: a video without frames")
	}
	all, err := e.model.EmbedImages(ctx, v.Frames)
	if err != nil {
		return nil, err
	}
	sum, length := make([]float32, len(all[0].Values)), 0.0
	for _, x := range all {
		for i, f := range x.Values {
			sum[i] += f
		}
	}
	for _, f := range sum {
		length += float64(f) * float64(f)
	}
	for i := range sum {
		sum[i] /= float32(max(math.Sqrt(length), 1e-12))
	}
	if e.shows == Tokens {
		for _, x := range all[:min(len(all), frames)] {
			sum = append(sum, x.Values...)
		}
	}
	return sum, nil
}

func each[P, T any](list []P, f func(P) T) []T {
	out := make([]T, len(list))
	for i, p := range list {
		out[i] = f(p)
	}
	return out
}

// content is the hash of what a cell holds.
func (c Column) content(cell string) (k key, err error) {
	if !c.media() {
		return sha256.Sum256([]byte(cell)), nil
	}
	f, err := os.Open(cell)
	if err != nil {
		return k, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return k, err
	}
	return key(h.Sum(nil)), nil
}

// keyed is under what the features of a content are kept.
func (e *encoder) keyed(c Column, content key) key {
	return sha256.Sum256([]byte(fmt.Sprintf("%s\n%s\n%x", e.space, c.Kind, content)))
}

// readers is how many files are decoded at once, batch how many go through the model together.
const readers, batch = 4, 16

// readAll decodes cells, several at once. One that cannot be read has an error of its own.
func (e *encoder) readAll(ctx context.Context, c Column, cells []string) ([]chiasm.Part, []error) {
	parts, errs := make([]chiasm.Part, len(cells)), make([]error, len(cells))
	var wait sync.WaitGroup
	for r := range readers {
		wait.Go(func() {
			for i := r; i < len(cells); i += readers {
				parts[i], errs[i] = e.part(ctx, c, cells[i])
			}
		})
	}
	wait.Wait()
	return parts, errs
}
