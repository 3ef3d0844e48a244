package library

import (
	"cmp"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chiasm/chiasm"
)

func TestSearch(t *testing.T) {
	photos := collection(t)
	m := model(t, seer)
	l := open(t, t.TempDir(), Options{})
	run(t, l, m, IndexOptions{Paths: []string{photos}})

	// A file is nearest to itself, and the whole order is that of the cosines.
	c := filepath.Join(photos, "c.bmp")
	r := find(t, l, m, `like:"`+c+`"`)
	if len(r.Hits) != 5 || r.Hits[0].Path != c || r.Hits[0].Score < 0.9999 || r.Hits[0].Kind != Image || r.Hits[0].Start != nil {
		t.Fatalf("%+v", r)
	}
	if !slices.IsSortedFunc(r.Hits, func(a, b Hit) int { return cmp.Compare(b.Score, a.Score) }) {
		t.Fatalf("not in order: %+v", r.Hits)
	}
	outside := put(t, pictures+"bilevel.bmp", t.TempDir(), "x.bmp")
	if again := find(t, l, m, `like:"`+outside+`"`); again.Hits[0].Path != c {
		t.Errorf("by a file that is elsewhere: %+v", again.Hits)
	}
	if away := find(t, l, m, `-like:"`+c+`"`); away.Hits[len(away.Hits)-1].Path != c {
		t.Errorf("away from it: %+v", bases(away.Hits))
	}

	// Words find names, folders and captions; each page follows the one before.
	for query, want := range map[string]string{
		"beach": "BeachHouse.jpg", "\u6d77\u6ee9": "\u6d77\u6ee9\u65e5\u843d.heic", "grandmother": "d.jpg", "the house at the beach": "BeachHouse.jpg",
	} {
		q, err := ParseQuery(query)
		must(t, err)
		found, err := l.lexical(t.Context(), &q, nil, 5)
		must(t, err)
		if len(found) != 1 {
			t.Errorf("%q: %d files hold it", query, len(found))
			continue
		}
		it, err := l.Item(t.Context(), found[0].file)
		must(t, err)
		if filepath.Base(it.Path) != want {
			t.Errorf("%q: %s, want %s", query, it.Path, want)
		}
	}
	whole := find(t, l, m, "something green")
	var pages []Hit
	for offset := 0; offset < 6; offset += 2 {
		r, err := l.Search(t.Context(), m, Query{Terms: []Term{{Text: "something green", Weight: 1}}, Limit: 2, Offset: offset})
		must(t, err)
		if r.More != (offset < 4) {
			t.Errorf("offset %d: more %v", offset, r.More)
		}
		pages = append(pages, r.Hits...)
	}
	if !slices.Equal(bases(pages), bases(whole.Hits)) {
		t.Errorf("pages %v, whole %v", bases(pages), bases(whole.Hits))
	}

	// Conditions never shorten the answer.
	if got := find(t, l, m, "green path:holiday"); len(got.Hits) != 2 || got.Files != 2 {
		t.Errorf("path: %+v", got)
	}
	if got := find(t, l, m, "green type:video"); len(got.Hits) != 0 {
		t.Errorf("type: %+v", got)
	}
	must(t, l.Tag(t.Context(), r.Hits[0].ID, []string{"Old", "paper"}, nil))
	if got := find(t, l, m, "tag:old"); len(got.Hits) != 1 || got.Hits[0].Path != c {
		t.Errorf("tag: %+v", got)
	}
	must(t, l.Tag(t.Context(), r.Hits[0].ID, []string{"Große Straße", "Schloss"}, nil))
	for query, want := range map[string]int{"strasse": 1, "STRASSE": 1, "straße": 1, "Schloß": 1, "schloss": 1, `"grosse strasse"`: 1, `"große Strasse"`: 1, "strase": 0, "masse": 0} {
		q, err := ParseQuery(query)
		must(t, err)
		if found, err := l.lexical(t.Context(), &q, nil, 5); err != nil || len(found) != want {
			t.Errorf("%s: %d files hold it, want %d; %v", query, len(found), want, err)
		}
	}
	if got := find(t, l, m, "size:>1TB"); len(got.Hits) != 0 {
		t.Errorf("size: %+v", got)
	}
	if got := find(t, l, m, "before:1990"); len(got.Hits) != 0 {
		t.Errorf("before: %+v", got)
	}
}

// A calibrated model's answer holds what is likely to be meant, and says when it left something out.
func TestCut(t *testing.T) {
	photos := collection(t)
	m, err := chiasm.Open(t.Context(), chiasm.Shipped, nil)
	if err != nil {
		t.Skip(err) // there is none inside this build
	}
	defer m.Close()
	fits, ok := m.Relevance(Image)
	if !ok {
		t.Skip("the model inside the program is not calibrated")
	}
	l := open(t, t.TempDir(), Options{})
	run(t, l, m, IndexOptions{Paths: []string{photos}})
	q := Query{Terms: []Term{{Text: "a steam locomotive", Weight: 1}}, NoWords: true}
	all, err := l.Search(t.Context(), m, q)
	must(t, err)
	if len(all.Hits) != 5 || all.Cut {
		t.Fatalf("%+v", all)
	}
	for _, strictness := range []float64{0.01, 0.5, 0.9, 1} {
		q.Strictness = strictness
		r, err := l.Search(t.Context(), m, q)
		must(t, err)
		want := 0
		for _, h := range all.Hits {
			if fits.Of(float32(h.Score)) >= min(strictness, strictest) {
				want++
			}
		}
		if len(r.Hits) != want || r.Cut != (want < 5) {
			t.Errorf("strictness %v: %d hits, cut %v, want %d", strictness, len(r.Hits), r.Cut, want)
		}
	}
}
