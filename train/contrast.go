package train

import (
	"fmt"
	"math"

	"github.com/chiasm/chiasm/tensor"
)

// A Contrast tells what belongs together from what does not, by the cosines of vectors of length 1. It is an [Objective], and what it learns
// beside the model: how a cosine becomes a logit, scale·cosine + bias.
type Contrast struct {
	LogScale *tensor.Tensor // a parameter [], the logarithm of the scale
	Bias     *tensor.Tensor // a parameter [], of the sigmoid loss; nil for 0
	Loss     Loss           // nil for [InfoNCE]
	Between  []Between      // which modalities meet; nil for the first two
	Prefixes []Prefix       // of the vectors, that are to serve by themselves; nil for whole vectors alone
	Together bool           // vectors that share a key belong together; else they are only not told from each other

	logits, slopes, targets []float64 // kept, so that a step allocates nothing
	seed                    []float32
	first                   [1]Between
	whole                   [1]Prefix
	columns                 []column
}

// A Between is two modalities of a batch that are compared.
type Between struct {
	A, B   int
	Extra  []int   // modalities whose vectors no vector of A belongs to: negatives that were chosen for being hard
	Weight float64 // among all comparisons, whose mean is taken; 0 for 1
}

// Anchored is the comparisons of one of n modalities, such as text, with each other one.
func Anchored(n, anchor int) (list []Between) {
	for i := range n {
		if i != anchor {
			list = append(list, Between{A: i, B: anchor})
		}
	}
	return list
}

// AllPairs is the comparisons of each of n modalities with each other one.
func AllPairs(n int) (list []Between) {
	for i := range n {
		for j := i + 1; j < n; j++ {
			list = append(list, Between{A: i, B: j})
		}
	}
	return list
}

// A Prefix is the first values of vectors, brought to length 1, to which the loss is applied too: so that vectors may be cut short
// (Matryoshka, Kusupati et al. 2022). The losses are added up.
type Prefix struct {
	Width  int     // 0 for whole vectors
	Weight float64 // 0 for 1
}

// MaxScale is the largest scale that [Contrast.Clamp] allows, CLIP's own (Radford et al. 2021).
const MaxScale = 100

// Clamp brings the scale into 1 to [MaxScale]. It is for after each step: without it learning may run away.
func (c *Contrast) Clamp() {
	v := c.LogScale.Own()
	v[0] = max(0, min(float32(math.Log(MaxScale)), v[0]))
	c.LogScale.Changed()
}

// Learn computes the loss, as [Objective] says. A comparison of fewer than two items is left out, since there is nothing to tell a single
// one from; it is an error if nothing remains.
func (c *Contrast) Learn(b Batch, weight float64, into *tensor.Gradients) (total float64, err error) {
	between, prefixes := c.Between, c.Prefixes
	if between == nil {
		c.first[0] = Between{A: 0, B: 1}
		between = c.first[:]
	}
	if prefixes == nil {
		prefixes = c.whole[:]
	}
	sum, met, most := 0.0, false, 0
	for _, w := range between {
		sum += orOne(w.Weight)
	}
	for _, w := range between {
		n, err := c.relate(b, w)
		if err != nil {
			return 0, err
		}
		if most = max(most, n); n < 2 {
			continue
		}
		met = true
		for _, prefix := range prefixes {
			share := orOne(w.Weight) / sum * orOne(prefix.Weight)
			loss, err := c.compare(b[w.A].X, prefix.Width, weight*share, into)
			if err != nil {
				return 0, err
			}
			total += share * loss
		}
	}
	if !met {
		return 0, fmt.Errorf("train: a contrastive loss over %d pairs, want 2 or more: there is nothing to tell a single pair from", most)
	}
	return total, nil
}

func orOne(weight float64) float64 {
	if weight == 0 {
		return 1
	}
	return weight
}

// A column is vectors that those of A are compared with, and the cosines.
type column struct{ x, cosines *tensor.Tensor }

