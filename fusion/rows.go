package fusion

import "github.com/chiasm/chiasm/tensor"

// zeros is a new tensor of a pass.
func zeros(p *tensor.Pass, shape ...int) *tensor.Tensor {
	x := p.Empty(shape...)
	clear(x.Floats())
	return x
}

// place is the number of row at of each of some samples, of which all have so many.
func place(p *tensor.Pass, of []int32, each, at int) []int32 {
	rows := p.Integers(len(of))
	for i, o := range of {
		rows[i] = o*int32(each) + int32(at)
	}
	return rows
}

// beside lays the vectors [n, C] of sets with one row for each sample side by side: [N, M·C], zeros where there is none.
func beside(p *tensor.Pass, n, c int, vectors []Set) *tensor.Tensor {
	wide := zeros(p, n*len(vectors), c)
	for m, v := range vectors {
		if v.X != nil {
			wide.AddRows(v.X, place(p, v.Of, len(vectors), m))
		}
	}
	return wide.Reshaped(n, len(vectors)*c)
}

// mean is the mean of the vectors that each sample has: [N, C], zeros where it has none.
func mean(p *tensor.Pass, n, c int, vectors []Set) *tensor.Tensor {
	sum := zeros(p, n, c)
	for _, v := range vectors {
		if v.X != nil {
			sum.AddRows(v.X, v.Of)
		}
	}
	return sum.Mul(shares(p, n, c, vectors))
}

// shares is one over the number of sets that have each sample, on every value of its row: [N, C].
func shares(p *tensor.Pass, n, c int, sets []Set) *tensor.Tensor {
	share := zeros(p, n, c)
	values := share.Floats()
	for _, s := range sets {
		for _, o := range s.Of {
			values[int(o)*c]++
		}
	}
	for i := range n {
		row := values[i*c:][:c]
		v := 1 / max(row[0], 1)
		for j := range row {
			row[j] = v
		}
	}
	return share
}

// pooled is the mean of each sample's tokens, in out.
func pooled(out, sets []Set, each func(x *tensor.Tensor) *tensor.Tensor) []Set {
	for m, s := range sets {
		if s.X == nil {
			continue
		}
		x := s.X
		if s.Seq.Rows() != len(s.Of) {
			x = x.MeanRows(s.Seq, 0)
		}
		out[m] = Set{each(x), s.Of, nil}
	}
	return out
}

// part is the rows of the samples at places of s, one sequence behind another.
func (s Set) part(p *tensor.Pass, places []int32) (rows []int32, seq tensor.Spans) {
	n := 0
	for _, i := range places {
		n += int(s.Seq[i+1] - s.Seq[i])
	}
	rows, at := p.Integers(n), p.Integers(len(places)+1)
	n, at[0] = 0, 0
	for k, i := range places {
		for r := s.Seq[i]; r < s.Seq[i+1]; r++ {
			rows[n] = r
			n++
		}
		at[k+1] = int32(n)
	}
	return rows, tensor.Spans(at)
}

// meet is the places in a and b of the samples that both have, and the places in a of those that b lacks.
func meet(p *tensor.Pass, a, b Set) (inA, inB, alone []int32) {
	inA, inB, alone = p.Integers(len(a.Of))[:0], p.Integers(len(a.Of))[:0], p.Integers(len(a.Of))[:0]
	j := 0
	for i, o := range a.Of {
		for j < len(b.Of) && b.Of[j] < o {
			j++
		}
		if j < len(b.Of) && b.Of[j] == o {
			inA, inB = append(inA, int32(i)), append(inB, int32(j))
		} else {
			alone = append(alone, int32(i))
		}
	}
	return inA, inB, alone
}

// joined puts the tokens of each sample behind each other, those of the sets in their order, leaving out the set at skip: all the samples
// that have any.
func joined(p *tensor.Pass, n int, sets []Set, skip int) (Set, [][]int32) {
	lengths, c, total := p.Integers(n), 0, 0
	clear(lengths)
	for m, s := range sets {
		if m == skip || s.X == nil {
			continue
		}
		c = s.X.Dim(-1)
		total += s.Seq.Rows()
		for i, o := range s.Of {
			lengths[o] += s.Seq[i+1] - s.Seq[i]
		}
	}
	if total == 0 {
		return Set{}, nil
	}
	of, seq, next := p.Integers(n)[:0], p.Integers(n + 1)[:1], p.Integers(n)
	seq[0] = 0
	for i, k := range lengths {
		next[i] = seq[len(seq)-1]
		if k > 0 {
			of, seq = append(of, int32(i)), append(seq, next[i]+k)
		}
	}
	all, where := zeros(p, total, c), make([][]int32, len(sets))
	for m, s := range sets {
		if m == skip || s.X == nil {
			continue
		}
		rows := p.Integers(s.Seq.Rows())[:0]
		for i, o := range s.Of {
			for range s.Seq[i+1] - s.Seq[i] {
				rows = append(rows, next[o])
				next[o]++
			}
		}
		all.AddRows(s.X, rows)
		where[m] = rows
	}
	return Set{all, of, tensor.Spans(seq)}, where
}
