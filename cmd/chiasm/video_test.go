package main

import (
	"os/exec"
	"slices"
	"testing"
)

const (
	gemma  = "../../model/embeddinggemma/testdata"
	videos = "../../media/video/testdata"
)

func TestEmbedVideo(t *testing.T) {
	runChiasm(t, "", "embed", "-m", gemma, "--kind", "video", "-").want(t, 2, "a video cannot come by standard input")
	runChiasm(t, "", "embed", "-m", tiny, "--kind", "video", videos+"/counting.mp4").want(t, 1, "cannot see videos", "1 of 1 input failed")
	for _, program := range []string{"ffmpeg", "ffprobe"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Setenv("PATH", t.TempDir()) // one without the other does not help
			runChiasm(t, "", "embed", "-m", gemma, "--kind", "video", videos+"/counting.mp4").want(t, 1, "apt install ffmpeg", "1 of 1 input failed")
			t.Skip("ffmpeg and ffprobe are not installed")
		}
	}
	lines := objects[vectorLine](t, runChiasm(t, "", "embed", "-m", gemma, "--kind", "video", videos).want(t, 0))
	if len(lines) != 2 || lines[0].Kind != "video" || lines[1].Input != videos+"/counting.webm" || slices.Equal(lines[0].Embedding, lines[1].Embedding) {
		t.Errorf("got %+v", lines)
	}
	seen := runChiasm(t, "", "embed", "-m", gemma, videos+"/counting.mp4").want(t, 0)
	if one := objects[vectorLine](t, seen); len(one) != 1 || one[0].Kind != "video" {
		t.Errorf("a video without --kind: got %+v", one)
	}
	heard := runChiasm(t, "", "embed", "-m", gemma, videos+"/tone.ogg").want(t, 0)
	if lines := objects[vectorLine](t, heard); len(lines) != 1 || lines[0].Kind != "audio" {
		t.Errorf("a sound: got %+v", lines)
	}
}

func TestDimensionsThatModelsAreTrainedFor(t *testing.T) {
	runChiasm(t, "", "embed", "-m", gemma, "-t", "cat", "--dimensions", "100").want(t, 2, "--dimensions 100: the model was trained for [144 128]")
	line := objects[vectorLine](t, runChiasm(t, "", "embed", "-m", gemma, "-t", "cat", "--dimensions", "128").want(t, 0))[0]
	if len(line.Embedding) != 128 {
		t.Errorf("%d values, want 128", len(line.Embedding))
	}
}
