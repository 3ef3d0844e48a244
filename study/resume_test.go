package study_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chiasm/chiasm/study"
	"github.com/chiasm/chiasm/train"
)

// childRecipe names a recipe that the test program is to follow, in place of testing, resuming if it can.
const childRecipe = "CHIASM_TEST_TRAIN"

func TestMain(m *testing.M) {
	path := os.Getenv(childRecipe)
	if path == "" {
		os.Exit(m.Run())
	}
	r, err := study.OpenRecipe(path)
	if err == nil {
		_, err = (&study.Training{Recipe: r, Resume: true, Offline: true}).Run(context.Background())
	}
	if err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
	os.Exit(0)
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// A training that is killed again and again, whenever it may be, comes to the weights of one that nothing interrupted, bit by bit, also
// on another number of threads.
func TestKilledTrainingResumes(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts many processes")
	}
	whole := recipe(t, tinyCLIP)
	whole.Learning.Steps, whole.Learning.Average, whole.Learning.Checkpoint, whole.Learning.Part, whole.Measure.Every = 24, 0.9, 1, 10, 6
	if _, err := (&study.Training{Recipe: whole, Offline: true}).Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	killed := *whole
	killed.Output, killed.Learning.Threads = filepath.Join(t.TempDir(), "killed"), 1
	path := filepath.Join(t.TempDir(), "recipe.yaml")
	if err := os.WriteFile(path, killed.YAML(), 0o644); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	kills := 0
	for wait := 200 * time.Millisecond; ; wait += wait / 8 { // so that it ends on any machine
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childRecipe+"="+path)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Duration(r.Int64N(int64(wait)))+wait/4, func() { cmd.Process.Kill() })
		err := cmd.Wait()
		timer.Stop()
		if err == nil {
			break
		}
		if cmd.ProcessState.Exited() {
			t.Fatalf("the training failed after %d kills: %s", kills, stderr.String())
		}
		kills++
	}
	t.Logf("killed %d times", kills)
	for _, name := range []string{"model.safetensors", "config.json", "training/curve.csv"} {
		if !bytes.Equal(read(t, filepath.Join(whole.Output, name)), read(t, filepath.Join(killed.Output, name))) {
			t.Errorf("%s is not that of the training that nothing interrupted", name)
		}
	}
}

// A training that is cancelled leaves a checkpoint; another recipe does not go on from it.
func TestCancelledTrainingResumes(t *testing.T) {
	r := recipe(t, tinyCLIP)
	r.Learning.Steps = 12
	ctx, cancel := context.WithCancel(context.Background())
	cut := &study.Training{Recipe: r, Offline: true, Progress: func(p train.Progress) {
		if p.Step == 5 {
			cancel()
		}
	}}
	if _, err := cut.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want that it was cancelled", err)
	}
	fails(t, &study.Training{Recipe: r, Offline: true}, "has begun")
	other := *r
	other.Learning.Rate *= 2
	fails(t, &study.Training{Recipe: &other, Offline: true, Resume: true}, "has the recipe changed", "another run")
	first := 0
	taught, err := (&study.Training{Recipe: r, Offline: true, Resume: true, Progress: func(p train.Progress) {
		if first == 0 && !p.Evaluated {
			first = p.Step
		}
	}}).Run(context.Background())
	if err != nil || taught.Steps != 12 || first != 6 || taught.Before == nil {
		t.Errorf("%v, %d steps, began with step %d, before: %v", err, taught.Steps, first, taught.Before)
	}
	fails(t, &study.Training{Recipe: r, Offline: true}, "has begun")
	whole := *r
	whole.Output = filepath.Join(t.TempDir(), "whole")
	if _, err := (&study.Training{Recipe: &whole, Offline: true}).Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(read(t, filepath.Join(whole.Output, "model.safetensors")), read(t, filepath.Join(r.Output, "model.safetensors"))) {
		t.Error("the resumed training has other weights")
	}
}

func fails(t *testing.T, training *study.Training, parts ...string) {
	t.Helper()
	_, err := training.Run(context.Background())
	for _, part := range parts {
		if err == nil || !bytes.Contains([]byte(err.Error()), []byte(part)) {
			t.Errorf("got %v, want an error with %q", err, part)
		}
	}
}
