package train

import "math"

// A Loss is a function of logits [rows, cols]. The targets say which belong together: above 0 those that do, with their share among those
// of their row and of their column; 0 those that do not; below 0 those that count for nothing. It writes its derivatives to slopes, zeros
// at first. A row or column that nothing belongs to counts for nothing by itself, but its logits are negatives of the others.
type Loss func(slopes, logits, targets []float64, rows, cols int) float64

// InfoNCE is the mean of two cross-entropies: of each row's own column among all, and of each column's own row (Radford et al. 2021).
// Where several belong to one, the cross-entropy is against their shares (Khosla et al. 2020, the loss called "out", and Yang et al. 2022).
func InfoNCE(slopes, logits, targets []float64, rows, cols int) float64 {
	return bothWays(slopes, logits, targets, rows, cols, 0)
}

// Hard is InfoNCE with negatives that count the more the harder they are: in proportion to exp(beta·logit) (Robinson et al. 2021, without
// their correction for false negatives). A beta of 0 is InfoNCE.
func Hard(beta float64) Loss {
	return func(slopes, logits, targets []float64, rows, cols int) float64 {
		return bothWays(slopes, logits, targets, rows, cols, beta)
	}
}

// bothWays is the mean over rows and that over columns, halved.
func bothWays(slopes, logits, targets []float64, rows, cols int, beta float64) (loss float64) {
	for _, way := range [2]struct{ n, far, m, near int }{{rows, cols, cols, 1}, {cols, 1, rows, cols}} {
		count := 0
		for i := range way.n {
			if positives(targets[i*way.far:], way.m, way.near) > 0 {
				count++
			}
		}
		for i := range way.n {
			at := i * way.far
			l := line{slopes[at:], logits[at:], targets[at:], way.m, way.near}
			loss += l.loss(beta, 1/float64(2*count))
		}
	}
	return loss
}

// positives is the sum of the targets above 0, of n that lie step apart.
func positives(targets []float64, n, step int) (sum float64) {
	for j := range n {
		sum += max(0, targets[j*step])
	}
	return sum
}

// A line is a row or a column: n values that lie step apart.
type line struct {
	slopes, x, targets []float64
	n, step            int
}

// loss is log(P + N) - Σ shares·x, times weight, with P the sum of exp(x) of the positives and N that of the negatives, each multiplied
// by exp(beta·x) over the mean of these. It adds its derivatives.
func (l line) loss(beta, weight float64) float64 {
	sum, negatives := 0.0, 0
	for j := 0; j < l.n*l.step; j += l.step {
		sum += max(0, l.targets[j])
		if l.targets[j] == 0 {
			negatives++
		}
	}
	if sum == 0 {
		return 0
	}
	own, others := l.logSum(1, true), math.Inf(-1)
	var hard, weights float64 // log Σ exp((1+beta)·x) and log Σ exp(beta·x) of the negatives
	if negatives > 0 {
		hard, weights = l.logSum(1+beta, false), math.Log(float64(negatives))
		if others = hard; beta != 0 {
			others += weights
			weights = l.logSum(beta, false)
			others -= weights
		}
	}
	top := max(own, others)
	all := top + math.Log(math.Exp(own-top)+math.Exp(others-top))
	loss, rest := all, math.Exp(others-all) // the share of the negatives
	for j := 0; j < l.n*l.step; j += l.step {
		x, t := l.x[j], l.targets[j]
		switch {
		case t > 0:
			loss -= t / sum * x
			l.slopes[j] += weight * (math.Exp(x-all) - t/sum)
		case t == 0 && beta == 0:
			l.slopes[j] += weight * math.Exp(x-all)
		case t == 0:
			l.slopes[j] += weight * rest * ((1+beta)*math.Exp((1+beta)*x-hard) - beta*math.Exp(beta*x-weights))
		}
	}
	return weight * loss
}

// logSum is log Σ exp(by·x) of the positives or of the negatives, of which there are some.
func (l line) logSum(by float64, positive bool) float64 {
	top, sum := math.Inf(-1), 0.0
	for j := 0; j < l.n*l.step; j += l.step {
		if t := l.targets[j]; t == 0 && !positive || t > 0 && positive {
			top = max(top, by*l.x[j])
		}
	}
	for j := 0; j < l.n*l.step; j += l.step {
		if t := l.targets[j]; t == 0 && !positive || t > 0 && positive {
			sum += math.Exp(by*l.x[j] - top)
		}
	}
	return top + math.Log(sum)
}

// Sigmoid is the sum of -log σ(±logit), + for what belongs together, - for what does not, divided by the number of rows (Zhai et al. 2023).
func Sigmoid(slopes, logits, targets []float64, rows, cols int) (loss float64) {
	for i, x := range logits {
		sign := -1.0
		switch t := targets[i]; {
		case t < 0:
			continue
		case t > 0:
			sign = 1
		}
		z := sign * x
		loss += max(-z, 0) + math.Log1p(math.Exp(-math.Abs(z)))
		slopes[i] = -sign / (1 + math.Exp(z)) / float64(rows)
	}
	return loss / float64(rows)
}
