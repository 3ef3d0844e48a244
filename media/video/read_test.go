package video

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func needFFmpeg(t *testing.T) {
	t.Helper()
	for _, program := range []string{"ffmpeg", "ffprobe"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(ErrNoFFmpeg)
		}
	}
}

// The frames of the test's videos have the brightness 16 + 7·number, of 219 steps above 16.
func TestRead(t *testing.T) {
	needFFmpeg(t)
	for _, c := range []struct {
		file          string
		frames        int
		rate, seconds float64
		sampled       []int
	}{
		{"counting.mp4", 30, 10, 3, []int{0, 10, 20}},
		{"counting.webm", 30, 30000.0 / 1001, 1.001, []int{0}},
	} {
		for _, numbers := range [][]int{nil, {0}, {29}, {3, 4, 5, 6, 11}, {0, 7, 7, 7, 28, 29, 29}} {
			var got []int
			info, err := Read(context.Background(), filepath.Join("testdata", c.file), func(i Info) []int {
				if sampled := (Sampling{Rate: 1, Most: 32}).Pick(i.Frames, i.Rate, i.Seconds); !slices.Equal(sampled, c.sampled) {
					t.Errorf("%s: a frame a second are %v, want %v", c.file, sampled, c.sampled)
				}
				return numbers
			}, func(f Frame) error {
				got = append(got, f.Number)
				if f.W != 32 || f.H != 18 || len(f.Pix) != 3*32*18 {
					t.Fatalf("%s: a frame of %dx%d in %d bytes", c.file, f.W, f.H, len(f.Pix))
				}
				sum := 0
				for _, v := range f.Pix {
					sum += int(v)
				}
				if mean, want := float64(sum)/float64(len(f.Pix)), float64(7*f.Number)*255/219; math.Abs(mean-want) > 4 {
					t.Errorf("%s: frame %d has the brightness %v, want %v", c.file, f.Number, mean, want)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if info.Frames != c.frames || math.Abs(info.Rate-c.rate) > 1e-9 || math.Abs(info.Seconds-c.seconds) > 1e-3 {
				t.Errorf("%s: got %+v", c.file, info)
			}
			if !slices.Equal(got, numbers) {
				t.Errorf("%s: got the frames %v, want %v", c.file, got, numbers)
			}
		}
	}
}

func TestReadFails(t *testing.T) {
	all := func(i Info) []int { return []int{0} }
	none := func(Frame) error { return nil }
	ctx := context.Background()
	if _, err := Read(ctx, "testdata/missing.mp4", all, none); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := Read(ctx, "testdata/sampling.json", all, none); !errors.Is(err, ErrFormat) {
		t.Errorf("no video: %v", err)
	}
	t.Run("without ffmpeg", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		if _, err := Read(ctx, "testdata/counting.mp4", all, none); !errors.Is(err, ErrNoFFmpeg) || !strings.Contains(err.Error(), "apt install ffmpeg") {
			t.Errorf("got %v", err)
		}
	})
	needFFmpeg(t)
	if _, err := Read(ctx, "testdata/tone.ogg", all, none); err == nil || !strings.Contains(err.Error(), "no stream of pictures") {
		t.Errorf("a sound: %v", err)
	}
	if _, err := Read(ctx, "testdata/counting.mp4", func(Info) []int { return []int{3, 2} }, none); err == nil || !strings.Contains(err.Error(), "rising") {
		t.Errorf("falling numbers: %v", err)
	}
	if _, err := Read(ctx, "testdata/counting.mp4", func(Info) []int { return []int{99} }, none); err == nil || !strings.Contains(err.Error(), "no frame 99") {
		t.Errorf("a frame too many: %v", err)
	}
	stop := errors.New("enough")
	if _, err := Read(ctx, "testdata/counting.mp4", all, func(Frame) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
	whole, err := os.ReadFile("testdata/counting.mp4")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{8, 40, 500, len(whole) - 700, len(whole) - 1} { // may fail or not, within a minute
		path := filepath.Join(t.TempDir(), "cut.mp4")
		if err := os.WriteFile(path, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(ctx, path, all, none); err != nil && !strings.HasPrefix(err.Error(), "video: "+path+": ") {
			t.Errorf("cut to %d: %v", n, err)
		}
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := Read(cancelled, "testdata/counting.mp4", all, none); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func FuzzReadFrame(f *testing.F) {
	f.Add([]byte("P6\n2 1\n255\nabcdef"))
	f.Add([]byte("P6\n99999 99999\n255\n"))
	f.Add([]byte("P6\n-1 2\n255\n"))
	f.Add([]byte("P5\n\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		frame, err := readFrame(bufio.NewReader(bytes.NewReader(data)))
		if err == nil && (len(frame.Pix) != 3*frame.W*frame.H || len(frame.Pix) > len(data)) {
			t.Errorf("%dx%d of %d bytes", frame.W, frame.H, len(data))
		}
		if len(data) == 0 && !errors.Is(err, io.EOF) {
			t.Errorf("nothing: %v", err)
		}
	})
}