// relate fills in the columns and the targets of a comparison. It returns how many items have both modalities.
func (c *Contrast) relate(b Batch, w Between) (pairs int, err error) {
	rows, others, err := both(b, w.A, w.B)
	if err != nil || rows.X == nil || others.X == nil {
		return 0, err
	}
	n, cols := rows.X.Rows(), 0
	c.columns = c.columns[:0]
	for k := -1; k < len(w.Extra); k++ {
		i := w.B
		if k >= 0 {
			i = w.Extra[k]
		}
		v, err := b.modality(i)
		if err != nil {
			return 0, err
		}
		if v.X == nil {
			continue
		}
		if v.X.Dim(-1) != rows.X.Dim(-1) {
			return 0, fmt.Errorf("train: vectors of %d values and of %d, want one space", rows.X.Dim(-1), v.X.Dim(-1))
		}
		if k < 0 && rows.Of == nil && v.Of == nil && n != v.X.Rows() {
			return 0, fmt.Errorf("train: %d vectors of one kind and %d of the other, want pairs", n, v.X.Rows())
		}
		c.columns = append(c.columns, column{x: v.X})
		cols += v.X.Rows()
	}
	if len(c.targets) < n*cols {
		c.targets, c.logits, c.slopes, c.seed = make([]float64, n*cols), make([]float64, n*cols), make([]float64, n*cols), make([]float32, n*cols)
	}
	last := int32(-1)
	for i := range n {
		row, own := c.targets[i*cols:][:cols], false
		own = c.targetsOf(row, rows, i, b[w.B], true)
		row = row[b[w.B].X.Rows():]
		for _, k := range w.Extra {
			if b[k].X == nil {
				continue
			}
			c.targetsOf(row, rows, i, b[k], false)
			row = row[b[k].X.Rows():]
		}
		if owner := rows.owner(i); own && owner != last {
			pairs, last = pairs+1, owner
		}
	}
	return pairs, nil
}

// targetsOf fills in what row i is to the vectors of v, and reports whether any is its own.
func (c *Contrast) targetsOf(row []float64, rows Vectors, i int, v Vectors, owned bool) (own bool) {
	owner := rows.owner(i)
	for j := range v.X.Rows() {
		switch {
		case owned && owner >= 0 && owner == v.owner(j):
			row[j], own = 1, true
		case rows.Keys == nil || v.Keys == nil || rows.Keys[i] != v.Keys[j]:
			row[j] = 0
		case c.Together && owned:
			row[j] = 1
		default:
			row[j] = -1
		}
	}
	return own
}

// prefixOf is the first width values of vectors, brought to length 1.
func prefixOf(x *tensor.Tensor, width int) *tensor.Tensor {
	if width == 0 || width == x.Dim(-1) {
		return x
	}
	return x.Columns(0, width).Normalize(1e-12)
}

// compare computes the loss of the comparison that relate has prepared, on prefixes of the vectors, and seeds the way back.
func (c *Contrast) compare(a *tensor.Tensor, width int, weight float64, into *tensor.Gradients) (float64, error) {
	if d := a.Dim(-1); width < 0 || width > d {
		return 0, fmt.Errorf("train: a prefix of %d values, want 1 to %d", width, d)
	}
	scale, bias := math.Exp(float64(c.LogScale.Floats()[0])), 0.0
	if c.Bias != nil {
		bias = float64(c.Bias.Floats()[0])
	}
	a = prefixOf(a, width)
	n, cols := a.Rows(), 0
	for i := range c.columns {
		k := &c.columns[i]
		k.cosines = a.Dots(prefixOf(k.x, width), 1)
		cols += k.x.Rows()
	}
	first := 0
	for _, k := range c.columns {
		m := k.x.Rows()
		for i, v := range k.cosines.Floats() {
			c.logits[i/m*cols+first+i%m] = scale*float64(v) + bias
		}
		first += m
	}
	loss := c.Loss
	if loss == nil {
		loss = InfoNCE
	}
	slopes := c.slopes[:n*cols]
	clear(slopes)
	value := loss(slopes, c.logits[:n*cols], c.targets[:n*cols], n, cols)
	if into == nil {
		return value, nil
	}
	var byScale, byBias float64
	first = 0
	for _, k := range c.columns {
		m := k.x.Rows()
		seed := c.seed[:n*m]
		for i, v := range k.cosines.Floats() {
			g := weight * slopes[i/m*cols+first+i%m]
			byScale += g * scale * float64(v)
			byBias += g
			seed[i] = float32(g * scale)
		}
		if k.cosines.Learns() { // else only the scale does
			k.cosines.Seed(seed)
		}
		first += m
	}
	if g := into.Of(c.LogScale); g != nil {
		g[0] += float32(byScale)
	}
	if c.Bias != nil {
		if g := into.Of(c.Bias); g != nil {
			g[0] += float32(byBias)
		}
	}
	return value, nil
}
