package kernel

// The functions of this file see blocks of rows, x [rows, width], whose columns each have numbers of their own. A row may stand for several
// narrow ones, one after the other, the numbers then being repeated; a last row may be shorter.

// ColumnMoments writes the mean of each column of x and the sum of the squares of what is left without it.
func ColumnMoments(mean, squares, x []float32) {
	c := len(mean)
	rows := wholeRows("column moments", x, x, c)
	sameLength("column moments: squares", len(squares), c)
	clear(mean)
	clear(squares)
	if rows == 0 {
		return
	}
	for r := range rows {
		add(mean, mean, x[r*c:][:c])
	}
	scale(mean, mean, 1/float32(rows))
	for r := range rows {
		columnSquares(squares, x[r*c:][:c], mean)
	}
}

// ColumnNorm writes (x - mean)·scale + shift, brought into low to high, to dst, which may be x.
func ColumnNorm(dst, x, mean, scale, shift []float32, low, high float32) {
	sameLength("column norm", len(dst), len(x))
	needColumns("column norm", mean, scale, shift)
	for c := len(mean); len(x) > 0; {
		n := min(c, len(x))
		columnNorm(dst[:n], x[:n], mean[:n], scale[:n], shift[:n], low, high)
		dst, x = dst[n:], x[n:]
	}
}

// ColumnGate makes g 0 where the result of ColumnNorm was cut off, and adds the rest to sum, and times x - mean to along.
func ColumnGate(g, sum, along, x, mean, scale, shift []float32, low, high float32) {
	sameLength("column gate", len(g), len(x))
	needColumns("column gate", mean, scale, shift, sum, along)
	for c := len(mean); len(x) > 0; {
		n := min(c, len(x))
		columnGate(g[:n], sum[:n], along[:n], x[:n], mean[:n], scale[:n], shift[:n], low, high)
		g, x = g[n:], x[n:]
	}
}

// ColumnBlend writes g·a + (x - mean)·b + d to dst, which may be g.
func ColumnBlend(dst, g, x, mean, a, b, d []float32) {
	sameLength("column blend", len(dst), len(x))
	sameLength("column blend: g", len(g), len(x))
	needColumns("column blend", mean, a, b, d)
	for c := len(mean); len(x) > 0; {
		n := min(c, len(x))
		columnBlend(dst[:n], g[:n], x[:n], mean[:n], a[:n], b[:n], d[:n])
		dst, g, x = dst[n:], g[n:], x[n:]
	}
}

func needColumns(op string, columns ...[]float32) {
	need(len(columns[0]) > 0, op, "expected %[2]d column or more, got %[1]d", 0, 1)
	for _, c := range columns {
		sameLength(op, len(c), len(columns[0]))
	}
}

func genericColumnSquares(squares, x, mean []float32) {
	for i, v := range x {
		squares[i] += (v - mean[i]) * (v - mean[i])
	}
}

func genericColumnNorm(dst, x, mean, scale, shift []float32, low, high float32) {
	for i, v := range x {
		y := (v-mean[i])*scale[i] + shift[i]
		if y < low {
			y = low
		} else if y > high {
			y = high
		}
		dst[i] = y
	}
}

func genericColumnGate(g, sum, along, x, mean, scale, shift []float32, low, high float32) {
	for i, v := range x {
		v -= mean[i]
		if y := v*scale[i] + shift[i]; y <= low || y >= high {
			g[i] = 0
		}
		sum[i] += g[i]
		along[i] += g[i] * v
	}
}

func genericColumnBlend(dst, g, x, mean, a, b, d []float32) {
	for i, v := range x {
		dst[i] = g[i]*a[i] + ((v-mean[i])*b[i] + d[i])
	}
}
