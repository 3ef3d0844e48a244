package decision

import (
	"context"
	"errors"
	"fmt"
	stdimage "image"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/fusion"
	"github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/train"
	"github.com/chiasm/chiasm/tunable"
)

// The ways of the encoder while a fused model learns: it stays as it is, low-rank adapters of it learn, or all of it does.
const (
	Frozen = "frozen"
	LoRA   = "lora"
	All    = "all"
)

// A Tuning says how the encoder learns with what fuses its vectors, by the loss of the decisions. Of a model of several towers those learn that the
// columns need.
type Tuning struct {
	Way       string  // Frozen, LoRA or All; "" for Frozen
	Rate      float64 // of its learning, at its highest; 0 for 3e-4 of LoRA, 3e-5 of All
	Rank      int     // of the adapters, which count twice; 0 for 8
	Part      int     // rows in memory at once, 0 for all of a step; the result is that of the step
	Recompute bool    // activations are computed again on the way back: less memory, more time
	// Reopen opens the tuned encoder, in a folder, for the measurement; nil for chiasm.Open.
	Reopen func(ctx context.Context, folder string) (*chiasm.Model, error)
}

// encoderFolder is where a fused model keeps an encoder that was tuned with it.
const encoderFolder = "encoder"

func (t *Tuning) tunes() bool { return t.Way != "" && t.Way != Frozen }

func (t *Tuning) check() error {
	switch {
	case !slices.Contains([]string{"", Frozen, LoRA, All}, t.Way):
		return fmt.Errorf("decision: encoder %q: want frozen, lora or all", t.Way)
	case t.Rate < 0 || t.Rank < 0 || t.Part < 0:
		return fmt.Errorf("decision: the encoder's rate %v, rank %d, parts of %d rows: want no negative numbers", t.Rate, t.Rank, t.Part)
	}
	if t.Rate == 0 {
		if t.Rate = 3e-4; t.Way == All {
			t.Rate = 3e-5
		}
	}
	if t.Rank == 0 {
		t.Rank = 8
	}
	return nil
}

// A tuner is an encoder that learns.
type tuner struct {
	*Tuning
	model    *tunable.Model
	encoder  *encoder // reads files
	table    *Table
	ctx      context.Context
	adapters *train.Adapters
	learnt   iter.Seq2[string, *tensor.Tensor] // by gradient, or through adapters
	pixels   [][]float32                       // of each column, in use by the pass
	kept     map[[2]int32]input
	bytes    int // of what is kept
}

// newTuner opens the model's weights once more, to be changed. The error says why they cannot be.
func (t *Tuning) newTuner(m *chiasm.Model, table *Table) (*tuner, error) {
	info := m.Info()
	switch {
	case info.Path == "":
		return nil, fmt.Errorf("decision: the encoder %s, which is inside the program, cannot be tuned: want a CLIP, SigLIP or CLAP, or leave it frozen", m.Name())
	case m.Space().Text != "":
		return nil, errors.New("decision: an encoder whose texts another model reads cannot be tuned: want one model, or leave it frozen")
	}
	if !slices.ContainsFunc(table.Columns, func(c Column) bool { return c.Kind != Number }) {
		return nil, errors.New("decision: all columns are numbers: there is no encoder to tune")
	}
	model, err := tunable.Open(info.Path)
	if err != nil {
		return nil, fmt.Errorf("decision: the encoder cannot be tuned, leave it frozen: %w", err)
	}
	if d := m.Space().Dimension; d != model.Dimension() {
		return nil, errors.Join(fmt.Errorf("decision: an encoder whose vectors are cut to %d of %d values cannot be tuned: want all of them, or leave it frozen", d, model.Dimension()), model.Close())
	}
	return &tuner{Tuning: t, model: model, table: table, kept: map[[2]int32]input{}, pixels: make([][]float32, len(table.Columns))}, nil
}

// prepare chooses what learns: the towers that the columns need.
func (t *tuner) prepare(seed uint64, workers int) error {
	texts, media := false, false
	for _, c := range t.table.Columns {
		texts, media = texts || c.Kind == Text, media || c.media()
	}
	params := train.Except(nn.Params(t.model.Params()), append([]string{"logit_scale*", "logit_bias"}, t.model.Spare...)...)
	if !media {
		params = train.Except(params, t.model.Tower...)
	}
	if !texts {
		params = train.Only(params, t.model.Tower...)
	}
	t.learnt = params
	if t.Way == All {
		return nil
	}
	var targets []string
	for _, pattern := range tunable.Attention {
		if len(train.Unmatched(params, pattern)) == 0 {
			targets = append(targets, pattern)
		}
	}
	if len(targets) == 0 {
		return errors.New("decision: the encoder's tower for these columns has no attention to adapt: want all in place of lora")
	}
	var err error
	t.adapters, err = train.LoRA{Rank: t.Rank, Alpha: 2 * float64(t.Rank), Patterns: targets}.Adapt(params, seed, workers)
	return err
}

// tuning is that of a fusion.
func (t *tuner) tuning() *fusion.Tuning {
	f := &fusion.Tuning{Adapters: t.adapters, Rate: t.Rate, Part: t.Part, Recompute: t.Recompute, Embed: t.embed}
	if t.adapters == nil {
		f.Params = t.learnt
	}
	return f
}

// count is how many values of the encoder learn.
func (t *tuner) count() (n int) {
	params := t.learnt
	if t.adapters != nil {
		params = t.adapters.Params()
	}
	for _, p := range params {
		n += p.Len()
	}
	return n
}

