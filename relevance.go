package chiasm

import "math"

// calibrated is a family whose scores were measured on data that it never learnt from.
type calibrated interface {
	Calibration(modality string) (scale, bias float32, ok bool)
}

// A Relevance tells from the cosine of a text with what it found how likely the two belong together. One half is where an answer
// begins to be worth showing: three in five names of what a small collection does not have find nothing there that is as near.
type Relevance struct{ scale, bias float64 }

// Relevance is the calibration of the model for texts that look for pictures ("image") or sounds ("audio"); not ok for a model that
// comes without one, or whose vectors are cut or whose texts another model reads.
func (m *Model) Relevance(modality string) (r Relevance, ok bool) {
	if f, can := m.family.(calibrated); can && m.words == nil && m.opts.Dimension == 0 {
		var scale, bias float32
		scale, bias, ok = f.Calibration(modality)
		r = Relevance{float64(scale), float64(bias)}
	}
	return r, ok
}

// Of is the probability, 0 to 1, that a text and what has this cosine with it belong together.
func (r Relevance) Of(cosine float32) float64 {
	return 1 / (1 + math.Exp(-(r.scale*float64(cosine) + r.bias)))
}

// Least is the least cosine of pairs that belong together with at least the probability, more than 0 and less than 1.
func (r Relevance) Least(probability float64) float32 {
	return float32((math.Log(probability/(1-probability)) - r.bias) / r.scale)
}
