package kernel

import "math"

// Adam is how [Adam.Step] changes values by their gradients.
type Adam struct {
	Shorten       float32 // multiplies gradients
	Keep1, Take1  float32 // of the first moment, and of the gradient into it
	Keep2, Take2  float32 // of the second, and of the gradient's square
	Shrink        float32 // multiplies the values
	Rate, Correct float32 // multiply the first moment and the root of the second
	Eps           float32
}

// Step changes moments and values: first = Keep1·first + Take1·g, second = Keep2·second + Take2·g², both of g·Shorten, and
// v = Shrink·v - Rate·first/(Correct·√second + Eps). All four are equally long. Every product is rounded by itself: all tiers give the
// same bits.
func (a *Adam) Step(v, g, first, second []float32) {
	sameLength("adam: gradients", len(g), len(v))
	sameLength("adam: first moments", len(first), len(v))
	sameLength("adam: second moments", len(second), len(v))
	if len(v) > 0 {
		adam(a, v, g, first, second)
	}
}

func genericAdam(a *Adam, v, g, first, second []float32) {
	for j, g := range g {
		g *= a.Shorten
		first[j] = float32(a.Keep1*first[j]) + float32(a.Take1*g)
		second[j] = float32(a.Keep2*second[j]) + float32(a.Take2*float32(g*g))
		root := float32(math.Sqrt(float64(second[j])))
		v[j] = float32(v[j]*a.Shrink) - float32(a.Rate*first[j])/float32(float32(root*a.Correct)+a.Eps)
	}
}
