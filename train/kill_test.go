package train_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/train"
	"github.com/chiasm/chiasm/weights"
)

// TestMain lets a test start this program anew, as a run that it may kill.
func TestMain(m *testing.M) {
	if path := os.Getenv("TRAIN_TEST_CHECKPOINT"); path != "" {
		workers, _ := strconv.Atoi(os.Getenv("TRAIN_TEST_WORKERS"))
		if err := child(path, workers); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child runs or resumes a run to its end, and says each step before and after it is made.
func child(path string, workers int) error {
	limitFiles()
	_, run := newPupil(workers)
	run.Checkpoint, run.SaveEvery = path, 2
	step := run.Step
	run.Step = func(ctx context.Context, call int) (train.Outcome, error) {
		fmt.Println("step", call)
		return step(ctx, call)
	}
	if _, err := run.Resume(); err != nil {
		return err
	}
	_, err := run.Learn(context.Background())
	return err
}

func start(t *testing.T, path string, workers int, more ...string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Skip(err)
	}
	c := exec.Command(self)
	c.Env = append(append(os.Environ(), "TRAIN_TEST_CHECKPOINT="+path, "TRAIN_TEST_WORKERS="+strconv.Itoa(workers)), more...)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); errors.Is(err, syscall.ENOEXEC) {
		t.Skip("this program runs in an emulator, which does not start others: ", err)
	} else if err != nil {
		t.Fatal(err)
	}
	return c, bufio.NewScanner(out)
}

// A process that is killed again and again, at any moment, and started anew ends with a checkpoint that is to the bit that of one that was
// left alone: weights, moments, average, the place of the data.
func TestKilledRunResumes(t *testing.T) {
	var want []byte
	for workers := 1; workers <= 2; workers++ {
		path := filepath.Join(t.TempDir(), "run.safetensors")
		c, lines := start(t, path, workers)
		for lines.Scan() {
		}
		if err := c.Wait(); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = data
		} else if !bytes.Equal(want, data) {
			t.Error("two workers end with other weights than one")
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for workers := 1; workers <= 2; workers++ {
		dir := t.TempDir()
		path, kills, seen := filepath.Join(dir, "run.safetensors"), 0, map[string]int{}
		for done := false; !done; {
			c, lines := start(t, path, workers)
			after := 1 + r.IntN(6)
			if kills > 40 {
				t.Fatal("the run does not get on")
			}
			for done = true; lines.Scan(); {
				if seen[lines.Text()]++; after > 0 {
					if after--; after == 0 && kills < 12 {
						c.Process.Kill()
						done = false
					}
				}
			}
			if err := c.Wait(); (err == nil) != done && done {
				t.Fatal(err)
			}
			if !done {
				kills++
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%d workers, killed %d times: the last checkpoint is another", workers, kills)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
			t.Errorf("what killed runs left is still there: %v", left)
		}
		t.Logf("%d workers: killed %d times, %d different steps said", workers, kills, len(seen))
	}
}

// A disk that fills during a checkpoint leaves the one before.
func TestFullDisk(t *testing.T) {
	if !canLimitFiles {
		t.Skip("no way to limit the size of files here")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "run.safetensors")
	_, run := newPupil(1)
	run.Checkpoint, run.Schedule.Steps = path, 30
	ctx, cancel := context.WithCancel(context.Background())
	run.Progress = func(p train.Progress) {
		if p.Step == 6 {
			cancel()
		}
	}
	run.Learn(ctx)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c, lines := start(t, path, 1, "TRAIN_TEST_LIMIT="+strconv.Itoa(len(before)/2))
	last := ""
	for lines.Scan() {
		last = lines.Text()
	}
	if err := c.Wait(); err == nil || !strings.HasPrefix(last, "train: checkpoint: weights: save: write "+path) {
		t.Errorf("with a full disk: %v, %q", err, last)
	}
	after, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the checkpoint is not the one before: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

// Whatever a checkpoint holds, it is taken whole or refused whole.
func FuzzCheckpoint(f *testing.F) {
	path := filepath.Join(f.TempDir(), "c")
	_, run := newPupil(1)
	run.Checkpoint, run.Schedule.Steps = path, 2
	if _, err := run.Learn(context.Background()); err != nil {
		f.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add(bytes.Replace(good, []byte(`step\":2`), []byte(`step\":9`), 1))
	f.Add(bytes.Replace(good, []byte("value/text.bias"), []byte("value/text.bits"), 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		file := filepath.Join(t.TempDir(), "c")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		m, r := newPupil(1)
		r.Checkpoint, r.Schedule.Steps = file, 2
		before := bits(m)
		if _, err := r.Resume(); err != nil && !bytes.Equal(before, bits(m)) {
			t.Errorf("refused with %v, and yet the weights changed", err)
		}
	})
}

// A checkpoint with numbers that are not finite is refused.
func TestCheckpointOfNaN(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c")
	_, run := newPupil(1)
	run.Checkpoint, run.Schedule.Steps = path, 2
	if _, err := run.Learn(context.Background()); err != nil {
		t.Fatal(err)
	}
	set, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	var entries []tensor.Entry
	for _, name := range set.Names() {
		e, _ := set.Get(name)
		if name == "second/image.bias" {
			e.Data = bytes.Repeat([]byte{0xff}, len(e.Data))
		}
		entries = append(entries, e)
	}
	bad := path + "2"
	if err := weights.Save(bad, entries, set.Metadata()); err != nil {
		t.Fatal(err)
	}
	run.Checkpoint = bad
	if ok, err := run.Resume(); ok || err == nil || !strings.Contains(err.Error(), "second/image.bias: expected finite numbers, got NaN at index 0") {
		t.Errorf("got %v, %v", ok, err)
	}
}
