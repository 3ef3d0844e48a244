package embeddinggemma

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/chiasm/chiasm/model/gemma"
	"github.com/chiasm/chiasm/tensor"
)

// A Model is the towers. Its keys are those of transformers' EmbeddingGemma2Model, but for what [Entries] changes.
type Model struct {
	Text      *gemma.Text     `weight:"language_model"`
	Vision    *gemma.Vision   `weight:"vision_tower"` // nil for a model without, as the next
	VisionIn  *gemma.Embedder `weight:"embed_vision"`
	Hearing   *gemma.Audio    `weight:"audio_tower"` // likewise
	HearingIn *gemma.Embedder `weight:"embed_audio"`
	Config    *Config
	lists     sync.Pool // of *list
}

// New makes a model without values. c must be valid.
func New(c *Config) *Model {
	m := &Model{Text: gemma.NewText(*c.Text), Config: c}
	if v := c.Vision; v != nil {
		m.Vision, m.VisionIn = gemma.NewVision(*v), gemma.NewEmbedder(v.Width, c.Text.Width, v.Eps)
	}
	if a := c.Hearing; a != nil {
		m.Hearing, m.HearingIn = gemma.NewAudio(*a), gemma.NewEmbedder(a.Output, c.Text.Width, a.Eps)
	}
	return m
}

// An Input is a sequence of text and media. IDs are those of the text with its special tokens, and wherever a medium stands, as many of
// its placeholder as it has tokens. The media of a kind are in the order of their places.
type Input struct {
	IDs    []int32
	Images []*tensor.Tensor // pictures [B, 3, H, W] with values from 0 to 1
	Videos []*tensor.Tensor // their frames, likewise
	Sounds []*tensor.Tensor // features [frames, bands], of frames that hear nothing but the sound
}

// Embed maps sequences to vectors [B, D], not normalised.
func (m *Model) Embed(p *tensor.Pass, inputs []Input) (*tensor.Tensor, error) {
	seq := p.Spans(len(inputs), 0)
	for i, in := range inputs {
		if len(in.IDs) == 0 || len(in.IDs) > m.Config.Context() {
			return nil, fmt.Errorf("embeddinggemma: sequence %d has %d tokens, want 1 to %d", i, len(in.IDs), m.Config.Context())
		}
		seq[i+1] = seq[i] + int32(len(in.IDs))
	}
	flat := p.Integers(seq.Rows())
	for i, in := range inputs {
		for j, id := range in.IDs {
			if m.Config.placeholder(id) {
				id = m.Config.Text.Pad // placeholders need not be in the table
			}
			flat[int(seq[i])+j] = id
		}
	}
	x, err := m.Text.Embed(p, flat)
	if err != nil {
		return nil, err
	}
	for i, in := range inputs {
		if err := m.fill(x, in, int(seq[i])); err != nil {
			return nil, fmt.Errorf("embeddinggemma: sequence %d: %w", i, err)
		}
	}
	if err := m.hear(x, inputs, seq); err != nil {
		return nil, err
	}
	return m.Text.Pool(m.Text.Forward(x, seq), seq), nil
}

// fill puts the tokens of what is to see in an input into the rows of x from first on.
func (m *Model) fill(x *tensor.Tensor, in Input, first int) error {
	for _, media := range []struct {
		id     int32
		pixels []*tensor.Tensor
	}{{m.Config.Image, in.Images}, {m.Config.Video, in.Videos}} {
		if len(media.pixels) == 0 {
			continue
		}
		s := slots{x, in.IDs, first, media.id, 0}
		for _, pixels := range media.pixels {
			if err := m.see(&s, pixels); err != nil {
				return err
			}
		}
		if err := s.done(); err != nil {
			return err
		}
	}
	return nil
}

// see puts the tokens of pictures [B, 3, H, W] into their slots, one picture after the other: together they would take much memory.
func (m *Model) see(s *slots, pixels *tensor.Tensor) error {
	if m.Vision == nil {
		return errors.New("a picture, but the model has no tower for it")
	}
	p := pixels.Pass()
	n := pixels.Len() / max(pixels.Dim(0), 1)
	for i := range pixels.Dim(0) {
		mark := p.Mark()
		one := p.Input(pixels.Floats()[i*n:][:n], 1, pixels.Dim(1), pixels.Dim(2), pixels.Dim(3))
		err := s.put(m.VisionIn.Forward(m.Vision.Forward(one)))
		p.Keep(mark, s.x)
		if err != nil {
			return err
		}
	}
	return nil
}

