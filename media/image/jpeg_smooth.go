package image

import "github.com/chiasm/chiasm/internal/pixel"

// Where the scans of a progressive file have not brought the low frequencies in full, libjpeg guesses them from the first
// coefficients of the 25 blocks around. So a file cut short looks as it does elsewhere.

// A jpegGuess holds the weights of the blocks, row by row.
type jpegGuess [25]int32

// jpegGuesses are for the coefficients at places 0 to 9, where no coefficient but the first of each block is known.
var jpegGuesses = [10]jpegGuess{
	{-2, -6, -8, -6, -2, -6, 6, 42, 6, -6, -8, 42, 152, 42, -8, -6, 6, 42, 6, -6, -2, -6, -8, -6, -2},
	{-1, -1, 0, 1, 1, -3, 13, 0, -13, 3, -3, 38, 0, -38, 3, -3, 13, 0, -13, 3, -1, -1, 0, 1, 1},
	{-1, -3, -3, -3, -1, -1, 13, 38, 13, -1, 0, 0, 0, 0, 0, 1, -13, -38, -13, 1, 1, 3, 3, 3, 1},
	{2: 1, 6: 2, 7: 7, 8: 2, 11: -5, 12: -14, 13: -5, 16: 2, 17: 7, 18: 2, 22: 1},
	{0: -1, 4: 1, 6: 9, 8: -9, 16: -9, 18: 9, 20: 1, 24: -1},
	{6: 2, 7: -5, 8: 2, 10: 1, 11: 7, 12: -14, 13: 7, 14: 1, 16: 2, 17: -5, 18: 2},
	{6: 1, 8: -1, 11: 2, 13: -2, 16: 1, 18: -1},
	{6: 1, 7: -3, 8: 1, 16: -1, 17: 3, 18: -1},
	{6: 1, 8: -1, 11: -3, 13: 3, 16: 1, 18: -1},
	{6: 1, 7: 2, 8: 1, 16: -1, 17: -2, 18: -1},
}

// jpegGuessesLater are for places 1 to 5, where something else is known already.
var jpegGuessesLater = [6]jpegGuess{
	1: {10: -7, 11: 50, 13: -50, 14: 7},
	2: {2: -7, 7: 50, 17: -50, 22: 7},
	3: {2: -1, 7: 13, 12: -24, 17: 13, 22: -1},
	4: {1: -1, 3: 1, 5: -1, 6: 10, 8: -10, 9: 1, 15: 1, 16: -10, 18: 10, 19: -1, 21: 1, 23: -1},
	5: {10: -1, 11: 13, 12: -24, 13: 13, 14: -1},
}

// smoothable reports whether libjpeg would guess.
func (d *jpegDecoder) smoothable() bool {
	if !d.progressive {
		return false
	}
	useful := false
	for i := range d.comps {
		c := &d.comps[i]
		if !c.quantised || c.known[0] < 0 {
			return false
		}
		for k := range 10 {
			if c.quant[k] == 0 {
				return false
			}
			if k > 0 && c.known[k] != 0 {
				useful = true
			}
		}
	}
	return useful
}

// guess copies the coefficients of a block to out, those that may be wrong replaced by guesses. It returns 0 if only the
// first may be other than zero.
func (p *jpegPainter) guess(c *jpegComponent, row, y, x int, out *[64]int16) uint8 {
	known := [10]int8(c.known[:10])
	if (row*c.v+y)/c.unit > p.d.lastGood {
		copy(known[1:], c.before[1:])
		if p.d.scans <= 1 {
			known = [10]int8{known[0], -1, -1, -1, -1, -1, -1, -1, -1, -1}
		}
	}
	blank := true
	for _, bits := range known[1:] {
		blank = blank && bits == -1
	}
	at := (row*c.v+y)*c.stride + x
	*out = [64]int16(c.stored.coefs[64*at:])
	last := c.stored.last[at]
	dc := p.around(c, row, y, x)
	for k := range known {
		if k == 0 && !blank || k > 5 && !blank {
			continue
		}
		weights := &jpegGuesses[k]
		if !blank {
			weights = &jpegGuessesLater[k]
		}
		if k > 0 && (known[k] == 0 || out[pixel.Natural[k]] != 0) {
			continue
		}
		sum := int64(0)
		for i, w := range weights {
			sum += int64(w) * int64(dc[i])
		}
		sum *= int64(c.quant[0])
		q := int64(c.quant[k])
		v := (q<<7 + max(sum, -sum)) / (q << 8)
		if k > 0 && known[k] > 0 {
			v = min(v, 1<<known[k]-1)
		}
		if sum < 0 {
			v = -v
		}
		out[pixel.Natural[k]] = int16(v)
		if k > 0 {
			last = 1
		}
	}
	return last
}

// around returns the first coefficients of the blocks around one, five rows of five. Beyond the edges the outermost stand
// again; the rule for the last row is libjpeg's, which counts rows of the picture by the height of its last unit.
func (p *jpegPainter) around(c *jpegComponent, row, y, x int) (dc [25]int16) {
	line, height, units := row*c.v+y, c.unit, c.unitRows()
	if line/c.unit == units-1 && c.blocksY%c.unit != 0 {
		height = c.blocksY % c.unit
	}
	at, end := line/c.unit*height+line%c.unit, height*units
	rows := [5]int{}
	if at > 0 {
		rows[1], rows[0] = -1, -1
	}
	if at > 1 {
		rows[0] = -2
	}
	if at < end-1 {
		rows[3], rows[4] = 1, 1
	}
	if at < end-2 {
		rows[4] = 2
	}
	for i, dy := range rows {
		from := (line + dy) * c.stride
		for j := range 5 {
			dc[5*i+j] = c.stored.coefs[64*(from+min(max(x+j-2, 0), c.blocksX-1))]
		}
	}
	return dc
}

// unitRows is how many rows of units there are.
func (c *jpegComponent) unitRows() int { return (c.blocksY + c.unit - 1) / c.unit }
