package whisper

import (
	"fmt"
	"slices"

	"github.com/chiasm/chiasm/tensor"
)

// A Decoder keeps what has been heard of some windows, and what its hypotheses, each of which listens to one of them, have said so far.
// Its memory stays from window to window and grows with the number of windows and hypotheses at once. One goroutine uses it at a time.
type Decoder struct {
	model   *Model
	self    []*tensor.KV // of each layer; a slot is a line of text
	cross   []*tensor.KV // of each layer; a slot is a window
	half    bool         // cross keeps half precision
	windows int

	// Of each hypothesis:
	window  []int32
	slot    []int32
	lengths []int32 // positions used

	// history holds, of each slot, a number for each position that no other computation had: where two slots have the same numbers,
	// they hold the same.
	history [][]uint64
	number  uint64

	spare struct{ window, slot, lengths []int32 } // what Keep fills
	free  []int32
}

// NewDecoder makes a decoder that has heard nothing.
func (m *Model) NewDecoder() *Decoder {
	c := &m.Config
	return &Decoder{model: m, self: m.kvs(c.Context, false), cross: m.kvs(c.Frames, false)}
}

// kvs makes what is kept of room positions in each layer.
func (m *Model) kvs(room int, half bool) (kvs []*tensor.KV) {
	c := &m.Config
	for range c.Decoder.Layers {
		kvs = append(kvs, tensor.NewKV(c.Decoder.Heads, c.Width/c.Decoder.Heads, room, half))
	}
	return kvs
}

func misuse(op, want string, got ...any) {
	panic(&tensor.ShapeError{Op: "whisper: " + op, Want: want, Got: fmt.Sprint(got...)})
}

// Hear listens to what [Model.Encode] made of windows, [B, Frames, C], and forgets everything before. What it keeps of them is most of
// what a step reads in small models: it is kept in half precision if the model's products read other formats than float32.
func (d *Decoder) Hear(heard *tensor.Tensor) {
	c := &d.model.Config
	if heard.Rows()%c.Frames != 0 || heard.Dim(-1) != c.Width {
		misuse("hear", fmt.Sprintf("windows [B, %d, %d]", c.Frames, c.Width), heard)
	}
	d.windows = heard.Rows() / c.Frames
	d.forget()
	if half := d.model.Text.Blocks[0].Cross.Key.Weight.Format() != tensor.FormatF32; half != d.half {
		d.half, d.cross = half, d.model.kvs(c.Frames, half)
	}
	p := heard.Pass()
	seq, slots, at := p.Spans(d.windows, c.Frames), p.Steps(d.windows, 1), p.Steps(d.windows, 0)
	for i, b := range d.model.Text.Blocks {
		m := p.Mark()
		d.cross[i].Put(heard.LinearCat(b.Cross.Key.Weight, nil, b.Cross.Value.Weight, b.Cross.Value.Bias), seq, slots, at)
		p.Keep(m, heard)
	}
}

// forget ends all hypotheses.
func (d *Decoder) forget() {
	d.window, d.slot, d.lengths = d.window[:0], d.slot[:0], d.lengths[:0]
}

// Len is the number of positions that hypothesis i has used.
func (d *Decoder) Len(i int) int { return int(d.lengths[i]) }

// Hypotheses is how many there are.
func (d *Decoder) Hypotheses() int { return len(d.lengths) }

// Room is how many more tokens every hypothesis can say.
func (d *Decoder) Room() int {
	longest := int32(0)
	for _, n := range d.lengths {
		longest = max(longest, n)
	}
	return d.model.Config.Context - int(longest)
}

// Start makes new hypotheses, in place of all that there were: number i listens to windows[i] and has read prompts[i], one token or more.
// It returns the logits behind some of the tokens read, [n, V]: those whose numbers rows gives, counted through all prompts one after the
// other, or with nil the last of each prompt. Hypotheses that follow each other and listen to the same window are computed together.
func (d *Decoder) Start(p *tensor.Pass, windows []int32, prompts [][]int32, rows []int32) *tensor.Tensor {
	if len(windows) != len(prompts) || len(windows) == 0 {
		misuse("start", "a window for every prompt", len(windows), " for ", len(prompts))
	}
	d.forget()
	seq := p.Spans(len(prompts), 0)
	total := 0
	for i, prompt := range prompts {
		if len(prompt) == 0 || len(prompt) > d.model.Config.Context || windows[i] < 0 || int(windows[i]) >= d.windows {
			misuse("start", fmt.Sprintf("a prompt of 1 to %d tokens for one of %d windows", d.model.Config.Context, d.windows), len(prompt), " tokens for window ", windows[i])
		}
		total += len(prompt)
		seq[i+1] = int32(total)
		d.window, d.slot, d.lengths = append(d.window, windows[i]), append(d.slot, int32(i)), append(d.lengths, 0)
	}
	ids := p.Integers(total)
	for i, prompt := range prompts {
		copy(ids[seq[i]:], prompt)
	}
	if rows == nil {
		rows = p.Integers(len(prompts))
		for i := range rows {
			rows[i] = seq[i+1] - 1
		}
	}
	return d.read(p, ids, seq, rows)
}

