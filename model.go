package chiasm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	stdimage "image"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// A Model turns texts, pictures, sounds and videos into vectors of one space, or writes down what is said, as its family can. It is safe for
// concurrent use.
type Model struct {
	name, path string            // path is "" inside the program
	shipped    map[string][]byte // its files there, by name; nil elsewhere
	kind       string            // the row of the table of architectures
	space      Space
	family     family
	words      *Model      // reads the texts in place of this model; nil for itself
	text       readsText   // nil where the family has no such tower
	image      seesImages  // likewise
	sound      hearsAudio  // likewise
	pairs      scoresPairs // likewise
	speech     transcribes // likewise
	parts      joinsParts  // likewise
	video      joinsParts  // the same, where it has an image tower
	opts       Options
	format     tensor.Format // in which the products read the weights
	store      store
	passes     sync.Pool // of *tensor.Pass, so that a call reuses the memory of another
	hearers    sync.Pool // of *hearer, likewise
	singles    sync.Pool // of *single, likewise
}

func newModel(f family) *Model {
	m := &Model{family: f}
	m.text, _ = f.(readsText)
	if m.image, _ = f.(seesImages); m.image != nil && m.image.Pixels() == nil { // a model of the family, but without that tower
		m.image = nil
	}
	if m.parts, _ = f.(joinsParts); m.parts != nil && m.parts.FramePixels() != nil {
		m.video = m.parts
	}
	if m.sound, _ = f.(hearsAudio); m.sound != nil && m.sound.AudioRate() == 0 { // likewise
		m.sound = nil
	}
	m.pairs, _ = f.(scoresPairs)
	m.speech, _ = f.(transcribes)
	return m
}

// reader is the model that reads the texts.
func (m *Model) reader() *Model {
	if m.words != nil {
		return m.words
	}
	return m
}

// lacks is the error of a verb that the model has no tower for.
func (m *Model) lacks(verb string) error {
	other := ""
	if m.shipped != nil {
		other = instead(verb)
	}
	return fmt.Errorf("chiasm: %s cannot %s, it takes %s%s: %w", m.name, verb, strings.Join(m.modalities(), " and "), other, errors.ErrUnsupported)
}

func (m *Model) modalities() (list []string) {
	if m.reader().text != nil {
		list = append(list, "text")
	}
	if m.image != nil {
		list = append(list, "image")
	}
	if m.sound != nil {
		list = append(list, "audio")
	}
	if m.video != nil {
		list = append(list, "video")
	}
	if m.speech != nil {
		list = append(list, "speech")
	}
	return list
}

// Close keeps the weights that were packed for the next start, as [Options] has it, and gives back the model's memory. No other method
// may be running or be called afterwards.
func (m *Model) Close() error {
	m.save()
	err := m.family.Close()
	if m.words != nil {
		err = errors.Join(err, m.words.Close())
	}
	if m.store.packed != nil {
		_ = m.store.packed.Close() // what could not be kept will be packed again
	}
	return err
}

// Name is what the model was opened by.
func (m *Model) Name() string { return m.name }

// Precision is what the model computes in: f32, bf16, w8 or int8.
func (m *Model) Precision() string { return m.format.String() }

// Space is what the model's vectors belong to.
func (m *Model) Space() Space { return m.space }

// Context is how many tokens of a text the model reads, 0 if it reads none.
func (m *Model) Context() int {
	text := m.reader().text
	if text == nil {
		return 0
	}
	return text.Context()
}

// Tokens is how a model sees a text.
type Tokens struct {
	IDs       []int32  // with special tokens, neither padded nor cut
	Pieces    []string // the vocabulary's spelling of each id
	Truncated bool     // the model reads fewer: the text is cut, keeping the end token
}

// Tokenize shows how the model sees a text, behind its default prompt if it has one: not at all if it reads none.
func (m *Model) Tokenize(text string) Tokens { return m.TokenizePrompted(m.DefaultPrompt(), text) }

// EmbedText is the embedding of a text. The error is ctx's if that is cancelled.
func (m *Model) EmbedText(ctx context.Context, text string) (Embedding, error) {
	return one(m.EmbedTexts(ctx, []string{text}))
}

// EmbedImage is the embedding of a picture. One that [OpenImage] or [ReadImage] read is what the reference makes of a path; any other
// is taken as it is, over white where it is transparent.
func (m *Model) EmbedImage(ctx context.Context, img stdimage.Image) (e Embedding, err error) {
	err = m.EmbedImageInto(ctx, &e, img)
	return e, err
}

