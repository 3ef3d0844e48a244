package whisper

import (
	"math"
	"strings"
)

// strange tells how little a word is like one that is said: unlikely, very short or very long.
func (w *Word) strange() (score float64) {
	length := w.End - w.Start
	if w.Probability < 0.15 {
		score++
	}
	return score + max(0, (0.133-length)*15) + max(0, length-2)
}

// strange tells whether the first words of a segment look as if nobody said them; never if there are none.
func (s *Segment) strange() bool {
	n, score := 0, 0.0
	for i := range s.Words {
		if w := &s.Words[i]; n < 8 && !strings.Contains(opening+closing, w.Text) {
			n++
			score += w.strange()
		}
	}
	return len(s.Words) > 0 && (score >= 3 || score+0.01 >= float64(n))
}

// worded is the first of segments that has words, nil if none has.
func worded(segments []Segment) *Segment {
	for i := range segments {
		if len(segments[i].Words) > 0 {
			return &segments[i]
		}
	}
	return nil
}

// A heard is what was made of a window, on its way to the next one.
type heard struct {
	segments []Segment
	rest     int  // frames that are done with
	ended    bool // the model heard the end of what is said
	frames   int
	offset   float64 // of the window, in seconds
}

// last is when the last word ends, or without words the last segment; ok is false if there is neither.
func (h *heard) last() (end float64, ok bool) {
	for i := len(h.segments) - 1; i >= 0; i-- {
		if n := len(h.segments[i].Words); n > 0 {
			return h.segments[i].Words[n-1].End, true
		}
	}
	if n := len(h.segments); n > 0 {
		return h.segments[n-1].End, true
	}
	return 0, false
}

// to sets the point from which the next window is heard.
func (h *heard) to(seconds float64, seek int) {
	h.rest = int(math.RoundToEven(seconds*frameRate)) - seek
}

// byWords lets the next window begin where the last word ends.
func (h *heard) byWords(seek int) {
	if end, ok := h.last(); ok && !h.ended && end > h.offset {
		h.to(end, seek)
	}
}

// skipSilence is openai/whisper's hallucination_silence_threshold: silence longer than Options.SkipSilence is skipped where it stands before
// segments that look as if nobody said them, and these are dropped, to be heard again in another window. It tells whether all are.
func (s *sequence) skipSilence(h *heard) (all bool) {
	long := float64(s.opts.SkipSilence)
	windowEnd := h.offset + float64(s.WindowSamples())/frameSamples/frameRate
	if end, ok := h.last(); ok && !h.ended && end > h.offset && windowEnd-end <= long {
		h.rest = h.frames
	}
	if first := worded(h.segments); first != nil && first.strange() {
		if gap := first.Start - h.offset; gap > long {
			h.rest = int(math.RoundToEven(gap * frameRate))
			return true
		}
	}
	before := s.spoken
	for i := range h.segments {
		x := &h.segments[i]
		if len(x.Words) == 0 {
			continue
		}
		if x.strange() {
			next, after := worded(h.segments[i+1:]), h.offset+float64(h.frames)/frameRate
			if next != nil {
				after = next.Words[0].Start
			}
			quietBefore := x.Start-before > long || x.Start < long || x.Start-h.offset < 2
			quietAfter := after-x.End > long || next != nil && next.strange() || windowEnd-x.End < 2
			if quietBefore && quietAfter {
				h.to(max(h.offset+1, x.Start), s.seek)
				if left := len(s.sound) / frameSamples; s.read != nil && h.offset+float64(left)/frameRate-x.End < long {
					h.rest = left
				}
				h.segments = h.segments[:i]
				return false
			}
		}
		before = x.End
	}
	return false
}
