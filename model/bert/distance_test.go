package bert

import (
	"testing"

	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
)

// Distances fall into the buckets that the reference puts them in: tools/golden/sentence.py asks it about -600 to 600.
func TestBuckets(t *testing.T) {
	set, err := weights.Open("../sentence/testdata/mpnet/golden.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	e, ok := set.Get("buckets")
	if !ok {
		t.Fatal("no golden buckets")
	}
	p := tensor.Param(e.Shape...)
	p.Store(e.DType, e.Data, nil)
	for i, want := range p.Floats() {
		if got := bucket(i - 600); float32(got) != want {
			t.Errorf("%d ahead: bucket %d, want %v", i-600, got, want)
		}
	}
}