// An input is a cell as the towers take it.
type input struct {
	ids    []int32
	pixels []float32 // [frames, 3, H, W]
	frames int
	sound  []float32
}

// mostKept is how many bytes of inputs are kept in memory, so that files need not be read anew in every epoch.
const mostKept = 1 << 30

// inputs are the cells of a column in some rows.
func (t *tuner) inputs(column int, rows []int32) ([]input, error) {
	c, list := t.table.Columns[column], make([]input, len(rows))
	var cells []string
	var at []int
	for i, row := range rows {
		in, ok := t.kept[[2]int32{int32(column), row}]
		if list[i] = in; !ok {
			cells, at = append(cells, t.table.Rows[row].Cells[column]), append(at, i)
		}
	}
	parts, errs := t.encoder.readAll(t.ctx, c, cells)
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("decision: column %q: it could be read before: %w", c.Name, err)
	}
	for k, p := range parts {
		in := t.input(c, p)
		list[at[k]] = in
		if size := 4 * (len(in.ids) + len(in.pixels) + len(in.sound)); t.bytes+size <= mostKept {
			t.kept[[2]int32{int32(column), rows[at[k]]}] = in
			t.bytes += size
		}
	}
	return list, nil
}

func (t *tuner) input(c Column, p chiasm.Part) (in input) {
	switch c.Kind {
	case Text:
		in.ids = t.model.IDs(p.Text)
	case Audio:
		in.sound = p.Sound.Samples
	case Image:
		in.pixels, in.frames = t.picture(nil, p.Image), 1
	case Video:
		for _, f := range p.Video.Frames {
			in.pixels = t.picture(in.pixels, f)
			in.frames++
		}
	}
	return in
}

// picture appends what the tower sees of a picture to pixels.
func (t *tuner) picture(pixels []float32, img stdimage.Image) []float32 {
	p := t.model.Image.Pixels()
	w, h := p.Size()
	n := len(pixels)
	pixels = append(pixels, make([]float32, 3*w*h)...)
	p.Apply(pixels[n:], image.From(img))
	return pixels
}

// embed makes the vectors of a column in some rows, as [fusion.Tuning] says: of length 1, as the frozen model does.
func (t *tuner) embed(p *tensor.Pass, column int, rows []int32) (*tensor.Tensor, error) {
	c := t.table.Columns[column]
	if c.Kind == Number {
		return nil, nil
	}
	list, err := t.inputs(column, rows)
	if err != nil {
		return nil, err
	}
	var x *tensor.Tensor
	switch c.Kind {
	case Text:
		x, err = t.model.EmbedText(p, each(list, func(in input) []int32 { return in.ids }))
	case Audio:
		x, err = t.model.Sound.EmbedAudio(p, each(list, func(in input) []float32 { return in.sound }))
	default:
		x = t.see(p, column, list)
	}
	if err != nil {
		return nil, fmt.Errorf("decision: column %q: %w", c.Name, err)
	}
	return x.Normalize(tunable.Shortest), nil
}

// see makes the vectors of pictures, or the mean directions of frames.
func (t *tuner) see(p *tensor.Pass, column int, list []input) *tensor.Tensor {
	pixels, seq := t.pixels[column][:0], p.Integers(len(list)+1)
	seq[0] = 0
	for i, in := range list {
		pixels = append(pixels, in.pixels...)
		seq[i+1] = seq[i] + int32(in.frames)
	}
	t.pixels[column] = pixels
	w, h := t.model.Image.Pixels().Size()
	x := t.model.Image.EmbedImage(p.Input(pixels, int(seq[len(list)]), 3, h, w))
	if t.table.Columns[column].Kind == Video {
		x = x.Normalize(tunable.Shortest).MeanRows(tensor.Spans(seq), 0)
	}
	return x
}

// write puts the tuned model into a folder, merged with its adapters, where it opens like any other.
func (t *tuner) write(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("decision: %w", err)
	}
	err := t.model.Furnish(folder)
	if err == nil {
		err = t.model.Publish(folder)
	}
	if err != nil {
		return fmt.Errorf("decision: the tuned encoder: %w", err)
	}
	return nil
}

// reopen opens what write wrote, as whoever uses the model will.
func (t *tuner) reopen(ctx context.Context, temp string, workers int) (*chiasm.Model, error) {
	folder := filepath.Join(temp, encoderFolder)
	if t.Reopen != nil {
		return t.Reopen(ctx, folder)
	}
	return chiasm.Open(ctx, folder, &chiasm.Options{Offline: true, Workers: workers, Cache: "off"})
}

// again gives samples the features that another encoder makes of what they are of.
func (x *material) again(ctx context.Context, t *Table, e *encoder, d *fusion.Data, progress func(done, of int)) (*fusion.Data, error) {
	some := &Table{Name: t.Name, Columns: t.Columns}
	at := map[int32]int{}
	for _, s := range d.Samples {
		for _, row := range s.Origins {
			if _, ok := at[row]; !ok {
				at[row] = len(some.Rows)
				some.Rows = append(some.Rows, t.Rows[row])
			}
		}
	}
	features, _, err := e.gather(ctx, some, &Seen{Columns: make([]Counts, len(t.Columns))}, false, progress)
	if err != nil {
		return nil, err
	}
	out := d.Without()
	for i := range out.Samples {
		s := &out.Samples[i]
		for k := range s.Features {
			if s.Has(k) {
				s.Features[k] = features[at[s.Origins[k]]].Features[k]
			}
		}
	}
	return out, nil
}
