package audio

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/internal/steady"
)

// readBy is a sound as one channel at rate, by a reader that may have read others.
func readBy(r *Reader, data []byte, rate int) ([]float32, error) {
	if err := r.Reset(context.Background(), bytes.NewReader(data)); err != nil {
		return nil, err
	}
	return r.Mono(rate).Append(nil, 1<<20)
}

// What a reader has read before changes nothing, whole or cut off.
func TestReadersForget(t *testing.T) {
	var kept Reader
	for _, c := range fileGolden(t) {
		data := sampleFile(t, c.File)
		if head := data[:min(len(data), peeked)]; !isWAV(head) && !isAIFF(head) && !strings.HasSuffix(c.File, ".flac") {
			continue
		}
		for _, data := range [][]byte{data[:2*len(data)/3], data} {
			for _, rate := range []int{16000, 16000, 44101} {
				want, wrong := readBy(new(Reader), data, rate)
				got, err := readBy(&kept, data, rate)
				if !slices.Equal(got, want) || (err == nil) != (wrong == nil) || err != nil && err.Error() != wrong.Error() {
					t.Fatalf("%s: %d samples, %v; anew %d, %v", c.File, len(got), err, len(want), wrong)
				}
			}
		}
	}
}

func TestReadersTakeNoMemory(t *testing.T) {
	x := noise(20000, 1)
	var pcm []byte
	for _, v := range x {
		s := int16(v * 8000)
		pcm = append(pcm, byte(s), byte(s>>8))
	}
	for name, data := range map[string][]byte{
		"16 bits":                waveFile(1, 1, 16000, 2, 16, uint32(len(pcm)), pcm),
		"16 bits at 44.1 kHz":    waveFile(1, 1, 44100, 2, 16, uint32(len(pcm)), pcm),
		"two channels of floats": stereo(x, x, 22050),
	} {
		var r Reader
		var samples []float32
		in := bytes.NewReader(data)
		read := func() {
			in.Reset(data)
			if err := r.Reset(t.Context(), in); err != nil {
				t.Fatal(err)
			}
			var err error
			if samples, err = r.Mono(16000).Append(samples[:0], 12000); err != nil && err != ErrLimit {
				t.Fatal(err)
			}
		}
		steady.NoAllocs(t, name, read)
	}
}

// A reader without a sound says so.
func TestReadersWithoutASound(t *testing.T) {
	var r Reader
	if _, err := r.Read(make([]float32, 8)); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
	if _, err := readBy(&r, []byte("no sound at all"), 16000); !errors.Is(err, ErrFormat) {
		t.Error(err)
	}
	if _, err := r.Read(make([]float32, 8)); !errors.Is(err, ErrFormat) {
		t.Error(err)
	}
	data := stereo(noise(100, 1), noise(100, 2), 16000)
	if x, err := readBy(&r, data, 16000); err != nil || len(x) != 100 {
		t.Errorf("%d samples, %v", len(x), err)
	}
	if err := r.Reset(t.Context(), bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(make([]float32, 8)); !errors.Is(err, os.ErrClosed) || errors.Is(err, io.EOF) {
		t.Error(err)
	}
}
