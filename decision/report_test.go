package decision

import (
	"math"
	"testing"
)

// Labels of marks that lie together do not lie on one another.
func TestLabelsHaveRoom(t *testing.T) {
	marks := []mark{{X: 200, Y: 100, Label: "late/average"}, {X: 210, Y: 100, Label: "late/gate"}, {X: 225, Y: 97, Label: "late/stack"}}
	label(marks)
	for i, a := range marks {
		for _, b := range marks[:i] {
			left, right := a, b
			if left.X+left.LabelX > right.X+right.LabelX {
				left, right = b, a
			}
			apart := right.X + right.LabelX - left.X - left.LabelX
			if apart < 7*float64(len(left.Label)) && math.Abs(a.Y+a.LabelY-b.Y-b.LabelY) < 12 {
				t.Errorf("%s at %v, %v lies on %s at %v, %v", a.Label, a.X+a.LabelX, a.Y+a.LabelY, b.Label, b.X+b.LabelX, b.Y+b.LabelY)
			}
		}
	}
}