// Step lets hypothesis i say ids[i], and returns the logits of what comes next, [hypotheses, V].
func (d *Decoder) Step(p *tensor.Pass, ids []int32) *tensor.Tensor {
	if len(ids) != len(d.lengths) || len(ids) == 0 || d.Room() < 1 {
		misuse("step", "a token for every hypothesis, and room for it", len(ids), " for ", len(d.lengths), " with room for ", d.Room())
	}
	return d.read(p, ids, p.Spans(len(ids), 1), nil)
}

// read lets hypothesis i read the rows of seq that are its own, and returns the logits behind some of them, or behind all for nil.
func (d *Decoder) read(p *tensor.Pass, ids []int32, seq tensor.Spans, rows []int32) *tensor.Tensor {
	at := p.Integers(len(d.lengths))
	copy(at, d.lengths)
	positions := p.Integers(len(ids))
	for i := range d.lengths {
		for r := seq[i]; r < seq[i+1]; r++ {
			positions[r] = d.lengths[i]
			d.remember(int(d.slot[i]), int(d.lengths[i]))
			d.lengths[i]++
		}
	}
	queries, windows, frames := d.listeners(p, seq)
	t := d.model.Text
	x := p.Ints(ids, len(ids)).Lookup(t.Embed).Add(p.Ints(positions, len(ids)).Lookup(t.Positions))
	for i, b := range t.Blocks {
		m := p.Mark()
		qkv := b.Norm1.Forward(x).LinearCat(b.Self.Query.Weight, b.Self.Query.Bias, b.Self.Key.Weight, nil, b.Self.Value.Weight, b.Self.Value.Bias)
		d.self[i].Put(qkv, seq, d.slot, at)
		x = qkv.AttendKV(d.self[i], seq, d.slot, d.lengths, true).LinearAdd(b.Self.Out.Weight, b.Self.Out.Bias, x)
		q := b.Cross.Query.Forward(b.Norm2.Forward(x))
		x = q.AttendKV(d.cross[i], queries, windows, frames, false).LinearAdd(b.Cross.Out.Weight, b.Cross.Out.Bias, x)
		x = p.Keep(m, b.MLP.Forward(b.Norm3.Forward(x), x))
	}
	if rows != nil {
		x = x.Select(rows)
	}
	return t.logits(x)
}

// remember gives a position of a slot a number of its own.
func (d *Decoder) remember(slot, position int) {
	for len(d.history) <= slot {
		d.history = append(d.history, make([]uint64, 0, d.model.Config.Context))
	}
	d.number++
	d.history[slot] = append(d.history[slot][:position], d.number)
}

// listeners joins the rows of neighbouring hypotheses that listen to the same window: their keys and values are read once for all.
func (d *Decoder) listeners(p *tensor.Pass, seq tensor.Spans) (queries tensor.Spans, windows, frames []int32) {
	n := len(d.window)
	queries, windows, frames = p.Spans(n, 0)[:1], p.Integers(n)[:0], p.Integers(n)[:0]
	for i, w := range d.window {
		if i > 0 && w == d.window[i-1] {
			queries[len(queries)-1] = seq[i+1]
			continue
		}
		queries, windows, frames = append(queries, seq[i+1]), append(windows, w), append(frames, int32(d.model.Config.Frames))
	}
	return queries, windows, frames
}

// Keep makes hypothesis i a copy of what was hypothesis from[i]; those that from does not name end. Only what a copy does not have in
// common with the line of text that it takes the place of is copied.
func (d *Decoder) Keep(from []int32) {
	s := &d.spare
	s.window, s.slot, s.lengths = s.window[:0], s.slot[:0], s.lengths[:0]
	d.free = d.free[:0]
	for slot := range int32(len(d.history)) {
		i := slices.Index(d.slot, slot)
		if i < 0 || !slices.Contains(from, int32(i)) {
			d.free = append(d.free, slot)
		}
	}
	for _, f := range from {
		if f < 0 || int(f) >= len(d.slot) {
			misuse("keep", fmt.Sprintf("one of %d hypotheses", len(d.slot)), f)
		}
		slot := d.slot[f]
		if slices.Contains(s.slot, slot) {
			slot = d.copySlot(slot, int(d.lengths[f]))
		}
		s.window, s.slot, s.lengths = append(s.window, d.window[f]), append(s.slot, slot), append(s.lengths, d.lengths[f])
	}
	s.window, d.window = d.window, s.window
	s.slot, d.slot = d.slot, s.slot
	s.lengths, d.lengths = d.lengths, s.lengths
}

// copySlot copies the first n positions of a slot to a free one, that which has most of them already, and returns it.
func (d *Decoder) copySlot(from int32, n int) int32 {
	best, common := -1, -1
	for i, slot := range d.free {
		if c := d.common(slot, from, n); c > common {
			best, common = i, c
		}
	}
	to := int32(len(d.history))
	if best >= 0 {
		to = d.free[best]
		d.free = slices.Delete(d.free, best, best+1)
	} else {
		common = 0
		d.history = append(d.history, make([]uint64, 0, d.model.Config.Context))
	}
	for i := range d.self {
		d.self[i].Copy(int(to), int(from), common, n)
	}
	d.history[to] = append(d.history[to][:common], d.history[from][common:n]...)
	return to
}

// common is how many of the first n positions two slots have in common.
func (d *Decoder) common(a, b int32, n int) int {
	x, y := d.history[a], d.history[b]
	n = min(n, len(x), len(y))
	for i := range n {
		if x[i] != y[i] {
			return i
		}
	}
	return n
}
