package main

import (
	"bufio"
	"encoding/json"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/tools/internal/things"
)

func TestConcept(t *testing.T) {
	for name, want := range map[string]string{
		"a penguin":                      "penguin",
		"Red Panda":                      "panda",
		"slice of pizza":                 "pizza",
		"pair of cherries":               "cherry",
		"bowl with spoon":                "bowl",
		"smiling face with smiling eyes": "smiling",
		"deciduous tree":                 "deciduous",
		"Christmas tree":                 "christmas",
		"kittens":                        "cat",
		"two o’clock":                    "clock",
		"flag: France":                   "flag",
		"Windmill (old)":                 "windmill",
		"children":                       "child",
		"measuring tape":                 "tape",
		"glasses":                        "glasses",
		"octopus":                        "octopus",
		"brushes":                        "brush",
		"knife, fork and spoon":          "fork",
		"Ruß":                            "ruß",
		"...":                            "",
	} {
		if got := things.Concept(name); got != want {
			t.Errorf("things.Concept(%q) = %q, want %q", name, got, want)
		}
	}
}

// The first 8 digits of the SHA-1 of "abc" are a9993e36, 2845392438, which leaves 3 modulo 5; those of "" are da39a3ee, 3661210606: 1.
func TestHeldOut(t *testing.T) {
	if heldOut("abc") || heldOut("") {
		t.Error("abc and the empty concept are held out, want not")
	}
	held := 0
	for a := range 26 {
		for b := range 26 {
			if heldOut(string(rune('a'+a)) + string(rune('a'+b))) {
				held++
			}
		}
	}
	if held < 676/5-40 || held > 676/5+40 {
		t.Errorf("%d of 676 concepts are held out, want about a fifth", held)
	}
}

func TestPhotoNames(t *testing.T) {
	photos := readPhotoNames(photoNames)
	if len(photos) != 166 {
		t.Errorf("%d photographs are named, want 166", len(photos))
	}
	for file, names := range photos {
		for _, language := range []string{"en", "zh", "fr", "de", "es"} {
			if len(names[language]) == 0 || slices.Contains(names[language], "") {
				t.Errorf("%s: names in %s are %q", file, language, names[language])
			}
		}
	}
}

func TestEverydayNames(t *testing.T) {
	lines, err := everydayNames()
	if err != nil || len(lines) < 500 {
		t.Fatalf("%d words, %v", len(lines), err)
	}
	seen := map[string]bool{}
	for _, l := range lines {
		if err := l.check(); err != nil {
			t.Error(err)
		}
		for _, language := range tableLanguages {
			if slices.Contains(l.Names[language], "") {
				t.Errorf("%s lacks a name in %s", l.ID, language)
			}
		}
		if seen[l.ID] || len(l.Names) != len(tableLanguages) {
			t.Errorf("%s twice, or with %d languages", l.ID, len(l.Names))
		}
		seen[l.ID] = true
	}
}

func TestClassTranslations(t *testing.T) {
	lines := make([]naming, 1000)
	for i := range lines {
		lines[i].Names = map[string][]string{}
	}
	if err := translateClasses(lines); err != nil {
		t.Fatal(err)
	}
	named := 0
	for i, l := range lines {
		if len(l.Names) == 0 {
			continue
		}
		named++
		for _, language := range []string{"fr", "de", "es"} {
			if len(l.Names[language]) == 0 || slices.Contains(l.Names[language], "") {
				t.Errorf("class %d lacks a name in %s", i, language)
			}
		}
	}
	if named < 850 || !slices.Equal(lines[472].Names["fr"], []string{"canoë"}) {
		t.Errorf("%d classes are named, %q for a canoe", named, lines[472].Names["fr"])
	}
	if err := translateClasses(lines[:10]); err == nil {
		t.Error("a class that there is not has names")
	}
}

