package index

import (
	"math"
	"math/rand/v2"

	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/internal/par"
)

const (
	trainRows   = 4096 // vectors that a frame is learnt from
	trainRounds = 6
)

// train makes the frame of vectors [n, D]: their mean, and the 128 directions, or as many as there are dimensions, along which they differ most, turned at
// random among themselves so that no coordinate is much larger than another. It is subspace iteration (Halko, Martinsson and Tropp 2011), and the
// same for the same vectors.
func train(vectors []float32, d int) *frame {
	n, directions := len(vectors)/d, min(nearWidth, d)
	sums := make([]float64, d)
	for i, v := range vectors {
		sums[i%d] += float64(v)
	}
	mean := make([]float32, d)
	for i, s := range sums {
		mean[i] = float32(s / float64(n))
	}
	x, turned := make([]float32, n*d), make([]float32, n*d)
	for i, v := range vectors {
		x[i] = v - mean[i%d]
		turned[i%d*n+i/d] = x[i]
	}
	r := rand.New(rand.NewPCG(1, uint64(d)))
	rows := make([]float32, nearWidth*d)
	random(r, rows[:directions*d], d)
	seen := make([]float32, n*directions)
	for range trainRounds {
		multiply(seen, rows[:directions*d], x, d)      // [directions, n]
		multiply(rows[:directions*d], seen, turned, n) // [directions, D]
		orthogonal(r, rows[:directions*d], d)
	}
	among := make([]float32, directions*directions)
	random(r, among, directions)
	columns := make([]float32, directions*d)
	for i := range directions {
		for j := range d {
			columns[j*directions+i] = rows[i*d+j]
		}
	}
	multiply(rows[:directions*d], among, columns, directions)
	f := framed(mean, rows)
	f.data = f.bytes()
	return f
}

// random makes rows of length d that are orthogonal and of length 1.
func random(r *rand.Rand, rows []float32, d int) {
	for i := range rows {
		rows[i] = float32(r.NormFloat64())
	}
	orthogonal(r, rows, d)
}

// orthogonal makes rows of length d orthogonal and of length 1, by Gram and Schmidt. Rows that depend on others are drawn at random.
func orthogonal(r *rand.Rand, rows []float32, d int) {
	for i := 0; i < len(rows)/d; i++ {
		row := rows[i*d : (i+1)*d]
		before := norm(row)
		for range 2 { // once leaves what rounding did
			for j := range i {
				other := rows[j*d : (j+1)*d]
				p := float32(inner(row, other))
				for k, v := range other {
					row[k] -= p * v
				}
			}
		}
		length := norm(row)
		if !(length > 1e-5*before) {
			for k := range row {
				row[k] = float32(r.NormFloat64())
			}
			i--
			continue
		}
		kernel.Scale(row, row, float32(1/length))
	}
}

// multiply is dst [m, n] = a [m, k] · bᵀ, where b is [n, k].
func multiply(dst, a, b []float32, k int) {
	par.Do(&product{dst, a, b, k}, len(a)/k, 0)
}

// A product is a matrix product, a row a chunk.
type product struct {
	dst, a, b []float32
	k         int
}

// Run does one row.
func (p *product) Run(i int) {
	n := len(p.b) / p.k
	for j := range n {
		p.dst[i*n+j] = kernel.Dot(p.a[i*p.k:(i+1)*p.k], p.b[j*p.k:(j+1)*p.k])
	}
}

const (
	cellsOf      = 4  // times the square root of the vectors is the number of cells
	cellRows     = 16 // of a cell, on average, at least
	sampleRows   = 48 // of a cell, that its middle is learnt from
	clusterTurns = 7
	// clusterMost keeps what learning costs in bounds.
	clusterMost = 1 << 14
)

// A clustering puts vectors that lie near one another into one cell, by their near codes alone: Lloyd's algorithm.
type clustering struct {
	codes   []byte    // [n, 128] i8
	scales  []float32 // of the codes
	middles []float32 // [cells, 128]
	coded   []int16   // [cells of whole fours, 128], the middles in codes …
	scale   []float32 // … their scales …
	half    []float32 // … and half the squares of their lengths
	labels  []uint32
	rows    []int // those to label; nil for all
	order   []uint32
	starts  []int // of a cell's rows in order
}

