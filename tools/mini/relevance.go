package main

import (
	"math"
	"math/rand/v2"
)

// calibrate finds the scale and the bias by which a cosine tells whether a text and a picture belong together, as likely as not beforehand:
// logistic regression by Newton's method, over each validation picture with its name and with another's.
func calibrate(s seen, texts []float32, queries []query) (scale, bias float64) {
	r := rand.New(rand.NewPCG(51, 1))
	var x, y []float64
	cosine := func(text, picture int) (dot float64) {
		for k, v := range texts[text*dimension:][:dimension] {
			dot += float64(v) * float64(s.vectors[picture*dimension+k])
		}
		return dot
	}
	for i, q := range queries {
		for _, p := range q.relevant {
			other := r.IntN(len(queries))
			if other == i {
				continue
			}
			x, y = append(x, cosine(i, int(p)), cosine(other, int(p))), append(y, 1, 0)
		}
	}
	scale, bias = 1, 0
	for range 50 {
		var ga, gb, aa, ab, bb float64
		for i, c := range x {
			p := 1 / (1 + math.Exp(-scale*c-bias))
			e, w := p-y[i], p*(1-p)+1e-9
			ga, gb = ga+e*c, gb+e
			aa, ab, bb = aa+w*c*c, ab+w*c, bb+w
		}
		det := aa*bb - ab*ab
		if !(det > 0) {
			break
		}
		scale -= (bb*ga - ab*gb) / det
		bias -= (aa*gb - ab*ga) / det
	}
	return scale, bias
}
