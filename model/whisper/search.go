package whisper

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/chiasm/chiasm/internal/par"
	"github.com/chiasm/chiasm/tensor"
)

// A scorer tells how likely tokens are to follow texts, of which it keeps several at a time: a [*Decoder].
type scorer interface {
	Start(p *tensor.Pass, windows []int32, prompts [][]int32, rows []int32) *tensor.Tensor
	Step(p *tensor.Pass, ids []int32) *tensor.Tensor
	Keep(from []int32)
}

// A hypothesis is a text in the making.
type hypothesis struct {
	ids    []int32
	sum    float64 // of the logarithms of the probabilities, that of the end included once it has one
	stream uint64  // decides what is drawn
}

// A task is one text to be found.
type task struct {
	window int32        // which window of those that the decoder hears
	prompt []int32      // what the decoder has read before
	start  int          // where in it the window's own part begins
	seed   uint64       // of the window
	key    uint64       // decides what is drawn: of the window and the temperature
	live   []hypothesis // that go on: rows of the decoder, in their order
	next   []hypothesis // what becomes of them
	done   []hypothesis // that have come to an end
	over   bool
	limit  int // tokens

	noSpeech float64 // the probability that nothing is said, from what follows the prompt's start
}

// A plan is how a search goes about it.
type plan struct {
	rules       *rules
	temperature float32 // above 0 tokens are drawn
	beam        int     // hypotheses that are followed at temperature 0
	finished    int     // how many finished hypotheses end the search with a beam
	samples     int     // hypotheses that are drawn
	penalty     float64 // of length
	context     int     // tokens that the decoder can read
	tokens      int     // and write
	workers     int
}

// width is how many hypotheses of a window are followed.
func (p *plan) width() int {
	if p.temperature > 0 {
		return p.samples
	}
	return p.beam
}

func (p *plan) beaming() bool { return p.temperature == 0 && p.beam > 1 }

// A search finds likely texts for several windows at once. Its memory serves one search after the other.
type search struct {
	plan
	tasks   []*task
	rows    []row
	logits  []float32
	vocab   int
	from    []int32 // of each hypothesis that goes on: which row it continues
	ids     []int32 // and by which token
	windows []int32
	prompts [][]int32
	wanted  []int32   // rows of the prompts: the last of each, then the start of each
	free    [][]int32 // memory of hypotheses that came to nothing
	found   []candidate
}

// A row is one row of logits and what comes of it.
type row struct {
	task    *task
	text    *hypothesis
	choices []choice
}

// A candidate is a text that goes on by a token.
type candidate struct {
	choice
	row int // of the task
	sum float64
}

// run searches and leaves in each task its finished hypotheses, the best first. The pass is the search's own.
//
// With a beam it is the search of openai/whisper: each step the likeliest continuations of all hypotheses are gone through from the best on,
// those that end are put aside, the first others are followed; the search ends when enough are put aside. Hypotheses are ranked at the end by
// the logarithm of their probability over length^penalty, as in CTranslate2, which for the penalty 1 is openai/whisper's ranking too.
func (s *search) run(ctx context.Context, p *tensor.Pass, d scorer, noSpeech int32, tasks []*task) error {
	s.begin(tasks)
	p.Reset(ctx)
	logits := d.Start(p, s.windows, s.prompts, s.wanted).Floats()
	if err := ended(ctx); err != nil {
		return err
	}
	vocab := len(logits) / len(s.wanted)
	for i, t := range tasks {
		if noSpeech >= 0 {
			t.noSpeech = probability(logits[(len(tasks)+i)*vocab:][:vocab], noSpeech)
		}
	}
	for {
		s.judge(logits, vocab)
		s.advance()
		if len(s.ids) == 0 {
			break
		}
		if !s.same() {
			d.Keep(s.from)
		}
		p.Reset(ctx)
		logits = d.Step(p, s.ids).Floats()
		if err := ended(ctx); err != nil {
			return err
		}
	}
	for _, t := range tasks {
		s.finish(t)
	}
	return nil
}

func (s *search) begin(tasks []*task) {
	s.tasks = tasks
	s.windows, s.prompts, s.wanted = s.windows[:0], s.prompts[:0], s.wanted[:0]
	row := 0
	for _, t := range tasks {
		row += len(t.prompt)
		s.windows, s.prompts, s.wanted = append(s.windows, t.window), append(s.prompts, t.prompt), append(s.wanted, int32(row-1))
		s.recycle(t.live)
		s.recycle(t.done)
		t.live, t.done, t.over = append(t.live[:0], hypothesis{ids: s.take()}), t.done[:0], false
		t.limit = min(s.tokens, s.context+1-len(t.prompt))
	}
	row = 0
	for _, t := range tasks {
		s.wanted = append(s.wanted, int32(row+t.start))
		row += len(t.prompt)
	}
}

