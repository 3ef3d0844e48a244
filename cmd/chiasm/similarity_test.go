package main

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rivo/uniseg"
)

func TestSimilarityEqualsTheReference(t *testing.T) {
	for _, model := range []string{"transformers", "transformers-old", "transformers-shards", "openclip-gelu", "openclip-timm-gap"} {
		t.Run(model, func(t *testing.T) {
			dir := models + model
			c, texts, images := readCases(t, dir)
			args := append([]string{"similarity", "--json", "--precision", "f32", "--threads", "1", "--model", dir, "--texts", texts}, images...)
			r := runChiasm(t, "", args...)
			cut := 0
			for _, truncated := range c.Truncated {
				if truncated {
					cut++
				}
			}
			if cut > 0 {
				r.want(t, 0, "cut to ")
			} else {
				r.want(t, 0)
			}
			if got, want := keys(t, r.out), "model images texts logits_per_image probs per"; strings.TrimSuffix(got, " truncated") != want {
				t.Errorf("fields are %s, want %s", got, want)
			}
			a := objects[similarityAnswer](t, r)[0]
			if a.Model != dir || a.Per != "image" || !slices.Equal(a.Images, images) || !slices.Equal(a.Texts, c.Texts) {
				t.Errorf("got %+v", a)
			}
			if cut > 0 && !slices.Equal(a.Truncated, c.Truncated) {
				t.Errorf("truncated is %v, want %v", a.Truncated, c.Truncated)
			}
			near(t, "logits", a.PerImage, golden(t, dir, "e2e.logits_per_image"))
			near(t, "probs", a.Probs, golden(t, dir, "e2e.probs"))
		})
	}
}

func TestSimilarityPerText(t *testing.T) {
	r := runChiasm(t, "", "similarity", "--json", "-m", tiny, "-t", "cat", "-t", "a dog", "--per", "text", gallery).want(t, 0)
	a := objects[similarityAnswer](t, r)[0]
	if len(a.Images) != 6 || a.Per != "text" {
		t.Fatalf("got %+v", a)
	}
	for j := range a.Texts {
		sum := 0.0
		for i := range a.Images {
			sum += float64(a.Probs[i][j])
		}
		if math.Abs(sum-1) > 1e-5 {
			t.Errorf("the probabilities of text %d have the sum %v", j, sum)
		}
	}
}

func TestSimilarityOfOne(t *testing.T) {
	r := runChiasm(t, "", "similarity", "-m", tiny, "--text", "a\x1b[31m cat", tinyWide).want(t, 0)
	lines := strings.Split(r.out, "\n")
	if len(lines) != 3 || lines[0] != tinyWide+`  a\x1b[31m cat` || !strings.HasPrefix(lines[1], "logit ") || !strings.Contains(lines[1], "probability 100.00%") {
		t.Errorf("got %q", r.out)
	}
}

func TestSimilarityTableIsAligned(t *testing.T) {
	r := runChiasm(t, "", "similarity", "-m", tiny, "-t", "cat", "-t", "日本語の猫", "-t", "👨‍👩‍👧 family", gallery).want(t, 0)
	lines := strings.Split(strings.TrimSuffix(r.out, "\n"), "\n")
	if len(lines) != 8 { // titles, six pictures, the legend
		t.Fatalf("got %d lines:\n%s", len(lines), r.out)
	}
	for _, line := range lines[1:7] {
		if uniseg.StringWidth(line) != uniseg.StringWidth(lines[0]) {
			t.Errorf("not aligned:\n%s", r.out)
		}
	}
	if !strings.Contains(lines[0], "日本語の猫") || !strings.Contains(lines[0], "👨‍👩‍👧 family") {
		t.Errorf("titles are missing:\n%s", r.out)
	}
	many := []string{"similarity", "-m", tiny, gallery + "wide.png", gallery + "tall.png"}
	for i := range 9 {
		many = append(many, "-t", fmt.Sprintf("text number %d", i))
	}
	r = runChiasm(t, "", many...).want(t, 0)
	if !strings.HasPrefix(r.out, "text ") || strings.Count(r.out, "\n") != 11 {
		t.Errorf("many texts are not rows:\n%s", r.out)
	}
	r = runChiasm(t, "", append(many, gallery)...).want(t, 0)
	if !strings.HasPrefix(r.out, "image ") || strings.Count(r.out, "\n") != 2+8*9 {
		t.Errorf("many of both are not a list of pairs:\n%s", r.out)
	}
}

