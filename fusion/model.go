package fusion

import (
	"fmt"
	"math"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// How is when modalities come together.
type How string

// Early joins features, late decisions; interactive lets modalities see each other on the way.
const (
	EarlyFusion       How = "early"
	LateFusion        How = "late"
	InteractiveFusion How = "interactive"
)

// A Method is a way of fusing.
type Method string

// The methods. Late is one expert for each modality; a [Combination] joins what they say.
const (
	Late         Method = "late"
	EarlyConcat  Method = "concat"
	EarlyJoint   Method = "joint"
	LowRank      Method = "lmf"
	Gated        Method = "gmu"
	Pairwise     Method = "mult"
	Bottlenecks  Method = "mbt"
	CoAttentive  Method = "coattention"
	defaultWidth        = 32
)

// Methods is all methods, the simplest first.
var Methods = []Method{Late, EarlyConcat, EarlyJoint, LowRank, Gated, Bottlenecks, CoAttentive, Pairwise}

// How is when the method brings modalities together.
func (m Method) How() How {
	switch m {
	case Late:
		return LateFusion
	case EarlyConcat, EarlyJoint:
		return EarlyFusion
	}
	return InteractiveFusion
}

// A Config says what a model is made of. The zero values of its sizes mean what the comments say.
type Config struct {
	Method      Method
	Task        Task
	Modalities  []Modality
	Width       int     // of tokens and vectors within; 0 for 32
	Heads       int     // of attention; 0 for 4
	Layers      int     // of attention; 0 for 2
	Rank        int     // of low-rank fusion; 0 for 4
	Bottlenecks int     // tokens; 0 for 4
	Dropout     float32 // of what is fused, and of what goes into it, while learning
	Auxiliary   bool    // each modality has a head of its own too, that learns beside the fused one
	Aligned     bool    // tokens are told which of another modality in their space they are alike, before they attend; not with Auxiliary
}

func (c Config) filled() Config {
	or := func(v *int, standard int) {
		if *v == 0 {
			*v = standard
		}
	}
	or(&c.Width, defaultWidth)
	or(&c.Heads, 4)
	or(&c.Layers, 2)
	or(&c.Rank, 4)
	or(&c.Bottlenecks, 4)
	return c
}

// An Input brings the features of one modality to the width of the model. The bias of Proj tells one modality from another, as an embedding
// of modalities does; Positions tells a modality's tokens from each other.
type Input struct {
	Mean      *tensor.Tensor `weight:"running_mean"` // of each feature where the model learnt, [Width]
	Var       *tensor.Tensor `weight:"running_var"`
	Proj      *nn.Linear     `weight:"proj"`      // nil where tokens are only what they are told by an [Alignment]
	Positions *tensor.Tensor `weight:"positions"` // [Tokens, C]; nil for vectors
}

// Answers is how the numbers of a Regression lie, [Outputs]: the model learns how many spreads they are from their mean.
type Answers struct {
	Mean   *tensor.Tensor `weight:"mean"`
	Spread *tensor.Tensor `weight:"spread"`
}

// A Model fuses modalities into one decision. Of its ways of fusing one is there. It may be read by many goroutines at once.
type Model struct {
	Config  Config
	Inputs  []*Input      `weight:"inputs"`
	Concat  *Concat       `weight:"concat"`
	Joint   *Joint        `weight:"joint"`
	LMF     *LMF          `weight:"lmf"`
	GMU     *GMU          `weight:"gmu"`
	MulT    *MulT         `weight:"mult"`
	MBT     *MBT          `weight:"mbt"`
	CoAttn  *CoAttention  `weight:"coattention"`
	Head    *nn.Linear    `weight:"head"`  // of what is fused; nil for late fusion
	Solo    [][]*nn.Block `weight:"solo"`  // where vectors are fused: layers of each modality that has tokens, of which its vector is the mean
	Alone   []*nn.Linear  `weight:"alone"` // heads of single modalities: late fusion, or auxiliary; else nil
	Late    *Combination  `weight:"late"`  // late fusion: of what the experts say
	Rule    Rule          // late fusion: how it is joined; "" for Average. Models that differ in it may share the rest
	Answers *Answers      `weight:"answers"` // of a Regression
	Aligned []*Alignment  `weight:"aligned"` // where Config says so, and the method attends

	Similarity *Similarity `weight:"similarity"` // of a Match whose vectors share a space: what is fused adds to it
}

// New makes a model without values; nn.Init or nn.Bind gives it some.
func New(c Config) (*Model, error) {
	c = c.filled()
	if err := c.Task.check(c.Modalities); err != nil {
		return nil, err
	}
	n, w := len(c.Modalities), c.Width
	if w < 1 || c.Heads < 1 || w%c.Heads != 0 || c.Layers < 1 || c.Rank < 1 || c.Bottlenecks < 1 || !(c.Dropout >= 0 && c.Dropout < 1) {
		return nil, fmt.Errorf("fusion: width %d, %d heads, %d layers, rank %d, %d bottlenecks, dropout %v: want a width that the heads divide, 1 or more of each, and dropout from 0 to below 1",
			w, c.Heads, c.Layers, c.Rank, c.Bottlenecks, c.Dropout)
	}
	m, fused := &Model{Config: c}, w
	switch c.Method {
	case Late:
		fused = 0
	case EarlyConcat:
		m.Concat, fused = NewConcat(n, w), 2*w
	case EarlyJoint:
		m.Joint = NewJoint(c.Layers, w, c.Heads)
	case LowRank:
		m.LMF = NewLMF(n, w, c.Rank)
	case Gated:
		m.GMU = NewGMU(n, w)
	case Pairwise:
		if n < 2 {
			return nil, fmt.Errorf("fusion: method %s for one modality, want 2 or more", c.Method)
		}
		m.MulT, fused = NewMulT(n, c.Layers, w, c.Heads), n*(n-1)*w
	case Bottlenecks:
		m.MBT = NewMBT(n, c.Layers, c.Bottlenecks, w, c.Heads)
	case CoAttentive:
		m.CoAttn, fused = NewCoAttention(n, c.Layers, w, c.Heads), n*w
	default:
		return nil, fmt.Errorf("fusion: method %q, want one of %q", c.Method, Methods)
	}
	if c.Aligned && !c.Auxiliary && !c.Method.vectors() {
		m.Aligned = newAlignments(c.Modalities, w)
	}
	for i, k := range c.Modalities {
		in := &Input{Mean: tensor.Statistic(k.Width), Var: tensor.Statistic(k.Width)}
		if !m.told(i) {
			in.Proj = nn.NewLinear(k.Width, w, true)
		}
		if k.Tokens > 1 {
			in.Positions = tensor.Param(k.Tokens, w)
		}
		m.Inputs = append(m.Inputs, in)
		if c.Method.vectors() {
			var solo []*nn.Block
			if k.Tokens > 1 {
				solo = blocks(c.Layers, w, c.Heads)
			}
			m.Solo = append(m.Solo, solo)
		}
		if c.Method == Late || c.Auxiliary {
			m.Alone = append(m.Alone, nn.NewLinear(w, c.Task.Outputs, true))
		}
	}
	if c.Method == Late {
		m.Late = newCombination(c.Task, n)
	}
	if c.Task.Kind == Regression {
		m.Answers = &Answers{tensor.Statistic(c.Task.Outputs), tensor.Statistic(c.Task.Outputs)}
	}
	if c.Task.Kind == Match && c.Method != Late {
		m.Similarity = newSimilarity(c.Modalities)
	}
	if fused > 0 {
		m.Head = nn.NewLinear(fused, c.Task.Outputs, true)
	}
	return m, nil
}

// vectors reports whether a method fuses one vector of each modality rather than tokens. Each of those that have tokens then has layers of its
// own, the same for all such methods: a mean of bare tokens would know nothing of their order.
func (m Method) vectors() bool {
	return m == Late || m == EarlyConcat || m == LowRank || m == Gated
}

// Forward is the logits, or numbers, of the samples of a batch of features: fused [N, Outputs], nil for late fusion; and of each modality by
// itself, for the samples that have it, where the model has such heads.
func (m *Model) Forward(p *tensor.Pass, b Batch) (fused *tensor.Tensor, alone []Set) {
	c := &m.Config
	sets := b.list(0)
	for i, s := range b.Sets {
		if s.X == nil {
			continue
		}
		in := m.Inputs[i]
		x := in.bring(p, s.X, c.Width)
		if in.Positions != nil {
			x = x.AddPositions(in.Positions, s.Seq)
		}
		if m.Solo != nil {
			for _, layer := range m.Solo[i] {
				x = layer.Forward(x, s.Seq)
			}
		}
		sets[i] = Set{x, s.Of, s.Seq}
	}
	m.align(p, b, sets)
	var vectors []Set
	if m.Alone != nil || c.Method.vectors() {
		vectors = pooled(b.list(1), sets, func(x *tensor.Tensor) *tensor.Tensor { return x.Scaled(1).Activate(tensor.GELU).Dropout(c.Dropout) })
	}
	if m.Alone != nil {
		alone = b.list(2)
		for i, v := range vectors {
			if v.X != nil {
				alone[i] = Set{m.Alone[i].Forward(v.X), v.Of, nil}
			}
		}
	}
	if m.Head == nil {
		return nil, alone
	}
	fused = m.Head.Forward(m.fuse(p, b.N, sets, vectors).Dropout(c.Dropout))
	if m.Similarity != nil {
		fused = fused.Add(m.Similarity.Forward(p, b.N, b.Sets))
	}
	return fused, alone
}

func (m *Model) fuse(p *tensor.Pass, n int, sets, vectors []Set) *tensor.Tensor {
	switch {
	case m.Concat != nil:
		return m.Concat.Forward(p, n, vectors)
	case m.Joint != nil:
		return m.Joint.Forward(p, n, sets)
	case m.LMF != nil:
		return m.LMF.Forward(p, n, vectors)
	case m.GMU != nil:
		return m.GMU.Forward(p, n, vectors)
	case m.MulT != nil:
		return m.MulT.Forward(p, n, sets)
	case m.MBT != nil:
		return m.MBT.Forward(p, n, sets)
	}
	return m.CoAttn.Forward(p, n, sets)
}

// bring is features at the width of the model, which is c; zeros where it keeps nothing of what tokens are.
func (in *Input) bring(p *tensor.Pass, x *tensor.Tensor, c int) *tensor.Tensor {
	if in.Proj == nil {
		return zeros(p, x.Rows(), c)
	}
	return in.Proj.Forward(in.standard(x))
}

// standard is features brought to mean 0 and variance 1, as they had where the model learnt: (x - mean)·scale. Where there is no way back to
// go, one walk does it.
func (in *Input) standard(x *tensor.Tensor) *tensor.Tensor {
	p, n, c := x.Pass(), x.Rows(), in.Mean.Len()
	if x.Dim(-1) != c {
		panic(&tensor.ShapeError{Op: "fusion", Want: fmt.Sprintf("features of %d values", c), Got: x.String()})
	}
	mean, scale := in.Mean.Floats(), p.Empty(1, c).Floats()
	for j, v := range in.Var.Floats() {
		scale[j] = 1 / float32(math.Sqrt(float64(v)+1e-6))
	}
	if x.Learns() {
		shifts, scales := p.Empty(n, c), p.Empty(n, c)
		for i := range n {
			copy(scales.Floats()[i*c:], scale)
			for j, v := range mean {
				shifts.Floats()[i*c+j] = -v
			}
		}
		return x.Scaled(1).Add(shifts).Mul(scales)
	}
	y := p.Empty(n, c)
	to, from := y.Floats(), x.Floats()
	for i := range n {
		for j, v := range mean {
			to[i*c+j] = (from[i*c+j] - v) * scale[j]
		}
	}
	return y
}

// newLoss is the loss of the model's task.
func (m *Model) newLoss() loss {
	l := loss{task: m.Config.Task}
	if m.Answers != nil {
		l.mean, l.spread = m.Answers.Mean.Floats(), m.Answers.Spread.Floats()
	}
	return l
}

// measure makes the statistics of inputs and answers those of some samples.
func (m *Model) measure(samples []Sample) {
	if m.Answers != nil {
		n := m.Config.Task.Outputs
		var values []float32
		for i := range samples {
			values = append(values, samples[i].Values...)
		}
		mean, variance := moments(n, values)
		for j := range n {
			m.Answers.Mean.Own()[j], m.Answers.Spread.Own()[j] = float32(mean[j]), float32(math.Sqrt(variance[j])+1e-6)
		}
	}
	for i, in := range m.Inputs {
		var features [][]float32
		for k := range samples {
			features = append(features, samples[k].Features[i])
		}
		mean, variance := moments(m.Config.Modalities[i].Width, features...)
		for j := range mean {
			in.Mean.Own()[j], in.Var.Own()[j] = float32(mean[j]), float32(variance[j])
		}
		in.Mean.Changed()
		in.Var.Changed()
	}
}

// moments is mean and variance of each column of rows of a width.
func moments(width int, rows ...[]float32) (mean, variance []float64) {
	mean, variance = make([]float64, width), make([]float64, width)
	n := 0.0
	for _, r := range rows {
		for j, v := range r {
			mean[j%width] += float64(v)
			variance[j%width] += float64(v) * float64(v)
		}
		n += float64(len(r) / width)
	}
	for j := range mean {
		mean[j] /= max(n, 1)
		variance[j] = max(0, variance[j]/max(n, 1)-mean[j]*mean[j])
	}
	return mean, variance
}