// EmbedImageInto makes e the embedding of a picture, as [Model.EmbedImage] does, its values in the memory of those that it has if that
// suffices: then, in the steady state, nothing is allocated. After an error e is what it was.
func (m *Model) EmbedImageInto(ctx context.Context, e *Embedding, img stdimage.Image) error {
	s := m.single(e)
	s.imgs[0] = img
	return m.into(s, e, m.embedImages(ctx, s.imgs[:], &s.out))
}

// A single is a picture or a sound on its way to its embedding, the first of out's memory.
type single struct {
	imgs   [1]stdimage.Image
	sounds [1]Sound
	out    []Embedding
}

// single begins one whose values go where those of e are.
func (m *Model) single(e *Embedding) *single {
	s, ok := m.singles.Get().(*single)
	if !ok {
		s = &single{out: make([]Embedding, 1)}
	}
	s.out[0] = *e
	s.out = s.out[:0]
	return s
}

// into ends one.
func (m *Model) into(s *single, e *Embedding, err error) error {
	if s.out = s.out[:1]; err == nil {
		*e = s.out[0]
	}
	s.imgs[0], s.sounds[0], s.out[0] = nil, Sound{}, Embedding{}
	m.singles.Put(s)
	return err
}

func one(e []Embedding, err error) (Embedding, error) {
	if err != nil {
		return Embedding{}, err
	}
	return e[0], nil
}

// A tooLong error says that a text is longer than the model reads, under [TruncateError].
type tooLong struct{ index, tokens, limit int }

func (e *tooLong) Error() string {
	return fmt.Sprintf("chiasm: text %d has %d tokens, the model reads %d", e.index, e.tokens, e.limit)
}

// batchTokens is how many tokens go through a tower together: enough that the matrix kernels are at their best, few enough that the
// activations stay small. What comes out does not depend on it.
const batchTokens = 2048

// EmbedTexts is the embeddings of texts, in their order, behind the model's default prompt if it has one.
func (m *Model) EmbedTexts(ctx context.Context, texts []string) ([]Embedding, error) {
	return m.EmbedPrompted(ctx, m.DefaultPrompt(), texts)
}

// read is the embeddings of texts in this model's space.
func (m *Model) read(ctx context.Context, prompt string, texts []string) ([]Embedding, error) {
	out := make([]Embedding, 0, len(texts))
	err := m.inTexts(ctx, prompt, texts, func(p *tensor.Pass, ids [][]int32) error {
		x, err := m.text.EmbedText(p, ids)
		return m.vectors(p, x, err, &out)
	})
	return out, err
}

