package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm"
)

const (
	prompted = "../../model/sentence/testdata/xlm-roberta" // its default prompt is "query: "
	clipText = "../../model/sentence/testdata/clip-text"
)

func TestEmbedPrompts(t *testing.T) {
	embed := func(args ...string) []float32 {
		t.Helper()
		return objects[vectorLine](t, runChiasm(t, "", append([]string{"embed", "-m", prompted}, args...)...).want(t, 0))[0].Embedding
	}
	none := embed("--prompt", "", "-t", "two dogs")
	query := embed("--prompt", "", "-t", "query: two dogs")
	passage := embed("--prompt", "", "-t", "passage: two dogs")
	for _, c := range []struct {
		want []float32
		args []string
	}{
		{query, nil}, {query, []string{"--prompt-name", "query"}}, {passage, []string{"--prompt-name", "document"}},
		{passage, []string{"--prompt", "passage: "}}, {none, []string{"--prompt="}},
	} {
		if got := embed(append(c.args, "-t", "two dogs")...); !slices.Equal(got, c.want) {
			t.Errorf("%q gives another vector", c.args)
		}
	}
	if slices.Equal(query, none) || slices.Equal(query, passage) {
		t.Error("prompts change nothing")
	}
	runChiasm(t, "", "embed", "-m", prompted, "--prompt-name", "x", "-t", "a").want(t, 2, "--prompt-name x: want one of document, query")
	runChiasm(t, "", "embed", "-m", tiny, "--prompt-name", "query", "-t", "a").want(t, 2, "the model's files name no prompts: want --prompt with")
	runChiasm(t, "", "embed", "-m", prompted, "--prompt-name", "query", "--prompt", "", "-t", "a").want(t, 2, "--prompt and --prompt-name exclude each other")
	long := strings.Repeat("cat ", 30) // the prompt counts
	runChiasm(t, "", "embed", "-m", prompted, "--prompt", strings.Repeat(long, 20), "-t", "a").want(t, 0, "1 text was cut to")
	if out := runChiasm(t, "", "show", prompted).want(t, 0).out; !strings.Contains(out, "prompt        document: \"passage: \"\nprompt        query: \"query: \"\n") {
		t.Errorf("show says\n%s", out)
	}
}

func TestTextModelBeside(t *testing.T) {
	picture := "../../model/clip/testdata/pictures/square.png"
	lines := objects[vectorLine](t, runChiasm(t, "", "embed", "-m", tiny, "--text-model", clipText, "-t", "two dogs", picture).want(t, 0))
	alone := objects[vectorLine](t, runChiasm(t, "", "embed", "-m", clipText, "-t", "two dogs").want(t, 0))
	if !slices.Equal(lines[0].Embedding, alone[0].Embedding) || lines[0].Space != lines[1].Space || !strings.Contains(lines[0].Space, "+clip-text@") {
		t.Errorf("got %+v", lines)
	}
	var with, without similarityAnswer
	for _, c := range []struct {
		answer *similarityAnswer
		args   []string
	}{{&with, []string{"--text-model", clipText}}, {&without, nil}} {
		r := runChiasm(t, "", append([]string{"similarity", "--json", "-m", tiny, "-t", "two dogs", "-t", "a cat", picture}, c.args...)...).want(t, 0)
		if err := json.Unmarshal([]byte(r.out), c.answer); err != nil {
			t.Fatal(err)
		}
	}
	m, err := chiasm.Open(t.Context(), tiny, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	cosine := float32(0)
	for i, v := range lines[0].Embedding {
		cosine += v * lines[1].Embedding[i]
	}
	scale := m.Score([]chiasm.Embedding{{Values: []float32{1}}}, []chiasm.Embedding{{Values: []float32{1}}}).Logits[0][0]
	if d := with.PerImage[0][0] - scale*cosine; d > 1e-4 || d < -1e-4 || with.PerImage[0][0] == without.PerImage[0][0] {
		t.Errorf("the logit is %v, want %v", with.PerImage[0][0], scale*cosine)
	}
	runChiasm(t, "", "classify", "-m", tiny, "--text-model", clipText, "--labels", "a dog,a cat", picture).want(t, 0)
	runChiasm(t, "", "classify", "-m", tiny, "--text-model", prompted, "--labels", "a dog,a cat", picture).want(t, 1, "want a model whose texts have 32 dimensions")
}