func TestSimilarityGoesOnAfterBadPictures(t *testing.T) {
	junk := write(t, "junk.png", "\x89PNG\r\n\x1a\nnot really")
	r := runChiasm(t, "", "similarity", "--json", "-m", tiny, "-t", "cat", "-t", "dog", "missing.png", tinyWide, junk)
	r.want(t, 1, "chiasm: missing.png: no such file or directory", "junk.png: ", "2 of 3 images failed")
	a := objects[similarityAnswer](t, r)[0]
	if len(a.Images) != 1 || len(a.PerImage) != 1 || len(a.Errors) != 2 || a.Errors[0].Input != "missing.png" || a.Errors[1].Input != junk {
		t.Errorf("got %+v", a)
	}
	r = runChiasm(t, "", "similarity", "--json", "-m", tiny, "-t", "cat", "missing.png").want(t, 1, "missing.png", "1 of 1 image failed")
	if a := objects[similarityAnswer](t, r)[0]; len(a.Errors) != 1 || !strings.Contains(r.out, `"images":[]`) || !strings.Contains(r.out, `"logits_per_image":[]`) {
		t.Errorf("got %s", r.out)
	}
}

func TestSimilarityReadsStdin(t *testing.T) {
	data, err := os.ReadFile(tinyWide)
	if err != nil {
		t.Fatal(err)
	}
	piped := objects[similarityAnswer](t, runChiasm(t, string(data), "similarity", "--json", "-m", tiny, "-t", "cat", "-").want(t, 0))[0]
	named := objects[similarityAnswer](t, runChiasm(t, "cat\n", "similarity", "--json", "-m", tiny, "--texts", "-", tinyWide).want(t, 0))[0]
	if piped.Images[0] != "-" || named.Texts[0] != "cat" || piped.PerImage[0][0] != named.PerImage[0][0] {
		t.Errorf("got %+v and %+v", piped, named)
	}
}

func TestTooLong(t *testing.T) {
	long := strings.Repeat("a very long text ", 60)
	runChiasm(t, "", "similarity", "--json", "-m", tiny, "-t", long, "-t", long, tinyWide).want(t, 0, "chiasm: 2 texts were cut to 77 tokens")
	runChiasm(t, "", "similarity", "--quiet", "--json", "-m", tiny, "-t", long, tinyWide).want(t, 0)
	r := runChiasm(t, "", "similarity", "--truncate=error", "-m", tiny, "-t", "cat", "-t", long, tinyWide).want(t, 1, "the model reads 77")
	if r.out != "" {
		t.Errorf("an answer for a refused text: %s", r.out)
	}
	r = runChiasm(t, "", "embed", "--truncate=error", "-m", tiny, "-t", "cat", "-t", long, "-t", "dog").want(t, 1, "tokens, the model reads 77", "1 of 3 inputs failed")
	if strings.Count(r.out, `"embedding"`) != 2 || strings.Count(r.out, `"error"`) != 1 {
		t.Errorf("got %s", r.out)
	}
	r = runChiasm(t, "", "embed", "-m", tiny, "-t", "cat", "-t", long).want(t, 0, "1 text was cut to 77 tokens")
	if lines := objects[vectorLine](t, r); lines[0].Truncated || !lines[1].Truncated {
		t.Errorf("got %s", r.out)
	}
	runChiasm(t, "", "classify", "-m", tiny, "--labels", "cat,"+long, tinyWide).want(t, 0, "1 prompt was cut to 77 tokens")
}
