package bert

import (
	"testing"

	"github.com/chiasm/chiasm/internal/golden"
)

// Distances fall into the buckets that the reference puts them in: tools/golden/sentence.py asks it about -600 to 600.
func TestBuckets(t *testing.T) {
	for i, want := range golden.Open(t, "../sentence/testdata/mpnet/golden.safetensors").IDs("buckets") {
		if got := bucket(i - 600); int32(got) != want {
			t.Errorf("%d ahead: bucket %d, want %d", i-600, got, want)
		}
	}
}