// hear puts the tokens of all sounds into their slots in x. They go through the tower together.
func (m *Model) hear(x *tensor.Tensor, inputs []Input, seq tensor.Spans) error {
	p, count, rows := x.Pass(), 0, 0
	for _, in := range inputs {
		count += len(in.Sounds)
		for _, s := range in.Sounds {
			if m.Hearing == nil {
				return errors.New("embeddinggemma: a sound, but the model has no tower for it")
			}
			rows += m.Config.Hearing.Tokens(s.Dim(0))
		}
	}
	if count == 0 {
		return nil
	}
	spans := p.Spans(count, 0)
	mark := p.Mark()
	y, n := p.Empty(rows, m.Config.Hearing.Width), 0
	for _, in := range inputs {
		for _, s := range in.Sounds {
			from := int(spans[n]) * y.Dim(-1)
			spans[n+1] = spans[n] + int32(m.Config.Hearing.Tokens(s.Dim(0)))
			inner := p.Mark()
			copy(y.Floats()[from:], m.Hearing.Subsample(s).Floats())
			p.Keep(inner, y)
			n++
		}
	}
	y = m.HearingIn.Forward(m.Hearing.Forward(y, spans))
	values := y.Floats()
	for i, in := range inputs {
		s := slots{x, in.IDs, int(seq[i]), m.Config.Audio, 0}
		for range in.Sounds {
			c := y.Dim(-1)
			size := int(spans[1]-spans[0]) * c
			if err := s.put(p.Input(values[:size], size/c, c)); err != nil {
				return fmt.Errorf("embeddinggemma: sequence %d: %w", i, err)
			}
			values, spans = values[size:], spans[1:]
		}
		if len(in.Sounds) > 0 {
			if err := s.done(); err != nil {
				return fmt.Errorf("embeddinggemma: sequence %d: %w", i, err)
			}
		}
	}
	p.Keep(mark, x)
	return nil
}

// slots are the rows of x that wait for the tokens of media of one kind.
type slots struct {
	x     *tensor.Tensor
	ids   []int32 // of the rows from first on
	first int
	id    int32 // of the placeholder
	next  int   // where to look for the next one
}

// put fills the next slots with the tokens y [n, C].
func (s *slots) put(y *tensor.Tensor) error {
	c := y.Dim(-1)
	for i := range y.Rows() {
		for s.next < len(s.ids) && s.ids[s.next] != s.id {
			s.next++
		}
		if s.next == len(s.ids) {
			return fmt.Errorf("fewer than %d placeholders %d for a medium", y.Rows(), s.id)
		}
		copy(s.x.Floats()[(s.first+s.next)*c:][:c], y.Floats()[i*c:][:c])
		s.next++
	}
	return nil
}

// done checks that no slot is left.
func (s *slots) done() error {
	if slices.Contains(s.ids[s.next:], s.id) {
		return fmt.Errorf("more placeholders %d than tokens of media", s.id)
	}
	return nil
}

// EmbedText maps texts, given as ids with their special tokens and without padding, to vectors [B, D], not normalised.
func (m *Model) EmbedText(p *tensor.Pass, texts [][]int32) (*tensor.Tensor, error) {
	l := m.list()
	defer m.give(l)
	for _, ids := range texts {
		l.inputs = append(l.inputs, Input{IDs: ids})
	}
	return m.Embed(p, l.inputs)
}

// A list is memory for inputs, which is used again: so a call allocates nothing.
type list struct {
	inputs []Input
	media  []*tensor.Tensor
}

func (m *Model) list() *list {
	if l, ok := m.lists.Get().(*list); ok {
		return l
	}
	return &list{}
}

func (m *Model) give(l *list) {
	clear(l.inputs)
	clear(l.media)
	l.inputs, l.media = l.inputs[:0], l.media[:0]
	m.lists.Put(l)
}

// one adds a medium and returns the list of it alone.
func (l *list) one(t *tensor.Tensor) []*tensor.Tensor {
	l.media = append(l.media, t)
	n := len(l.media)
	return l.media[n-1 : n : n]
}
