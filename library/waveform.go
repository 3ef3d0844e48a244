package library

import (
	"bytes"
	"context"
	"errors"
	stdimage "image"
	"image/color"
	"image/png"

	"github.com/chiasm/chiasm/media/audio"
)

// A contour is how loud a sound is in the course of time: its peaks, over stretches that grow with it, so that it takes little room.
type contour struct {
	peaks []float32
	each  int // samples of a peak
	at    int // samples of the last one
}

const (
	mostPeaks  = 4096
	firstPeak  = 64 // samples
	waveRate   = 8000
	waveWindow = 1 << 14 // samples that are read together
)

// add takes the samples that follow.
func (w *contour) add(samples []float32) {
	if w.each == 0 {
		w.each = firstPeak
	}
	for _, s := range samples {
		if w.at == 0 {
			if len(w.peaks) == mostPeaks {
				w.halve()
			}
			w.peaks = append(w.peaks, 0)
		}
		last := &w.peaks[len(w.peaks)-1]
		*last = max(*last, s, -s)
		w.at = (w.at + 1) % w.each
	}
}

// halve joins every two peaks.
func (w *contour) halve() {
	for i := range len(w.peaks) / 2 {
		w.peaks[i] = max(w.peaks[2*i], w.peaks[2*i+1])
	}
	w.peaks = w.peaks[:len(w.peaks)/2]
	w.each *= 2
}

// waveGrey can be seen on light and on dark.
var waveGrey = color.NRGBA{0x80, 0x80, 0x80, 0xff}

// draw is a PNG picture of so many pixels by a quarter, transparent but for it. The loudest peak fills it.
func (w *contour) draw(width int) ([]byte, error) {
	height := max(8, width/4)
	img := stdimage.NewPaletted(stdimage.Rect(0, 0, width, height), color.Palette{color.NRGBA{}, waveGrey})
	loudest := float32(1e-4)
	for _, p := range w.peaks {
		loudest = max(loudest, p)
	}
	n := len(w.peaks)
	for x := range width {
		peak := float32(0)
		for i := x * n / width; i < n && i < max((x+1)*n/width, x*n/width+1); i++ {
			peak = max(peak, w.peaks[i])
		}
		half := int(peak / loudest * float32(height/2-1))
		for y := height/2 - half; y <= height/2+half; y++ {
			img.SetColorIndex(x, y, 1)
		}
	}
	var b bytes.Buffer
	err := png.Encode(&b, img)
	return b.Bytes(), err
}

// waveform reads a sound and draws it. What is there of one that is cut off is drawn.
func waveform(ctx context.Context, path string, width int) ([]byte, error) {
	s, err := audio.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	var w contour
	for part, err := range s.Mono(waveRate).Windows(waveWindow, waveWindow) {
		if errors.Is(err, audio.ErrTruncated) {
			break
		}
		if err != nil {
			return nil, err
		}
		w.add(part.Samples)
	}
	if len(w.peaks) == 0 {
		return nil, errors.New("there is no sound in it")
	}
	return w.draw(width)
}
