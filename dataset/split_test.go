package dataset

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestSurvey(t *testing.T) {
	dir := write(t, map[string]string{"a.jpg": "A", "t.jsonl": `{"key":"a","image":"a.jpg","text":{"en":"dog","zh":"狗"}}
{"key":"b","image":"gone.jpg","text":{"en":["cat","tom"]},"label":3}
{"key":"c","text":"alone"}
{"key":"a","image":"a.jpg"}
{"key":"e","note":"nothing"}
{"key":
{"key":"f","image":"a.jpg","class":"dogs"}`})
	sum, err := Survey(t.Context(), mustOpen(t, filepath.Join(dir, "t.jsonl"), nil), []string{"en"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := &Summary{Items: 7, Images: 4, Texts: map[string]int{"en": 3, "zh": 1, "": 1}, Classes: map[string]int{"3": 1, "dogs": 1},
		Empty: []string{"e"}, OneSided: []string{"c", "a"}, Silent: []string{"c", "a", "e", "f"}, Missing: []string{"b"}, Repeated: []string{"a"}}
	if sum.Broken.Count() != 1 {
		t.Errorf("got %v", sum.Broken.First())
	}
	text := sum.String()
	sum.Broken = Report{}
	if !reflect.DeepEqual(sum, want) {
		t.Errorf("got  %+v\nwant %+v", sum, want)
	}
	for _, part := range []string{"7 items: 4 pictures, 0 sounds", "3 en, 1 in no language named, 1 zh; 2 classes", "1 empty: e", "4 without a wanted language: c, a, e …", "1 broken: dataset: "} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
}

func TestDuplicates(t *testing.T) {
	dir := write(t, map[string]string{"train/1.jpg": "one", "train/2.jpg": "two", "train/2.txt": "x", "test/a.png": "two", "test/b.wav": "one", "test/b.txt": "x", "test/c.jpg": "new",
		"s.tar": archive(t, "k.jpg", "new", "l.jpg", "one", "l.wav", "two")})
	var sets []*Set
	for _, name := range []string{"train", "test", "s.tar"} {
		sets = append(sets, mustOpen(t, filepath.Join(dir, name), nil))
	}
	if err := os.Remove(filepath.Join(dir, "train", "1.jpg")); err != nil {
		t.Fatal(err)
	}
	done := 0
	got, broken, err := Duplicates(t.Context(), sets, func(n int) { done = n })
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].FirstKey != "2" || got[0].SecondKey != "a" || !got[0].Across() || got[1].FirstKey != "c" || got[1].SecondKey != "k" {
		t.Errorf("got %v", got)
	}
	if want := fmt.Sprintf("a of %s is 2 of %s", sets[1].Name, sets[0].Name); got[0].String() != want {
		t.Errorf("got %q", got[0])
	}
	if broken.Count() != 1 || done != 7 {
		t.Errorf("%d broken: %v; %d done", broken.Count(), broken.Err(), done)
	}
}

func TestPartition(t *testing.T) {
	var items []*Item
	for i := range 3000 {
		items = append(items, &Item{Key: fmt.Sprint(i), Class: fmt.Sprint("c", i%300)})
	}
	parts, _, err := Partition(t.Context(), Of("all", items...), 1, ByConcept, 0.8, 0.1)
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]int{}
	for p, s := range parts {
		for i := range s.Len() {
			it, _ := s.Item(i)
			if before, ok := of[it.Class]; ok && before != p {
				t.Fatalf("class %s is in two parts", it.Class)
			}
			of[it.Class] = p
		}
	}
	if n, m := parts[0].Len(), parts[1].Len(); n < 2200 || n > 2600 || m < 150 || m > 450 {
		t.Errorf("got %d and %d of 3000", n, m)
	}
	fewer, _, _ := Partition(t.Context(), Of("some", items[:1500]...), 1, ByConcept, 0.8, 0.1)
	for i := range fewer[0].Len() {
		if it, _ := fewer[0].Item(i); of[it.Class] != 0 {
			t.Fatalf("%s changed sides as the set grew", it.Key)
		}
	}
	other, _, _ := Partition(t.Context(), Of("all", items...), 2, ByConcept, 0.8, 0.1)
	if slices.Equal(other[0].picked, parts[0].picked) {
		t.Error("two seeds are alike")
	}
	if _, _, err := Partition(t.Context(), Of("all", items...), 1, ByKey, 0.8, 0.3); err == nil {
		t.Error("fractions above 1 are accepted")
	}
}

func TestTexts(t *testing.T) {
	if got := Fill("a photo of a {c}.", "cat") + Fill("{} drawn", "cat") + Fill("a", "cat"); got != "a photo of a cat.cat drawna cat" {
		t.Errorf("got %q", got)
	}
	table := Synonyms{"dog": {"hound"}, "big": {"large", "huge"}}
	if got := table.Replace(Random(1), "Dog, the BIG dogs' dog!", 1); got != "Hound, the Large dogs' hound!" && got != "Hound, the Huge dogs' hound!" {
		t.Errorf("got %q", got)
	}
	if got := table.Replace(Random(1), "  dog\n", 0); got != "  dog\n" {
		t.Errorf("got %q", got)
	}
	it := &Item{Texts: []Text{{"en", "a"}, {"en", "b"}, {"en", "c"}, {"zh", "d"}}}
	n := map[Text]int{}
	r := Random(7)
	for range 3000 {
		text, _ := it.Pick(r)
		n[text]++
	}
	if zh := n[Text{"zh", "d"}]; zh < 1400 || zh > 1600 || n[Text{"en", "b"}] < 430 {
		t.Errorf("got %v", n)
	}
	if text, ok := it.Pick(r, "zh", "fr"); !ok || text.Text != "d" {
		t.Errorf("got %v", text)
	}
	if _, ok := it.Pick(r, "fr"); ok {
		t.Error("a language that is not there was drawn")
	}
}