func TestStampTexts(t *testing.T) {
	names, sentences := things.Stamp("A dumper. It carries its load in the front.\nde.utf8=Ein Kipper. Er trägt.\nen_GB.utf8=A lorry.\nzh_CN.utf8=垃圾车。\nbroken\nfr=x\n")
	if got := names["en"]; !slices.Equal(got, []string{"dumper"}) {
		t.Errorf("English names %q, want dumper", got)
	}
	if got := names["de"]; !slices.Equal(got, []string{"Ein Kipper"}) {
		t.Errorf("German names %q, want Ein Kipper", got)
	}
	if sentences["zh"] != "垃圾车。" || names["zh"][0] != "垃圾车" || len(sentences) != 3 {
		t.Errorf("sentences %q", sentences)
	}
}

func TestUnescape(t *testing.T) {
	if got := unescape(`Caf\u00e9 \u6905\: a\\b \u12`); got != `Café 椅: a\b u12` {
		t.Errorf("unescaped to %q", got)
	}
}

func TestWordNetLines(t *testing.T) {
	l, ok := indexLine("ice_cream n 1 3 @ ~ + 1 1 07630347  ")
	if !ok || l != (lemma{"ice cream", 1, "07630347"}) {
		t.Errorf("index line read as %v, %t", l, ok)
	}
	s, ok := dataLine(`07630347 13 n 02 ice_cream 0 icecream 0 002 @ 07625061 n 0000 ~ 07630588 n 0000 | frozen dessert; "he had ice cream"  `)
	if !ok || s.gloss != "frozen dessert" || !slices.Equal(s.words, []string{"ice cream", "icecream"}) || s.file != "13" {
		t.Errorf("data line read as %v, %t", s, ok)
	}
	for _, line := range []string{"", "  1 This software", "a n", "a n 1 99 @ 1", "1 2 n ff x 0"} {
		if _, ok := indexLine(line); ok {
			t.Errorf("index line %q is read", line)
		}
		if _, ok := dataLine(line); ok {
			t.Errorf("data line %q is read", line)
		}
	}
}

func TestClipArtName(t *testing.T) {
	v := &vocabulary{nouns: map[string]bool{"violin": true, "baseball cap": true, "cap": true, "magnifying glass": true, "scissors": true, "park": true, "tree": true}}
	for _, c := range []struct{ title, stem, want string }{
		{"Violin (B and W)", "violin_ganson", "violin"},
		{"Baseball Cap", "baseball_cap_ganson", "baseball cap"},
		{"Clipart by Nicu Buculei - book_01", "scissors", "scissors"},
		{"magnifying glass 1", "mag1", ""},
		{"Aquila frontale", "aquila_frontale_architet_01", ""},
		{"SVG Road Signs", "crossroads", ""},
	} {
		if got := (description{title: c.title}).name(c.stem, v); got != c.want {
			t.Errorf("%q in %s is named %q, want %q", c.title, c.stem, got, c.want)
		}
	}
}

func TestIconNames(t *testing.T) {
	v := &vocabulary{
		nouns: map[string]bool{"violin": true, "electric guitar": true, "guitar": true, "beanie": false, "hand": true, "doctor": true, "ferris wheel": false},
		acts:  map[string]bool{"swim": true, "climbing": true},
	}
	for icon, want := range map[string][]string{
		"violin-2-flat":                {"violin"},
		"modern-music-electric-guitar": {"modern music electric guitar", "electric guitar"},
		"hands":                        {"hand"},
		"beanie":                       {"beanie"},
		"ferris-wheel-duo":             {"ferris wheel"},
		"swim":                         {"swim"},
		"person-climbing-1":            {"person climbing"},
		"doctor-smiling-badly":         {"doctor smiling badly"},
		"hand-negative":                nil, // a copy
		"arrow-hand":                   nil, // a sign
		"fragile":                      nil,
		"one-two-three-four-five":      nil,
		"12":                           nil,
	} {
		if got := v.iconNames(icon); !slices.Equal(got, want) {
			t.Errorf("%s is named %q, want %q", icon, got, want)
		}
	}
}

