package chiasm_test

import (
	"os/exec"
	"strings"
	"testing"
)

// ladder is the order of the packages: each imports only from lower rungs, never from a sibling.
var ladder = [][]string{
	{"internal/cpu"},
	{"internal/kernel", "internal/pixel", "internal/wave", "internal/par", "internal/decode", "internal/ffmpeg", "internal/whole", "internal/steady"},
	{"metric", "tensor", "token", "media/image", "media/audio", "media/video", "hub", "index"},
	{"nn", "weights", "dataset"},
	{"model/vit", "model/text", "model/bert", "model/swin", "internal/golden", "model/gemma", "model/efficientnet", "train"},
	{
		"model/clip", "model/siglip", "model/dual", "model/clap", "model/sentence", "model/whisper", "model/vad", "model/chineseclip", "model/embeddinggemma",
		"model/mini", "fusion",
	},
	{""}, // the root package
	{"tunable"},
	{"study", "library", "decision"},
	{"server"},
	{"cmd/chiasm"},
}

func TestLadder(t *testing.T) {
	const module = "github.com/chiasm/chiasm"
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}}{{range .Imports}} {{.}}{{end}}", "./...").CombinedOutput()
	if err != nil {
		t.Skipf("go list does not run here: %v: %s", err, out)
	}
	rung := map[string]int{}
	for i, packages := range ladder {
		for _, p := range packages {
			rung[p] = i
		}
	}
	local := func(path string) (string, bool) {
		rest, ok := strings.CutPrefix(path, module)
		return strings.TrimPrefix(rest, "/"), ok
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		name, ok := local(fields[0])
		if !ok || strings.HasPrefix(name, "tools/") || strings.HasPrefix(name, "examples/") {
			continue
		}
		at, ok := rung[name]
		if !ok {
			t.Errorf("package %s has no place on the ladder", name)
		}
		for _, imported := range fields[1:] {
			if dep, ok := local(imported); ok && rung[dep] >= at {
				t.Errorf("%s (rung %d) imports %s (rung %d)", name, at, dep, rung[dep])
			}
		}
	}
}
