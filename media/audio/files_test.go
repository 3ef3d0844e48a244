package audio

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

type fileCase struct {
	File           string
	Rate, Channels int
	Frames, Start  int
	Values         string
	Sum            float64
}

func fileGolden(t testing.TB) []fileCase {
	t.Helper()
	data, err := os.ReadFile("testdata/files.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct{ Cases []fileCase }
	if err := json.Unmarshal(data, &golden); err != nil || len(golden.Cases) < 40 {
		t.Fatal(err, len(golden.Cases))
	}
	return golden.Cases
}

// needFFmpeg leaves a test out where the program is missing.
func needFFmpeg(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, ErrNoFFmpeg) {
		t.Skip(err)
	}
}

// drain reads all that r has.
func drain(r *Reader, frames int) ([]float32, error) {
	var all []float32
	buf := make([]float32, frames*r.Format().Channels)
	for {
		n, err := r.Read(buf)
		all = append(all, buf[:n*r.Format().Channels]...)
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return all, err
		}
	}
}

func readBytes(data []byte) ([]float32, Format, error) {
	r, err := New(context.Background(), bytes.NewReader(data))
	if err != nil {
		return nil, Format{}, err
	}
	defer r.Close()
	all, err := drain(r, 1000)
	return all, r.Format(), err
}

func sampleFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata/files", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Samples must be libsndfile's: the same bits where nothing is lost, and within 2e-6 for MP3. ffmpeg's decoders of Vorbis and
// Opus are others than libsndfile's.
func TestFilesEqualReference(t *testing.T) {
	for _, c := range fileGolden(t) {
		t.Run(c.File, func(t *testing.T) {
			r, err := Open(context.Background(), filepath.Join("testdata/files", c.File))
			needFFmpeg(t, err)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			f := r.Format()
			if f.Rate != c.Rate || f.Channels != c.Channels || f.Codec == "" || f.Frames >= 0 && f.Frames != int64(c.Frames) {
				t.Errorf("got %+v, want %d Hz, %d channels, %d frames", f, c.Rate, c.Channels, c.Frames)
			}
			all, err := drain(r, 333)
			if err != nil {
				t.Fatal(err)
			}
			if filepath.Ext(c.File) == ".ogg" && len(all) > c.Frames*c.Channels && len(all) < (c.Frames+2048)*c.Channels {
				all = all[:c.Frames*c.Channels] // ffmpeg may leave the padding of the last block
			}
			if len(all) != c.Frames*c.Channels {
				t.Fatalf("got %d frames, want %d", len(all)/c.Channels, c.Frames)
			}
			values, err := base64.StdEncoding.DecodeString(c.Values)
			if err != nil || len(values) == 0 {
				t.Fatal(err)
			}
			worst, sum := 0.0, 0.0
			for i := range len(values) / 4 {
				want := math.Float32frombits(binary.LittleEndian.Uint32(values[4*i:]))
				worst = max(worst, math.Abs(float64(all[c.Start*c.Channels+i]-want)))
			}
			for _, v := range all {
				sum += float64(v)
			}
			tolerance := map[string]float64{".mp3": 2e-6, ".ogg": 1e-3}[filepath.Ext(c.File)]
			if !(worst <= tolerance) || !(math.Abs(sum-c.Sum) <= tolerance*float64(len(all))) {
				t.Errorf("off by %.2g, sum by %.2g", worst, sum-c.Sum)
			}
			data := sampleFile(t, c.File)
			again, format, err := readBytes(data)
			if err != nil || len(again) < len(all) || !slices.Equal(again[:len(all)], all) || format.Codec != f.Codec {
				t.Errorf("from a stream: %d values, %+v, %v", len(again), format, err)
			}
		})
	}
}

