package nn

import "github.com/chiasm/chiasm/tensor"

// GridMeans brings tokens that lie in a grid to one of side by side places, whatever its proportions: torch's adaptive_avg_pool2d. x is
// [B·(skip+rows·cols), C], row by row, behind skip tokens of each sequence that have no place. It returns [B·side·side, C].
func GridMeans(x *tensor.Tensor, b, skip, rows, cols, side int) *tensor.Tensor {
	p := x.Pass()
	seq := p.Spans(b*side*side, 0)
	var from []int32
	for i := range b {
		first := i*(skip+rows*cols) + skip
		for place := range side * side {
			top, bottom := share(place/side, rows, side)
			left, right := share(place%side, cols, side)
			for r := top; r < bottom; r++ {
				for c := left; c < right; c++ {
					from = append(from, int32(first+r*cols+c))
				}
			}
			seq[i*side*side+place+1] = int32(len(from))
		}
	}
	return x.Select(from).MeanRows(seq, 0)
}

// share is which of n places place i of side is the mean of.
func share(i, n, side int) (first, end int) { return i * n / side, ((i+1)*n + side - 1) / side }

// RunMeans shortens sequences of tokens x [T, C]: each run of least tokens becomes its mean, or longer ones, so that a sequence has at most
// most of them. It returns these, and where each sequence's lie. An empty sequence stays so.
func RunMeans(x *tensor.Tensor, seq tensor.Spans, least, most int) (*tensor.Tensor, tensor.Spans) {
	p := x.Pass()
	short, runs := p.Spans(seq.Len(), 0), []int32{0}
	for s := range seq.Len() {
		first, end := int(seq[s]), int(seq[s+1])
		run := max(least, (end-first+most-1)/most)
		for ; first < end; first += run {
			runs = append(runs, int32(min(first+run, end)))
		}
		short[s+1] = int32(len(runs) - 1)
	}
	return x.MeanRows(tensor.Spans(runs), 0), short
}
