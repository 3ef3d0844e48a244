package vit

import (
	"fmt"

	"github.com/chiasm/chiasm/tensor"
)

// embedAnySize turns pictures [B, 3, H, W] of one size into the tokens [B·N, C] that the first layer sees.
func (t *Tower) embedAnySize(pixels *tensor.Tensor, seq tensor.Spans) *tensor.Tensor {
	size, h, w := t.Config.Patch, pixels.Dim(2), pixels.Dim(3)
	if h%size != 0 || w%size != 0 {
		panic(&tensor.ShapeError{Op: "vit", Want: fmt.Sprintf("pictures of whole patches of %d pixels", size), Got: fmt.Sprint(pixels)})
	}
	x := t.Patch.Forward(pixels.PatchesLast(size, 1, 0))
	return x.AddPositions(t.grid(pixels.Pass(), h/size, w/size), seq)
}

// grid is the positions of a picture of rows by cols patches, [rows·cols, C]: the table's square grid, resized as torch's interpolate does
// it, bilinear and antialiased (the NaFlex tower of SigLIP 2, Tschannen et al. 2025).
func (t *Tower) grid(p *tensor.Pass, rows, cols int) *tensor.Tensor {
	c, side := t.Config.Width, t.Config.Wide/t.Config.Patch
	y := p.Empty(rows*cols, c)
	m := p.Mark()
	down, across := share(p, side, rows), share(p, side, cols)
	tall := p.Empty(rows, side*c)
	for r := range rows {
		mix(tall.Floats()[r*side*c:][:side*c], t.Position.Floats(), down[r*side:][:side])
	}
	for r := range rows {
		row := tall.Floats()[r*side*c:][:side*c]
		for q := range cols {
			mix(y.Floats()[(r*cols+q)*c:][:c], row, across[q*side:][:side])
		}
	}
	return p.Keep(m, y)
}

// share is how much each of n places takes of each place of a grid, [n, side]; a place's shares add up to 1.
func share(p *tensor.Pass, side, n int) []float32 {
	y := p.Empty(n, side).Floats()
	scale := float32(side) / float32(n)
	reach := max(scale, 1)
	for i := range n {
		centre, sum := (float32(i)+0.5)*scale-0.5, float32(0)
		row := y[i*side:][:side]
		for j := range row {
			row[j] = max(1-max(float32(j)-centre, centre-float32(j))/reach, 0)
			sum += row[j]
		}
		for j := range row {
			row[j] /= sum
		}
	}
	return y
}

// mix writes to dst the sum of equally long rows by their shares.
func mix(dst, rows, shares []float32) {
	clear(dst)
	for j, s := range shares {
		if s == 0 {
			continue
		}
		for k, v := range rows[j*len(dst):][:len(dst)] {
			dst[k] += s * v
		}
	}
}