// What only ffmpeg reads must sound as what was written.
func TestFilesThatFFmpegReads(t *testing.T) {
	codecs := map[string]string{"aac.m4a": "aac", "opus.webm": "opus", "aac.aac": "aac", "alac.m4a": "alac", "adpcm.wav": "adpcm_ima_wav", "video.mp4": "aac"}
	for name, codec := range codecs {
		t.Run(name, func(t *testing.T) {
			x, err := Load(context.Background(), filepath.Join("testdata/files", name), 16000, 1<<20)
			needFFmpeg(t, err)
			if err != nil {
				t.Fatal(err)
			}
			r, err := Open(context.Background(), filepath.Join("testdata/files", name))
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if f := r.Format(); f.Codec != codec || f.Channels != 2 || f.Frames != -1 {
				t.Errorf("got %+v, want codec %s", f, codec)
			}
			left, right := sound("chirp", 12000, 44100), sound("speech", 12000, 44100)
			buzz, hiss := sound("tone", 12000, 44100), sound("noise", 12000, 44100)
			for i := range left {
				left[i] = (left[i] + buzz[i]*0.5 + right[i] + hiss[i]*0.3) / 2
			}
			want := Resample(left, 44100, 16000)
			best := 0.0 // correlation; AAC's priming may come first
			for lag := range 1000 {
				var xy, xx, yy float64
				for i := 500; i < 3500 && i+lag < len(x); i++ {
					a, b := float64(want[i]), float64(x[i+lag])
					xy, xx, yy = xy+a*b, xx+a*a, yy+b*b
				}
				best = max(best, xy/math.Sqrt(xx*yy))
			}
			if best < 0.95 {
				t.Errorf("correlation with what was written: %.3f", best)
			}
		})
	}
}

// A file that ends early must give what it has, and say so.
func TestCutFilesGiveWhatTheyHave(t *testing.T) {
	for _, name := range []string{"pcm_16.wav", "pcm_24.wav", "rf64.wav", "pcm_24.aiff", "pcm_16.flac", "44100.mp3", "48000.mp3"} {
		data := sampleFile(t, name)
		whole, format, err := readBytes(data)
		if err != nil {
			t.Fatal(err)
		}
		cut := data[:len(data)*2/3+1]
		got, _, err := readBytes(cut)
		if !errors.Is(err, ErrTruncated) {
			t.Errorf("%s: got %v, want ErrTruncated", name, err)
		}
		if len(got) < len(whole)/10 || len(got) >= len(whole) || !slices.Equal(got, whole[:len(got)]) {
			t.Errorf("%s: got %d of %d values, or others", name, len(got), len(whole))
		}
		path := filepath.Join(t.TempDir(), "cut")
		if err := os.WriteFile(path, cut, 0o600); err != nil {
			t.Fatal(err)
		}
		x, err := Load(context.Background(), path, format.Rate, 1<<20)
		if !errors.Is(err, ErrTruncated) || len(x) != len(got)/format.Channels || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: Load: %d samples, %v", name, len(x), err)
		}
		r, err := Open(context.Background(), path)
		if err != nil {
			t.Fatal(err)
		}
		if f := r.Format().Frames; strings.HasSuffix(name, ".wav") && f != int64(len(x)) {
			t.Errorf("%s: promises %d frames, has %d", name, f, len(x))
		}
		r.Close()
	}
}

// One sample at a time, many at once, by other windows: always the same.
func TestReadingInPieces(t *testing.T) {
	for _, name := range []string{"pcm_24.wav", "float.aiff", "pcm_16.flac", "44100.mp3", "8000.mp3"} {
		var results [][]float32
		for _, size := range []int{1, 7, 1000, 100000} {
			r, err := New(context.Background(), bytes.NewReader(sampleFile(t, name)))
			if err != nil {
				t.Fatal(err)
			}
			all, err := drain(r, size)
			if err != nil {
				t.Fatal(err)
			}
			results = append(results, all)
		}
		for _, r := range results {
			if !slices.Equal(r, results[0]) {
				t.Errorf("%s: pieces differ", name)
			}
		}
	}
}
