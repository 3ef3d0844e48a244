package main

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm"
)

func TestClassify(t *testing.T) {
	junk := write(t, "junk.jpg", "\xff\xd8\xff junk")
	args := []string{"classify", "--json", "-m", tiny, "--template", "a photo of a {}", "--template", "a {}", gallery + "wide.png", junk, gallery + "tall.png"}
	r := runChiasm(t, "", append(args, "--labels", "cat, dog,日本語", "--labels", "@"+write(t, "l.txt", "bird\n\nsunset\n"))...)
	r.want(t, 1, "junk.jpg: ", "1 of 3 images failed")
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	if len(lines) != 3 || keys(t, lines[0]) != "image labels" || keys(t, lines[1]) != "image error" || !strings.Contains(lines[1], "junk.jpg") {
		t.Fatalf("got %s", r.out)
	}
	r.out = lines[0] + lines[2]
	for i, l := range objects[classifyLine](t, r) {
		sum := float32(0)
		var names []string
		for j, label := range l.Labels {
			sum += label.Prob
			names = append(names, label.Label)
			if j > 0 && label.Prob > l.Labels[j-1].Prob {
				t.Errorf("the labels of line %d are not in order: %+v", i, l)
			}
		}
		slices.Sort(names)
		if math.Abs(float64(sum)-1) > 1e-5 || strings.Join(names, " ") != "bird cat dog sunset 日本語" {
			t.Errorf("line %d is %+v", i, l)
		}
	}
	runChiasm(t, "", "classify", "-m", tiny, "--labels", "cat,dog,cat", tinyWide).want(t, 1, `the label "cat" comes twice`)
	piped := runChiasm(t, `["cat","dog"]`, "classify", "-q", "--json", "-m", tiny, "--labels", "@-", tinyWide).want(t, 0)
	plain := runChiasm(t, "", "classify", "-q", "--json", "-m", tiny, "--labels", "cat,dog", tinyWide).want(t, 0)
	if piped.out != plain.out {
		t.Errorf("labels from stdin gave %s, want %s", piped.out, plain.out)
	}
}

func TestClassifyTop(t *testing.T) {
	args := []string{"classify", "-m", tiny, "--labels", "a,b,c,d,e,f,g", tinyWide}
	for top, want := range map[string]int{"1": 1, "5": 5, "0": 7, "100": 7} {
		r := runChiasm(t, "", append(args, "--json", "--top", top)...).want(t, 0)
		if l := objects[classifyLine](t, r)[0]; len(l.Labels) != want {
			t.Errorf("--top %s gave %d labels", top, len(l.Labels))
		}
	}
	if r := runChiasm(t, "", args...).want(t, 0); strings.Count(r.out, "\n") != 6 || !strings.HasPrefix(r.out, tinyWide+"\n") || strings.Count(r.out, "%  ") != 5 {
		t.Errorf("got %s", r.out)
	}
}

// The published templates are those of --template, one by one.
func TestClassifyTemplatesByName(t *testing.T) {
	set, err := chiasm.Templates("imagenet-simple")
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"classify", "--json", "-m", tiny, "--labels", "cat,dog", tinyWide}
	named := runChiasm(t, "", append(args, "--templates", "imagenet-simple")...).want(t, 0)
	for _, template := range set {
		args = append(args, "--template", template)
	}
	if r := runChiasm(t, "", args...).want(t, 0); r.out != named.out {
		t.Errorf("got %s and %s", r.out, named.out)
	}
}

func TestTokenizeEqualsTheReference(t *testing.T) {
	c, texts, _ := readCases(t, tiny)
	r := runChiasm(t, "", "tokenize", "--json", "-m", tiny, "--texts", texts).want(t, 0, "1 text was cut to 77 tokens")
	if got := keys(t, r.out[:strings.IndexByte(r.out, '\n')]); got != "text ids tokens truncated" {
		t.Errorf("fields are %s", got)
	}
	lines := objects[tokenizeLine](t, r)
	if len(lines) != len(c.Texts) {
		t.Fatalf("got %d lines", len(lines))
	}
	for i, l := range lines {
		if l.Text != c.Texts[i] || !slices.Equal(l.IDs, c.IDs[i]) || !slices.Equal(l.Tokens, c.Tokens[i]) || l.Truncated != c.Truncated[i] {
			t.Errorf("line %d is %+v, want ids %v, tokens %q, truncated %v", i, l, c.IDs[i], c.Tokens[i], c.Truncated[i])
		}
	}
}

func TestTokenizeForPeople(t *testing.T) {
	r := runChiasm(t, "", "tokenize", "-m", tiny, "a cat", strings.Repeat("word ", 200)).want(t, 0)
	short, long, _ := strings.Cut(r.out, "\n\n")
	if !strings.HasPrefix(short, "a cat\n") || !strings.Contains(short, "a</w>") || !strings.HasSuffix(short, "5 tokens of 77") {
		t.Errorf("got %s", short)
	}
	cut := 0
	for line := range strings.Lines(long) {
		if strings.HasSuffix(line, "  cut\n") {
			cut++
		}
	}
	c := objects[tokenizeLine](t, runChiasm(t, "", "tokenize", "-q", "--json", "-m", tiny, strings.Repeat("word ", 200)).want(t, 0))[0]
	if cut != len(c.IDs)-77 || !strings.Contains(long, "the model reads 77: ") {
		t.Errorf("%d tokens are marked as cut of %d:\n%s", cut, len(c.IDs), long)
	}
	runChiasm(t, "", "tokenize", "-m", tiny, "--truncate", "error", "fine", strings.Repeat("word ", 200)).want(t, 1, "the model reads 77", "1 of 2 texts failed")
}

func TestShow(t *testing.T) {
	info := objects[chiasm.Info](t, runChiasm(t, "", "show", "--json", tiny).want(t, 0))[0]
	if info.Name != tiny || info.Layout != "transformers" || info.Dimension != 32 || info.Context != 77 || info.ImageSize != [2]int{32, 32} ||
		info.Parameters == 0 || info.DTypes["F32"] == 0 || len(info.Files) == 0 || !slices.Equal(info.Modalities, []string{"text", "image"}) {
		t.Errorf("got %+v", info)
	}
	t.Setenv(modelEnv, tiny)
	r := runChiasm(t, "", "show").want(t, 0)
	for _, want := range []string{"layout        transformers\n", "dimension     32\n", "context       77 tokens\n", "image size    32 × 32\n", "\nmodel.safetensors "} {
		if !strings.Contains(r.out, want) {
			t.Errorf("%q is not in\n%s", want, r.out)
		}
	}
}
