package swin

// A grid is how a stage's tokens lie as rows: window by window, row by row within each. It is filled up to whole windows, and with a
// shift rolled up and to the left by so many tokens.
type grid struct {
	rows, cols    int // of tokens
	high, wide    int // filled up
	window, shift int
	places        []int32 // of each row: its place in the filled grid, r·wide + c
	outside       []int32 // rows that are not tokens
}

func newGrid(rows, cols, window, shift int) *grid {
	if min(rows, cols) <= window {
		shift = 0
	}
	whole := func(n int) int { return (n + window - 1) / window * window }
	g := &grid{rows: rows, cols: cols, high: whole(rows), wide: whole(cols), window: window, shift: shift}
	g.places = make([]int32, 0, g.high*g.wide)
	for i := 0; i < g.high; i += window {
		for j := 0; j < g.wide; j += window {
			for t := range window * window {
				r, c := (i+t/window+shift)%g.high, (j+t%window+shift)%g.wide
				if r >= rows || c >= cols {
					g.outside = append(g.outside, int32(len(g.places)))
				}
				g.places = append(g.places, int32(r*g.wide+c))
			}
		}
	}
	return g
}

// windows is how many windows there are.
func (g *grid) windows() int { return len(g.places) / (g.window * g.window) }

// slots is the row of each place.
func (g *grid) slots() []int32 {
	s := make([]int32, len(g.places))
	for row, place := range g.places {
		s[place] = int32(row)
	}
	return s
}

// from is where the rows of g lie among those of another grid of the same tokens.
func (g *grid) from(other *grid) []int32 {
	slots, rows := other.slots(), make([]int32, len(g.places))
	for i, place := range g.places {
		rows[i] = slots[place]
	}
	return rows
}

// merged is where the four tokens that become one row of g lie among the rows of a grid twice as large: column by column. Rows that are
// not tokens get any.
func (g *grid) merged(larger *grid) []int32 {
	slots := larger.slots()
	rows := make([]int32, 0, 4*len(g.places))
	for _, place := range g.places {
		r, c := int(place)/g.wide, int(place)%g.wide
		if r >= g.rows || c >= g.cols {
			r, c = 0, 0
		}
		for i := range 4 {
			rows = append(rows, slots[(2*r+i%2)*larger.wide+2*c+i/2])
		}
	}
	return rows
}

// tokens is the rows that are tokens.
func (g *grid) tokens() (rows []int32) {
	out := g.outside
	for i := range int32(len(g.places)) {
		if len(out) > 0 && out[0] == i {
			out = out[1:]
			continue
		}
		rows = append(rows, i)
	}
	return rows
}

// hidden is added to the scores of tokens that rolling brought into one window though they lie at opposite edges.
const hidden = -100

// bias is what attention adds to the scores [n, H, T, T] of the windows: of each pair of tokens the entry of the table [(2·window-1)², H]
// for their distance. With a shift n is the number of windows and pairs from opposite edges are hidden; else it is 1.
func (g *grid) bias(table []float32, heads int) []float32 {
	w, n := g.window, g.biases()
	t := w * w
	out := make([]float32, n*heads*t*t)
	for i := range n {
		for q := range t {
			for k := range t {
				entry := table[g.entry(q, k)*heads:]
				var mask float32
				if g.shift > 0 && g.region(i*t+q) != g.region(i*t+k) {
					mask = hidden
				}
				for h := range heads {
					out[((i*heads+h)*t+q)*t+k] = entry[h] + mask
				}
			}
		}
	}
	return out
}

// biases is how many windows have biases of their own.
func (g *grid) biases() int {
	if g.shift > 0 {
		return g.windows()
	}
	return 1
}

// entry is the row of the table for tokens q and k of a window.
func (g *grid) entry(q, k int) int {
	w := g.window
	return (q/w-k/w+w-1)*(2*w-1) + q%w - k%w + w - 1
}

// entries is the rows of the table for all pairs of tokens that have a bias of their own, [n·T·T].
func (g *grid) entries() []int32 {
	t := g.window * g.window
	rows := make([]int32, g.biases()*t*t)
	for i := range rows {
		rows[i] = int32(g.entry(i/t%t, i%t))
	}
	return rows
}

// region numbers the parts of the rolled grid that belong together.
func (g *grid) region(row int) int {
	w := g.window
	i, t := row/(w*w), row%(w*w)
	across := g.wide / w
	return 3*g.band(i/across*w+t/w, g.high) + g.band(i%across*w+t%w, g.wide)
}

func (g *grid) band(at, size int) int {
	switch {
	case at < size-g.window:
		return 0
	case at < size-g.shift:
		return 1
	}
	return 2
}
