package decision

import (
	"math"
	"slices"
	"testing"
)

// Labels of marks that lie together do not lie on one another, and not on the numbers of the axis.
func TestLabelsHaveRoom(t *testing.T) {
	c := chart{Width: 720, Height: 340, Left: 60, Right: 620, Top: 20, Bottom: 290,
		Marks: []mark{{X: 110, Y: 100, Label: "late/average"}, {X: 120, Y: 100, Label: "late/gate"}, {X: 135, Y: 97, Label: "late/stack"}}}
	label(&c)
	for i, a := range c.Marks {
		if a.X+a.LabelX < c.Left {
			t.Errorf("%s begins at %v, on the numbers of the axis", a.Label, a.X+a.LabelX)
		}
		for _, b := range c.Marks[:i] {
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

// The labels of lines lie apart, the upper line's above the lower one's.
func TestLabelsOfLinesKeepTheirOrder(t *testing.T) {
	lines := []polyline{{Label: "low", EndY: 101}, {Label: "middle", EndY: 100}, {Label: "high", EndY: 92}}
	spread(lines)
	if !slices.IsSortedFunc(lines, func(a, b polyline) int { return compare(a.EndY+12, b.EndY) }) || lines[0].Label != "high" || lines[2].Label != "low" {
		t.Errorf("labels lie at %+v", lines)
	}
}

// No error is below 0, and the axis does not say so either.
func TestTicksOfErrors(t *testing.T) {
	v := view{Error: true}
	if list := v.ticks(-0.01, 0.2, func(x float64) float64 { return x }); list[0].Label != "0" {
		t.Errorf("the axis begins with %q", list[0].Label)
	}
}

// Names of classes are short enough for a chart, and of letters that its font has.
func TestCaptions(t *testing.T) {
	list, longest := captions([]string{"bag", "a rather long name of a class", "狗", "größe"})
	if want := []string{"bag", "a rather long name of a…", "2", "größe"}; !slices.Equal(list, want) || longest != 24 {
		t.Errorf("captions are %q, the longest of %d letters; want %q", list, longest, want)
	}
}
