package swin

import (
	"sync"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// A Tower maps grids of tokens to vectors. Its keys are those of transformers' ClapAudioEncoder, with the names of blocks as
// [nn.Block] has them.
type Tower struct {
	Stages []*Stage      `weight:"layers"`
	Norm   *nn.LayerNorm `weight:"norm"`
	Config Config
	tokens []int32 // rows of the last stage that are tokens; nil for all
}

// A Stage is some blocks on one grid, then a merge.
type Stage struct {
	Blocks []*Block `weight:"blocks"`
	Merge  *Merge   `weight:"downsample"` // nil in the last stage
}

// New makes a tower without values. c must be valid.
func New(c Config) *Tower {
	t := &Tower{Norm: nn.NewLayerNorm(c.Last(), mergeEps), Config: c}
	var last *grid
	for i, depth := range c.Depths {
		rows, cols, width := c.Rows>>i, c.Cols>>i, c.Width<<i
		plain := newGrid(rows, cols, c.Window, 0)
		shifted := newGrid(rows, cols, c.Window, c.Window/2)
		if i > 0 {
			t.Stages[i-1].Merge = newMerge(width/2, plain.merged(last))
		}
		s, at := &Stage{}, plain
		there, back := shifted.from(plain), plain.from(shifted)
		for j := range depth {
			g, moves := plain, back
			if j%2 == 1 && shifted.shift > 0 {
				g, moves = shifted, there
			}
			b := newBlock(&c, width, c.Heads[i], g)
			if g != at {
				b.moves = moves
			}
			s.Blocks, at = append(s.Blocks, b), g
		}
		t.Stages, last = append(t.Stages, s), at
	}
	if len(last.outside) > 0 {
		t.tokens = last.tokens()
	}
	return t
}

// Places says which token of stage i's grid, numbered row by row, each row of the stage's input is; -1 for rows that only fill up
// windows. Stage len(Stages) is the tower's last output.
func (t *Tower) Places(i int) []int32 {
	var g *grid
	if i < len(t.Stages) {
		g = t.Stages[i].Blocks[0].grid
	} else {
		blocks := t.Stages[i-1].Blocks
		g = blocks[len(blocks)-1].grid
	}
	places := make([]int32, len(g.places))
	for row, place := range g.places {
		places[row] = int32(int(place)/g.wide*g.cols + int(place)%g.wide)
	}
	for _, row := range g.outside {
		places[row] = -1
	}
	return places
}

// Forward maps b grids of tokens x [b·T, C], whose rows lie as Places(0) says, to their vectors [b, C']: the means of the last stage's
// normalised tokens. x must not be used afterwards.
func (t *Tower) Forward(x *tensor.Tensor, b int) *tensor.Tensor {
	for _, s := range t.Stages {
		x = s.Forward(x, b)
	}
	if t.tokens != nil {
		x = gather(x, t.tokens, b)
	}
	return t.Norm.Forward(x).MeanRows(x.Pass().Spans(b, x.Rows()/b), 0)
}

// Forward maps b grids of tokens x [b·T, C] to those of the next stage; x must not be used afterwards.
func (s *Stage) Forward(x *tensor.Tensor, b int) *tensor.Tensor {
	p := x.Pass()
	m := p.Mark()
	for _, block := range s.Blocks {
		x = block.Forward(x, b)
	}
	if s.Merge != nil {
		x = s.Merge.Forward(x, b)
	}
	return p.Keep(m, x)
}

// A Block is one transformer layer whose tokens see one another within windows.
type Block struct {
	*nn.Block `weight:""`
	Table     *tensor.Tensor `weight:"self_attn.relative_position_bias_table"` // [(2·window-1)², H]
	grid      *grid
	moves     []int32 // where its rows lie among those of the block before; nil for where they are
	once      sync.Once
	bias      []float32 // [n, H, T, T], made of the table on first use, unless it is one that may change
}

func newBlock(c *Config, width, heads int, g *grid) *Block {
	b := &Block{
		Block: nn.NewBlock(width, heads, int(c.Ratio*float64(width)), c.Act, c.Eps, false), grid: g,
		Table: tensor.Param((2*c.Window-1)*(2*c.Window-1), heads),
	}
	if c.NoQKVBias {
		b.Attn.Query.Bias, b.Attn.Key.Bias, b.Attn.Value.Bias = nil, nil, nil
	}
	return b
}

// Forward maps the tokens x [n·T, C] of n grids, in the order of the block before, to tokens in its own; x must not be used afterwards.
func (b *Block) Forward(x *tensor.Tensor, n int) *tensor.Tensor {
	p := x.Pass()
	if b.moves != nil {
		x = gather(x, b.moves, n)
	}
	m := p.Mark()
	y := b.Norm1.Forward(x)
	if len(b.grid.outside) > 0 { // that is what the others see of them
		y = y.Blank(b.grid.blanks(p, n))
	}
	x = b.Attn.ForwardBiased(y, x, b.biases(p), p.Spans(n*b.grid.windows(), b.grid.window*b.grid.window))
	x = b.MLP.Forward(b.Norm2.Forward(x), x)
	return p.Keep(m, x)
}

// biases is what attention adds to the scores, [n, H, T, T]: where the table is learnt, as operations on it.
func (b *Block) biases(p *tensor.Pass) *tensor.Tensor {
	heads, seen := b.Attn.Heads, b.grid.window*b.grid.window
	n := b.grid.biases()
	if p.Learns(b.Table) {
		entries := b.grid.entries()
		x := p.Ints(entries, len(entries)).Lookup(b.Table).Reshaped(n, seen*seen, heads).Transpose().Reshaped(n, heads, seen, seen)
		if b.grid.shift > 0 {
			x = x.Add(p.Input(b.grid.bias(make([]float32, b.Table.Len()), heads), n, heads, seen, seen))
		}
		return x
	}
	if b.Table.Owned() {
		return p.Input(b.grid.bias(b.Table.Floats(), heads), n, heads, seen, seen)
	}
	b.once.Do(func() { b.bias = b.grid.bias(b.Table.Floats(), heads) })
	return p.Input(b.bias, n, heads, seen, seen)
}

// blanks is the rows of n grids that are not tokens.
func (g *grid) blanks(p *tensor.Pass, n int) []int32 {
	rows := p.Integers(n * len(g.outside))
	for i := range rows {
		rows[i] = int32(i/len(g.outside)*len(g.places)) + g.outside[i%len(g.outside)]
	}
	return rows
}

const mergeEps = 1e-5 // of the norms outside of blocks

// A Merge makes one token of twice the width of each square of four.
type Merge struct {
	Norm   *nn.LayerNorm `weight:"norm"`
	Reduce *nn.Linear    `weight:"reduction"`
	rows   []int32       // of the four tokens that go into each row
}

func newMerge(width int, rows []int32) *Merge {
	return &Merge{Norm: nn.NewLayerNorm(4*width, mergeEps), Reduce: nn.NewLinear(4*width, 2*width, false), rows: rows}
}

// Forward maps the tokens x [b·T, C] of b grids to those of half as many rows and columns, [b·T', 2C].
func (g *Merge) Forward(x *tensor.Tensor, b int) *tensor.Tensor {
	four := gather(x, g.rows, b)
	return g.Reduce.Forward(g.Norm.Forward(four.Reshaped(four.Rows()/4, 4*x.Dim(-1))))
}

// gather takes rows of each of b grids x [b·T, C].
func gather(x *tensor.Tensor, rows []int32, b int) *tensor.Tensor {
	if b == 1 {
		return x.Select(rows)
	}
	n, all := x.Rows()/b, x.Pass().Integers(b*len(rows))
	for i := range b {
		for j, row := range rows {
			all[i*len(rows)+j] = int32(i*n) + row
		}
	}
	return x.Select(all)
}