// judge finds the choices of every row.
func (s *search) judge(logits []float32, vocab int) {
	s.rows = s.rows[:0]
	for _, t := range s.tasks {
		if t.over {
			continue
		}
		for i := range t.live {
			n := len(s.rows)
			s.rows = slices.Grow(s.rows, 1)[:n+1] // with the memory of choices made before
			r := &s.rows[n]
			r.task, r.text, r.choices = t, &t.live[i], r.choices[:0]
		}
	}
	s.logits, s.vocab = logits, vocab
	par.Do(s, len(s.rows), s.workers)
}

// Run finds the choices of one row.
func (s *search) Run(i int) {
	r := &s.rows[i]
	logits := s.logits[i*s.vocab:][:s.vocab]
	lo, hi := s.rules.apply(logits, r.text.ids)
	logits = logits[lo:hi]
	if s.temperature == 0 {
		n := 1
		if s.beaming() {
			n = s.beam + 1 // one of them may be the end
		}
		r.choices = best(r.choices, logits, lo, n)
		return
	}
	n := 1
	if len(r.text.ids) == 0 {
		n = s.samples // all begin with one row
	}
	for k := range n {
		if c, ok := draw(logits, lo, s.temperature, uniform(r.task.stream(r.text, k), len(r.text.ids))); ok {
			r.choices = append(r.choices, c)
		}
	}
}

// stream decides what is drawn for the text that goes on from this one with its k-th choice. It depends neither on the other windows nor
// on which texts have come to an end.
func (t *task) stream(from *hypothesis, k int) uint64 {
	if len(from.ids) > 0 {
		return from.stream
	}
	return mix(t.key + uint64(k))
}

// advance writes the next token of every hypothesis, and puts aside what is finished.
func (s *search) advance() {
	s.from, s.ids = s.from[:0], s.ids[:0]
	for at := 0; at < len(s.rows); {
		t := s.rows[at].task
		rows := s.rows[at : at+len(t.live)]
		s.candidates(rows)
		s.follow(t, at)
		s.recycle(t.live)
		t.live, t.next = t.next, t.live[:0]
		if s.beaming() && len(t.done) >= s.finished || len(t.live) == 0 || len(t.live[0].ids) >= t.limit {
			t.over = true
			s.from, s.ids = s.from[:len(s.from)-len(t.live)], s.ids[:len(s.ids)-len(t.live)]
		}
		at += len(rows)
	}
}

// candidates gathers the continuations of a task's rows: with a beam the likeliest first.
func (s *search) candidates(rows []row) {
	s.found = s.found[:0]
	for i, r := range rows {
		for _, c := range r.choices {
			s.found = append(s.found, candidate{c, i, r.text.sum + float64(c.logProb)})
		}
	}
	if s.beaming() {
		slices.SortStableFunc(s.found, func(a, b candidate) int { return cmp.Compare(b.sum, a.sum) })
	}
}

// follow makes t.next of the candidates, from row at of all rows on.
func (s *search) follow(t *task, at int) {
	for k, c := range s.found {
		old := &t.live[c.row]
		ends := c.id == s.rules.end
		if ends && s.beaming() && len(t.done) >= s.finished {
			continue
		}
		h := hypothesis{append(s.take(), old.ids...), c.sum, t.stream(old, k)}
		if ends {
			t.done = append(t.done, h)
			continue
		}
		h.ids = append(h.ids, c.id)
		t.next = append(t.next, h)
		s.from, s.ids = append(s.from, int32(at+c.row)), append(s.ids, c.id)
		if len(t.next) == s.width() {
			break
		}
	}
}

// finish takes unfinished hypotheses where too few have come to an end, and ranks them.
func (s *search) finish(t *task) {
	for _, h := range t.live { // the likeliest first
		if s.beaming() && len(t.done) >= s.beam {
			break
		}
		h.ids = append(s.take(), h.ids...)
		t.done = append(t.done, h)
	}
	if len(t.done) == 0 { // every token was forbidden, or none is a number
		t.done = append(t.done, hypothesis{ids: s.take(), sum: math.Inf(-1)})
	}
	slices.SortStableFunc(t.done, func(a, b hypothesis) int { return cmp.Compare(s.score(&b), s.score(&a)) })
}

func (s *search) score(h *hypothesis) float64 {
	return h.sum / math.Pow(float64(max(len(h.ids), 1)), s.penalty)
}

// same tells whether every row goes on where it is.
func (s *search) same() bool {
	for i, r := range s.from {
		if int(r) != i {
			return false
		}
	}
	return len(s.from) == len(s.rows)
}

// take and recycle keep the memory of ids.
func (s *search) take() []int32 {
	n := len(s.free)
	if n == 0 {
		return make([]int32, 0, s.tokens+1)
	}
	ids := s.free[n-1]
	s.free = s.free[:n-1]
	return ids[:0]
}

func (s *search) recycle(texts []hypothesis) {
	for _, h := range texts {
		s.free = append(s.free, h.ids)
	}
}
