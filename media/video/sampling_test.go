package video

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"
)

func ExampleSampling_Pick() {
	s := Sampling{Rate: 1, Most: 4} // a frame a second
	fmt.Println(s.Pick(90, 30, 3), s.Pick(900, 30, 30))
	// Output: [0 30 60] [0 270 570 870]
}

// What the reference picks lies beside the model that looks at it.
func TestPick(t *testing.T) {
	data, err := os.ReadFile("testdata/sampling.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Frames        int
		Rate, Seconds float64
		Picked        []int
	}
	if err := json.Unmarshal(data, &cases); err != nil || len(cases) < 5 {
		t.Fatal(err, len(cases))
	}
	for _, c := range cases {
		if got := (Sampling{Rate: 1, Most: 32}).Pick(c.Frames, c.Rate, c.Seconds); !slices.Equal(got, c.Picked) {
			t.Errorf("%d frames, %v a second, for %v s: got %v, want %v", c.Frames, c.Rate, c.Seconds, got, c.Picked)
		}
	}
	for _, s := range []struct {
		s    Sampling
		want []int
	}{{Sampling{Rate: 2, Most: 3, First: true}, []int{0, 5, 10}}, {Sampling{Most: 2}, []int{0, 99}}, {Sampling{Most: 1}, []int{0}}, {Sampling{}, nil}} {
		if got := s.s.Pick(100, 10, 10); !slices.Equal(got, s.want) {
			t.Errorf("%+v: got %v, want %v", s.s, got, s.want)
		}
	}
	if got := (Sampling{Rate: 1, Most: 2}).Pick(10, 1e300, 1e300); !slices.Equal(got, []int{0, 9}) { // a file may say anything
		t.Errorf("a video without end: got %v", got)
	}
}
