package sentence

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"testing"

	"github.com/chiasm/chiasm/internal/golden"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
)

// The vectors of all-MiniLM-L6-v2 are those of sentence-transformers, and a search ranks alike by them. tools/golden/minilm.py made the data.
func TestRealMiniLM(t *testing.T) {
	b, err := Open(golden.Real(t, "minilm"))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	set, err := weights.Open("testdata/minilm.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	var texts []string
	if err := json.Unmarshal([]byte(set.Metadata()["texts"]), &texts); err != nil {
		t.Fatal(err)
	}
	ids := make([][]int32, len(texts))
	for i, text := range texts {
		ids[i], _ = b.Fit(b.Encode(text).IDs)
	}
	p := tensor.NewPass(context.Background(), 0)
	x, err := b.EmbedText(p, ids)
	if err != nil {
		t.Fatal(err)
	}
	vectors := x.Normalize(1e-12)
	golden.Open(t, "testdata/minilm.safetensors").Near("vectors", vectors.Floats(), 1e-5)
	ranking, _ := set.Get("ranking")
	queries, passages := ranking.Shape[0], ranking.Shape[1]
	scores := vectors.Dots(vectors, 1).Floats()
	for q := range queries {
		row := scores[(passages+q)*len(texts):][:passages]
		var order, want []int
		for i := range passages {
			order = append(order, i)
			want = append(want, int(ranking.Data[(q*passages+i)*4]))
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(row[b], row[a]) })
		if !slices.Equal(order, want) {
			t.Errorf("%q ranks %v, want %v", texts[passages+q], order, want)
		}
	}
}