func TestDescription(t *testing.T) {
	d, err := readDescription([]byte(`<svg><title>outside</title><metadata><dc:title>Sun</dc:title><rdf:li>Star</rdf:li><rdf:li>hash(0x1)</rdf:li></metadata><g></svg>`))
	if err != nil || d.title != "Sun" || !slices.Equal(d.keywords, []string{"star"}) {
		t.Errorf("read %v, %v", d, err)
	}
}

func TestOpaque(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 9, 7))
	img.Set(3, 2, color.White)
	img.Set(5, 4, color.Black)
	if got, want := opaque(img), image.Rect(3, 2, 6, 5); got != want {
		t.Errorf("what shows is %v, want %v", got, want)
	}
}

// TestSources checks that nothing under a licence that is not permissive is trained on.
func TestSources(t *testing.T) {
	copyleft := []string{"gcompris", "tuxpaint", "art4apps", "openmoji"}
	for name, s := range sources {
		if s.use == train && !slices.Contains(permissive, s.licence) {
			t.Errorf("%s (%s) is trained on", name, s.licence)
		}
		if slices.Contains(copyleft, name) && s.use != test {
			t.Errorf("%s serves as %s, want %s", name, s.use, test)
		}
	}
	for _, licence := range permissive {
		if strings.Contains(licence, "GPL") || strings.Contains(licence, "-SA") || strings.Contains(licence, "-NC") {
			t.Errorf("%s counts as permissive", licence)
		}
	}
	p := picture{ID: "a/b", Source: "a", Path: "b", Names: map[string][]string{"en": {"abc"}}, Concept: "abc", Use: train, Licence: "GPL-2.0"}
	if p.check() == nil {
		t.Error("a picture under the GPL is accepted for training")
	}
	if p.Licence = "MIT"; p.check() != nil {
		t.Error(p.check())
	}
}

func TestUnique(t *testing.T) {
	line := func(id, source, use, hash, name string) picture {
		return picture{ID: id, Source: source, Use: use, Hash: hash, Names: map[string][]string{"en": {name}}}
	}
	c := &collection{pictures: []picture{
		line("1", "a", train, "x", "one"), line("2", "b", train, "x", "two"), line("3", "t", test, "y", "three"),
		line("4", "a", train, "y", "three"), line("5", "u", test, "y", "four"), line("6", "t", test, "y", "five"),
	}}
	if dropped := c.unique(); dropped != 3 || len(c.pictures) != 3 {
		t.Fatalf("%d left out, %d kept, want 3 and 3", dropped, len(c.pictures))
	}
	for i, want := range [][]string{{"one", "two"}, {"three", "five"}, {"four"}} {
		if got := c.pictures[i].Names["en"]; !slices.Equal(got, want) {
			t.Errorf("names of picture %d: %q, want %q", i, got, want)
		}
	}
}

// TestManifest checks a folder that the program has made, named by CHIASM_MINIDATA.
func TestManifest(t *testing.T) {
	dir := os.Getenv("CHIASM_MINIDATA")
	if dir == "" {
		t.Skip("CHIASM_MINIDATA names no folder made by this program")
	}
	f, err := os.Open(filepath.Join(dir, "manifest.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	counts, hashes := map[string]int{}, map[string]string{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var p picture
		if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
			t.Fatal(err)
		}
		if err := p.check(); err != nil {
			t.Error(err)
		}
		if !exists(filepath.Join(dir, p.Path)) {
			t.Errorf("%s: %s is missing", p.ID, p.Path)
		}
		if use, ok := hashes[p.Hash]; ok && (use == train) != (p.Use == train) {
			t.Errorf("%s is both trained and tested on", p.ID)
		}
		hashes[p.Hash] = p.Use
		counts[p.Source+"/"+p.Domain]++
	}
	for kind, want := range map[string]int{"gcompris/photo": 166, "gcompris/monument": 76, "tuxpaint/cutout": 420, "art4apps/wordpicture": 581, "openmoji/emoji": 1394,
		"fluent-3d/emoji": 1375, "sweethome3d/render": 820, "openclipart-png/clipart": 1061} {
		if got := counts[kind]; got < want*95/100 || got > want*105/100 {
			t.Errorf("%d pictures of %s, want about %d", got, kind, want)
		}
	}
}