// inTexts hands the ids of texts to do, as many at a time as go through the tower together.
func (m *Model) inTexts(ctx context.Context, prompt string, texts []string, do func(p *tensor.Pass, ids [][]int32) error) error {
	ids := make([][]int32, len(texts))
	for i, text := range texts {
		all := m.text.Encode(prompt + text).IDs
		fitted, truncated := m.text.Fit(all)
		if truncated && m.opts.Truncate == TruncateError {
			return &tooLong{i, len(all), m.Context()}
		}
		ids[i] = fitted
	}
	for len(ids) > 0 {
		n, tokens := 0, 0
		for n < len(ids) && (n == 0 || tokens+len(ids[n]) <= batchTokens) {
			tokens += len(ids[n])
			n++
		}
		if err := m.within(ctx, func(p *tensor.Pass) error { return do(p, ids[:n]) }); err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}

// EmbedImages is the embeddings of pictures, in their order.
func (m *Model) EmbedImages(ctx context.Context, imgs []stdimage.Image) ([]Embedding, error) {
	out := make([]Embedding, 0, len(imgs))
	err := m.embedImages(ctx, imgs, &out)
	return out, err
}

func (m *Model) embedImages(ctx context.Context, imgs []stdimage.Image, out *[]Embedding) error {
	if m.image == nil {
		return m.lacks("embed pictures")
	}
	return m.inImages(ctx, imgs, func(pixels *tensor.Tensor) error {
		return m.vectors(pixels.Pass(), m.image.EmbedImage(pixels), nil, out)
	})
}

// inImages hands pictures of one size to do, as many at a time as go through the tower together.
func (m *Model) inImages(ctx context.Context, imgs []stdimage.Image, do func(pixels *tensor.Tensor) error) error {
	for len(imgs) > 0 {
		w, h := m.sizeOf(imgs[0])
		n, most := 1, min(len(imgs), batchTokens/m.image.ImageTokens(w, h))
		for n < most {
			if nextW, nextH := m.sizeOf(imgs[n]); nextW != w || nextH != h {
				break
			}
			n++
		}
		if err := m.within(ctx, func(p *tensor.Pass) error { return do(m.pixels(p, m.image.Pixels(), imgs[:n])) }); err != nil {
			return err
		}
		imgs = imgs[n:]
	}
	return nil
}

// sizeOf is the width and height that the model's processor brings a picture to.
func (m *Model) sizeOf(img stdimage.Image) (w, h int) {
	size := img.Bounds()
	return m.image.Pixels().SizeOf(size.Dx(), size.Dy())
}

// preprocesses keeps tasks between calls.
var preprocesses = sync.Pool{New: func() any { return new(preprocess) }}

// A preprocess task brings pictures into the form that the model takes.
type preprocess struct {
	processor *image.Processor
	imgs      []stdimage.Image
	pixels    []float32
}

// Run does picture i.
func (t *preprocess) Run(i int) {
	img, ok := t.imgs[i].(*image.RGB)
	if !ok {
		img = image.From(t.imgs[i])
	}
	n := len(t.pixels) / len(t.imgs)
	t.processor.Apply(t.pixels[i*n:(i+1)*n], img)
}

// run computes vectors [B, D] in a pass of its own and appends them to out, scaled to length 1.
func (m *Model) run(ctx context.Context, forward func(*tensor.Pass) (*tensor.Tensor, error), out *[]Embedding) error {
	return m.within(ctx, func(p *tensor.Pass) error {
		x, err := forward(p)
		return m.vectors(p, x, err, out)
	})
}

// vectors appends what a pass has made, [B, D], to out, scaled to length 1, unless there was an error. Values go where those are that lie in
// the memory of out.
func (m *Model) vectors(p *tensor.Pass, x *tensor.Tensor, err error, out *[]Embedding) error {
	if err == nil {
		err = p.Err()
	}
	if err != nil {
		return fmt.Errorf("chiasm: %s: %w", m.name, err)
	}
	x = m.leading(x)
	raw, unit := x.Floats(), x.Normalize(1e-12).Floats()
	d := x.Dim(-1)
	for i := 0; i < len(raw); i += d {
		l := length(raw[i : i+d])
		if !finite(l) {
			return m.explain()
		}
		n := len(*out)
		*out = slices.Grow(*out, 1)[:n+1]
		e := &(*out)[n]
		*e = Embedding{Values: append(e.Values[:0], unit[i:i+d]...), Length: l, Space: m.space}
	}
	return nil
}

// leading is vectors cut to the dimension of the space.
func (m *Model) leading(x *tensor.Tensor) *tensor.Tensor {
	if m.space.Dimension < x.Dim(-1) {
		return x.Leading(m.space.Dimension)
	}
	return x
}

// within computes in a pass, whose memory is used again unless it fails.
func (m *Model) within(ctx context.Context, compute func(*tensor.Pass) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			shape, ok := r.(*tensor.ShapeError)
			if !ok {
				panic(r)
			}
			err = fmt.Errorf("chiasm: %s: %w", m.name, shape)
		}
	}()
	p, ok := m.passes.Get().(*tensor.Pass)
	if ok {
		p.Reset(ctx)
	} else {
		p = tensor.NewPass(ctx, m.opts.Workers)
	}
	if err := compute(p); err != nil {
		return err
	}
	m.passes.Put(p)
	return nil
}

// explain says why a result is not a finite number.
func (m *Model) explain() error {
	if err := nn.Finite(m.family.Params()); err != nil {
		return fmt.Errorf("chiasm: %s: %w", cmp.Or(m.path, m.name), err)
	}
	return fmt.Errorf("chiasm: %s: the result is not a finite number although all weights are: a value overflowed", m.name)
}

// Processor is what brings pictures into the form that the model takes, nil if it takes none. As the Shrink of [image.Options] it lets
// JPEG files be decoded at a reduced size.
func (m *Model) Processor() *image.Processor {
	if m.image == nil {
		return nil
	}
	return m.image.Pixels()
}

// OpenImage reads a picture from a file as the model takes it: EXIF orientation applied, then RGB, transparency dropped as the reference's
// load_image does, or laid on white by models that were taught so, as the one inside.
func (m *Model) OpenImage(path string) (*image.RGB, error) {
	o := m.Processor().Options()
	return image.Open(path, &o)
}

// OpenImage reads a picture from a file as the reference's load_image does, for any model: EXIF orientation applied, then RGB, transparency dropped.
func OpenImage(path string) (*image.RGB, error) { return image.Open(path, nil) }

// ReadImage is [OpenImage] for a stream.
func ReadImage(r io.Reader) (*image.RGB, error) { return image.Read(r, nil) }

// IsTooLong reports whether err is about a text that is longer than the model reads, under [TruncateError].
func IsTooLong(err error) bool {
	var t *tooLong
	return errors.As(err, &t)
}
