package main

import "math"

// unit brings rows of length d to length 1, in place.
func unit(values []float32, d int) []float32 {
	for i := 0; i < len(values); i += d {
		row, sum := values[i:i+d], 0.0
		for _, v := range row {
			sum += float64(v) * float64(v)
		}
		s := float32(1 / max(math.Sqrt(sum), 1e-12))
		for k := range row {
			row[k] *= s
		}
	}
	return values
}

// mean is the mean of rows of length d.
func mean(values []float32, d int) []float32 {
	sums := make([]float64, d)
	for i, v := range values {
		sums[i%d] += float64(v)
	}
	out := make([]float32, d)
	for i, v := range sums {
		out[i] = float32(v / float64(max(1, len(values)/d)))
	}
	return out
}

// deviation is the standard deviation of each column.
func deviation(values, mean []float32) []float32 {
	d := len(mean)
	sums := make([]float64, d)
	for i, v := range values {
		e := float64(v - mean[i%d])
		sums[i%d] += e * e
	}
	out := make([]float32, d)
	for i, v := range sums {
		out[i] = float32(math.Sqrt(v / float64(max(1, len(values)/d))))
	}
	return out
}

// covariance is that of rows around their mean, d by d, from some thousands of them.
func covariance(values, mean []float32) []float64 {
	const enough = 6000
	d := len(mean)
	c, row, step := make([]float64, d*d), make([]float64, d), max(1, len(values)/d/enough)
	n := 0.0
	for i := 0; i < len(values); i += step * d {
		n++
		for k := range row {
			row[k] = float64(values[i+k] - mean[k])
		}
		for a, x := range row {
			if x == 0 {
				continue
			}
			to := c[a*d : a*d+a+1]
			for b := range to {
				to[b] += x * row[b]
			}
		}
	}
	for a := range d {
		for b := range a + 1 {
			c[a*d+b] /= n
			c[b*d+a] = c[a*d+b]
		}
	}
	return c
}

// product is the symmetric matrix m times v.
func product(m, v []float64) []float64 {
	d := len(v)
	out := make([]float64, d)
	for i := range out {
		sum := 0.0
		for k, x := range m[i*d : (i+1)*d] {
			sum += x * v[k]
		}
		out[i] = sum
	}
	return out
}

// axes are the n directions of most variance, rows of length d, by orthogonal iteration (Bauer 1957) from the first unit vectors.
func axes(covariance []float64, d, n int) []float64 {
	q := make([]float64, n*d)
	for i := range n {
		for k := range d {
			q[i*d+k] = math.Cos(float64((i + 1) * (k + 1))) // any start that no axis is at right angles to
		}
	}
	for range 60 {
		for i := range n {
			row := q[i*d:][:d]
			copy(row, product(covariance, row))
			for range 2 { // twice is enough (Kahan)
				for j := range i {
					other, dot := q[j*d:][:d], 0.0
					for k, v := range other {
						dot += v * row[k]
					}
					for k, v := range other {
						row[k] -= dot * v
					}
				}
			}
			norm := 0.0
			for _, v := range row {
				norm += v * v
			}
			for k := range row {
				row[k] /= max(math.Sqrt(norm), 1e-300)
			}
		}
	}
	return q
}
