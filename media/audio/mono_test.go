package audio

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"
	"testing"
)

// stereo is a WAV file of n frames with x left and y right.
func stereo(x, y []float32, rate int) []byte {
	var b []byte
	for i := range x {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x[i]))
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(y[i]))
	}
	return waveFile(3, 2, uint32(rate), 8, 32, uint32(len(b)), b)
}

func openStereo(t *testing.T, n, rate int) (*Reader, []float32) {
	t.Helper()
	x, y := noise(n, 1), noise(n, 2)
	r, err := New(context.Background(), bytes.NewReader(stereo(x, y, rate)))
	if err != nil {
		t.Fatal(err)
	}
	for i := range x {
		x[i] = (x[i] + y[i]) / 2
	}
	return r, x
}

// Channels are averaged first, then resampled.
func TestMonoAveragesThenResamples(t *testing.T) {
	for _, rates := range [][2]int{{44100, 16000}, {16000, 16000}, {8000, 48000}} {
		r, mean := openStereo(t, 30000, rates[0])
		got, err := r.Mono(rates[1]).ReadAll(1 << 20)
		if err != nil || !slices.Equal(got, Resample(mean, rates[0], rates[1])) {
			t.Errorf("%v: %d samples, %v", rates, len(got), err)
		}
	}
}

func TestReadAllStopsAtItsLimit(t *testing.T) {
	for _, c := range []struct {
		limit, want int
		over        bool
	}{{30000, 30000, false}, {29999, 29999, true}, {100, 100, true}, {0, 0, true}, {1 << 30, 30000, false}} {
		r, mean := openStereo(t, 30000, 16000)
		got, err := r.Mono(16000).ReadAll(c.limit)
		if !slices.Equal(got, mean[:c.want]) || errors.Is(err, ErrLimit) != c.over || err != nil && !c.over {
			t.Errorf("limit %d: %d samples, %v", c.limit, len(got), err)
		}
	}
}

func TestWindowsCoverTheSound(t *testing.T) {
	for _, c := range [][3]int{{30000, 1000, 1000}, {30000, 1000, 300}, {30001, 1000, 1000}, {29999, 1000, 999}, {500, 1000, 1000}, {1000, 1000, 10}, {1001, 1000, 10}, {1, 2, 1}, {0, 5, 5}} {
		n, size, hop := c[0], c[1], c[2]
		r, mean := openStereo(t, n, 16000)
		start, reached := 0, 0
		for w, err := range r.Mono(16000).Windows(size, hop) {
			if err != nil {
				t.Fatal(c, err)
			}
			if int(w.Start) != start || !slices.Equal(w.Samples, mean[start:start+len(w.Samples)]) || len(w.Samples) < size && start+len(w.Samples) != n || reached == n {
				t.Fatalf("%v: window at %d of %d samples", c, w.Start, len(w.Samples))
			}
			reached = start + len(w.Samples)
			start += hop
		}
		if reached != n {
			t.Errorf("%v: windows reach %d", c, reached)
		}
	}
	for range func() func(func(Window, error) bool) { // one may stop early
		r, _ := openStereo(t, 5000, 16000)
		return r.Mono(16000).Windows(100, 100)
	}() {
		break
	}
	data := stereo(noise(5000, 1), noise(5000, 2), 16000)
	r, err := New(context.Background(), bytes.NewReader(data[:len(data)/2]))
	if err != nil {
		t.Fatal(err)
	}
	n, last := 0, error(nil)
	for w, err := range r.Mono(16000).Windows(1000, 1000) {
		n += len(w.Samples)
		last = err
	}
	if n != 2497 || !errors.Is(last, ErrTruncated) {
		t.Errorf("a file that is cut: %d samples, %v", n, last)
	}
}

// Reading on after the end says the same again.
func TestEndIsKept(t *testing.T) {
	r, _ := openStereo(t, 10, 16000)
	m := r.Mono(16000)
	buf := make([]float32, 100)
	if n, err := m.Read(buf); n != 10 || err != nil {
		t.Error(n, err)
	}
	for range 2 {
		if n, err := m.Read(buf); n != 0 || !errors.Is(err, io.EOF) {
			t.Error(n, err)
		}
	}
}