// cluster labels all rows, and leaves them in the order of their cells.
func cluster(codes []byte, scales []float32) *clustering {
	n := len(scales)
	cells := min(int(cellsOf*math.Sqrt(float64(n))), max(n/cellRows, 1), clusterMost)
	c := &clustering{codes: codes, scales: scales, labels: make([]uint32, n), middles: make([]float32, cells*nearWidth)}
	whole := (cells + 3) &^ 3
	c.coded, c.scale, c.half = make([]int16, whole*nearWidth), make([]float32, whole), make([]float32, whole)
	r := rand.New(rand.NewPCG(2, uint64(n)))
	all := r.Perm(n)
	for i, row := range all[:cells] {
		c.row(c.middles[i*nearWidth:(i+1)*nearWidth], row)
	}
	c.rows = all[:min(n, cells*sampleRows)]
	for range clusterTurns {
		c.assign()
		c.sort(cells)
		par.Do((*middling)(c), cells, 0)
		for i := range cells {
			if c.starts[i] == c.starts[i+1] { // an empty cell takes a row at random
				c.row(c.middles[i*nearWidth:(i+1)*nearWidth], c.rows[r.IntN(len(c.rows))])
			}
		}
	}
	c.rows = nil
	c.assign()
	c.sort(cells)
	return c
}

// row is a row's near values.
func (c *clustering) row(to []float32, row int) {
	for k := range to {
		to[k] = c.scales[row] * float32(int8(c.codes[row*nearWidth+k]))
	}
}

// count is how many rows are being labelled, at their place.
func (c *clustering) count() int {
	if c.rows == nil {
		return len(c.labels)
	}
	return len(c.rows)
}

func (c *clustering) at(i int) int {
	if c.rows == nil {
		return i
	}
	return c.rows[i]
}

// assign labels rows by the nearest middle.
func (c *clustering) assign() {
	cells := len(c.middles) / nearWidth
	for i := range c.scale {
		c.half[i] = float32(math.Inf(1))
		if i < cells {
			middle := c.middles[i*nearWidth : (i+1)*nearWidth]
			scale, _ := fine(c.coded[i*nearWidth:(i+1)*nearWidth], middle, 8191)
			n := norm(middle)
			c.scale[i], c.half[i] = float32(scale), float32(n*n/2)
		}
	}
	par.Do(c, (c.count()+groupRows-1)/groupRows, 0)
}

// Run labels some rows.
func (c *clustering) Run(n int) {
	first, last := n*groupRows, min((n+1)*groupRows, c.count())
	rows := last - first
	var codes [groupRows * nearWidth]byte
	var products [4 * groupRows]int32
	var best [groupRows]float32
	var label [groupRows]uint32
	for i := range rows {
		at := c.at(first + i)
		copy(codes[i*nearWidth:(i+1)*nearWidth], c.codes[at*nearWidth:])
		best[i] = float32(math.Inf(-1))
	}
	for j := 0; j < len(c.scale); j += 4 {
		kernel.ScanInt8(products[:4*rows], codes[:rows*nearWidth], c.coded[j*nearWidth:(j+4)*nearWidth], 4)
		s0, s1, s2, s3 := c.scale[j], c.scale[j+1], c.scale[j+2], c.scale[j+3]
		h0, h1, h2, h3 := c.half[j], c.half[j+1], c.half[j+2], c.half[j+3]
		for i := range rows {
			p, scale := products[4*i:4*i+4:4*i+4], c.scales[c.at(first+i)]
			v0, v1 := float32(p[0])*s0*scale-h0, float32(p[1])*s1*scale-h1
			v2, v3 := float32(p[2])*s2*scale-h2, float32(p[3])*s3*scale-h3
			if m := max(max(v0, v1), max(v2, v3)); m > best[i] {
				best[i] = m
				switch m {
				case v0:
					label[i] = uint32(j)
				case v1:
					label[i] = uint32(j + 1)
				case v2:
					label[i] = uint32(j + 2)
				default:
					label[i] = uint32(j + 3)
				}
			}
		}
	}
	for i := range rows {
		c.labels[c.at(first+i)] = label[i]
	}
}

// sort orders the rows by their cells.
func (c *clustering) sort(cells int) {
	c.starts = make([]int, cells+1)
	n := c.count()
	for i := range n {
		c.starts[c.labels[c.at(i)]+1]++
	}
	for i := range cells {
		c.starts[i+1] += c.starts[i]
	}
	next := append([]int(nil), c.starts...)
	c.order = make([]uint32, n)
	for i := range n {
		l := c.labels[c.at(i)]
		c.order[next[l]] = uint32(c.at(i))
		next[l]++
	}
}

// A middling moves a cell's middle to the mean of its rows.
type middling clustering

// Run does one cell.
func (m *middling) Run(i int) {
	c := (*clustering)(m)
	rows := c.order[c.starts[i]:c.starts[i+1]]
	if len(rows) == 0 {
		return
	}
	var sums [nearWidth]float64
	var row [nearWidth]float32
	for _, at := range rows {
		c.row(row[:], int(at))
		for k, v := range row {
			sums[k] += float64(v)
		}
	}
	for k, s := range sums {
		c.middles[i*nearWidth+k] = float32(s / float64(len(rows)))
	}
}
