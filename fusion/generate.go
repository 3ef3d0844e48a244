package fusion

import "math/rand/v2"

// A Relation is how what is to be known lies in two modalities.
type Relation string

// The relations: each of the modalities says it all; the first alone does; or only both together do, since the class is whether what they say
// differs.
const (
	Redundant   Relation = "redundant"
	Unique      Relation = "unique"
	Synergistic Relation = "synergistic"
)

// Generate makes n samples of two classes in two modalities, vectors of 8 values, for which the right way of fusing is known. In each
// a direction says one of two things, in noise that blurs it: 1 in 20 is beyond telling, or so.
func Generate(relation Relation, n int, seed uint64) *Data {
	const width = 8
	r := rand.New(rand.NewPCG(seed, 0xd1342543de82ef95))
	directions := [2][width]float32{}
	for m := range directions {
		for j := range width {
			directions[m][j] = float32(1 - 2*r.IntN(2))
		}
	}
	d := &Data{Task{Single, 2}, []Modality{{Name: "first", Width: width, Tokens: 1}, {Name: "second", Width: width, Tokens: 1}}, nil}
	for range n {
		signs, blur := [2]int{r.IntN(2), r.IntN(2)}, [2]float64{r.NormFloat64(), r.NormFloat64()}
		s := Sample{Class: int32(signs[0]), Features: make([][]float32, 2)}
		informed := 2
		switch relation {
		case Redundant:
			signs[1], blur[1] = signs[0], blur[0] // the same, blur included
		case Unique:
			informed = 1
		case Synergistic:
			s.Class = int32(signs[0] ^ signs[1])
		}
		for m := range 2 {
			x := make([]float32, width)
			for j := range x {
				x[j] = float32(r.NormFloat64())
				if m < informed {
					x[j] = 0.5*x[j] + directions[m][j]*(2*float32(signs[m])-1+0.6*float32(blur[m]))
				}
			}
			s.Features[m] = x
		}
		d.Samples = append(d.Samples, s)
	}
	return d
}
