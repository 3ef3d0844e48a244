package main

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/token"
)

func TestAlgebra(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const d, n = 6, 4000
	values := make([]float32, n*d)
	for i := range values {
		values[i] = float32(r.NormFloat64()) * float32(1+i%d) // column k has the deviation k+1
		if i%d == 2 {
			values[i] += 5
		}
	}
	middle := mean(values, d)
	if math.Abs(float64(middle[2])-5) > 0.3 {
		t.Errorf("mean of column 2 is %v, want 5", middle[2])
	}
	dev := deviation(values, middle)
	c := covariance(values, middle)
	for k := range d {
		if want := float64(k + 1); math.Abs(float64(dev[k])/want-1) > 0.05 || math.Abs(c[k*d+k]/(want*want)-1) > 0.1 {
			t.Errorf("column %d: deviation %v, variance %v, want %v and %v", k, dev[k], c[k*d+k], want, want*want)
		}
	}
	q := axes(c, d, 2)
	if math.Abs(q[5]) < 0.98 || math.Abs(q[d+4]) < 0.98 {
		t.Errorf("axes %v, want those of columns 5 and 4", q)
	}
	if u := unit([]float32{3, 4, 0, 2}, 2); !slices.Equal(u, []float32{0.6, 0.8, 0, 1}) {
		t.Errorf("unit %v", u)
	}
	if m := transposed([]float32{1, 2, 3, 4, 5, 6}, 3); !slices.Equal(m, []float32{1, 4, 2, 5, 3, 6}) {
		t.Errorf("transposed %v", m)
	}
}

// A store computes a vector once, and a torn end of its file costs no more than what was torn.
func TestStore(t *testing.T) {
	path, calls := filepath.Join(t.TempDir(), "a", "v"), 0
	open := func() *store {
		s := &store{path: path, width: 2, part: 2, compute: func(names []string) (v []float32, _ error) {
			for _, n := range names {
				calls++
				v = append(v, float32(len(n)), 1)
			}
			return v, nil
		}}
		if err := s.open(); err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open()
	if err := s.need([]string{"a", "bb", "a", "ccc"}); err != nil || calls != 3 {
		t.Fatalf("%d computed (%v), want 3", calls, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()-1); err != nil {
		t.Fatal(err)
	}
	s = open()
	if err := s.need([]string{"a", "bb", "ccc"}); err != nil || calls != 4 {
		t.Fatalf("%d computed (%v), want one more", calls, err)
	}
	if s = open(); len(s.vectors) != 3 || s.vectors["ccc"][0] != 3 {
		t.Errorf("kept %v", s.vectors)
	}
}

// The tokenizer that is written splits words as the vocabulary was learnt, and scripts without spaces too.
func TestPieces(t *testing.T) {
	texts := map[string]float64{"fire engine": 5, "fire": 5, "steam engine": 4, "猫头鹰": 3, "猫": 5, "头": 4, "鹰": 4, "Firefly": 3}
	pieces, scores := learnPieces(texts, 40)
	if len(pieces) > 40 || pieces[0] != unknown {
		t.Fatalf("%d pieces, %q first, want 40 and %q", len(pieces), pieces[0], unknown)
	}
	for _, p := range pieces {
		if strings.HasPrefix(p, wordMark+"猫") {
			t.Errorf("piece %q joins the mark to a script without spaces", p)
		}
	}
	data, err := tokenizerJSON(pieces, scores)
	if err != nil {
		t.Fatal(err)
	}
	tokenizer, err := token.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	for text := range texts {
		if ids := tokenizer.Encode(text, true).IDs; len(ids) == 0 || slices.Contains(ids, 0) {
			t.Errorf("%q: ids %v, want known pieces", text, ids)
		}
	}
	if e := tokenizer.Encode("FIRE Engine", true); !slices.Equal(e.Tokens, []string{"▁fire", "▁engine"}) {
		t.Errorf("tokens %q", e.Tokens)
	}
	h := takeApart([]string{unknown, "▁fire", "▁", "fire", "x"}, []float64{0, -1, -2, -3, -4})
	if h[1] != [2]int32{2, 3} || h[4] != [2]int32{} {
		t.Errorf("halves %v", h)
	}
}

// Pictures with their names and what is nearest to other names are told apart between them, and what is shown above that is right.
func TestCalibrate(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const n = 200
	s := seen{pictures: make([]picture, n), vectors: make([]float32, n*dimension)}
	own, foreign := make([]float32, n*dimension), make([]float32, n*dimension)
	var queries []query
	for i := range n {
		own[i*dimension+i%meaning], foreign[i*dimension+(i+n)%meaning] = 1, 1
		for k := range meaning {
			s.vectors[i*dimension+k] = 0.05 * float32(r.NormFloat64())
		}
		s.vectors[i*dimension+i%meaning] += 0.7
		queries = append(queries, query{relevant: []int32{int32(i)}})
	}
	foreign = foreign[:dimension*(meaning-n)] // of directions that no picture has
	is, other := s.cosines(own, queries)
	scale, bias := calibrate(is, other, best(foreign, s.vectors))
	least := -bias / scale
	if scale < 5 || least < 0.1 || least > 0.65 {
		t.Errorf("scale %v, bias %v: even odds at %v", scale, bias, least)
	}
	if c := s.cut(own, foreign, queries, least); c.Recall < 0.99 || c.Answered < 0.99 || c.Silent < silent-0.05 || c.Silent > silent+0.05 {
		t.Errorf("at the cut: %+v", *c)
	}
	if k := keptAt([]float64{3, 2, 1, 0}, []bool{true, false, true, false}, 0.1); k != 0.5 {
		t.Errorf("kept %v at no false ones, want 0.5", k)
	}
}

func TestAsk(t *testing.T) {
	g := gallery{source: "s", domains: []string{"a", "b"}, queries: "a"}
	pictures := []picture{
		{Domain: "a", Names: map[string][]string{"en": {"cat", "kitty"}}}, {Domain: "b", Names: map[string][]string{"en": {"dog"}}},
		{Domain: "a", Names: map[string][]string{"en": {"tom", "cat"}}},
	}
	queries := g.ask(pictures, "en")
	if len(queries) != 2 || queries[0].text != "cat" || !slices.Equal(queries[0].relevant, []int32{0, 2}) || !slices.Equal(queries[1].relevant, []int32{2}) {
		t.Errorf("queries %v", queries)
	}
	if !latin("Strix nebulosa") || latin("great owl") || latin("Great Owl") || latin("owl") {
		t.Error("scientific names are told wrong")
	}
	if f := fill("a photo of a %", "cat"); f != "a photo of a cat" {
		t.Errorf("filled %q", f)
	}
}
