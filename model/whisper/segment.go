package whisper

import "strings"

// A Segment is a stretch of sound with what is said in it. What is measured is that of the window that it comes from.
type Segment struct {
	Start, End       float64 // seconds
	Text             string  // as the model writes it, mostly with a space before it
	IDs              []int32 // with the timestamps
	AvgLogProb       float64 // mean logarithm of the probabilities of the tokens
	NoSpeechProb     float64 // that nothing is said
	CompressionRatio float64 // of length and length compressed by zlib
	Temperature      float32 // at which the text was found
	Words            []Word  // with Options.Words
}

// A Word is a word, with the punctuation around it and the space before it.
type Word struct {
	Start, End  float64 // seconds
	Text        string
	Probability float64 // mean of its tokens
}

const (
	frameRate  = 100 // of features per second
	stampRate  = 50  // of timestamps and of what the encoder hears
	frameStamp = frameRate / stampRate
)

// A span is the part of a window's ids that makes a segment, in steps of a timestamp.
type span struct {
	ids        []int32
	start, end float64 // seconds into the window
}

// spans cuts the ids of a window with that many frames where the model wrote two timestamps. rest is the number of frames to the last one,
// where the next window begins; all of them if the model heard the end of what is said, which ended tells. With whole, what follows the last
// pair of timestamps is a span too.
func spans(ids []int32, stamps int32, frames int, whole bool) (spans []span, rest int, ended bool) {
	n := len(ids)
	isStamp := func(i int) bool { return i >= 0 && i < n && ids[i] >= stamps }
	ended = isStamp(n-1) && n > 1 && !isStamp(n-2)
	length := float64(frames) / frameRate
	at := 0
	cut := func(to int, end float64) {
		s := span{ids: ids[at:to], end: end}
		if isStamp(at) {
			s.start = seconds(ids[at], stamps)
		}
		spans, at = append(spans, s), to
	}
	for i := 1; i < n; i++ {
		if isStamp(i-1) && isStamp(i) {
			cut(i, seconds(ids[i-1], stamps))
		}
	}
	switch {
	case at == 0: // no pair: one segment, which ends with its last timestamp
		for i := n - 1; i >= 0; i-- {
			if isStamp(i) {
				if ids[i] != stamps {
					length = seconds(ids[i], stamps)
				}
				break
			}
		}
		return []span{{ids: ids, end: length}}, frames, ended
	case ended:
		cut(n, seconds(ids[n-1], stamps))
	case whole && at < n-1:
		cut(n, length)
	default:
		return spans, int(ids[at-1]-stamps) * frameStamp, false
	}
	return spans, frames, ended
}

func seconds(id, stamps int32) float64 { return float64(id-stamps) / stampRate }

// segments makes the segments of a window's text; those without text or length are left out, as their words would be.
func (t *Transcriber) segments(x *text, spans []span, offset float64) []Segment {
	out := make([]Segment, 0, len(spans))
	for _, s := range spans {
		out = append(out, Segment{
			Start: offset + s.start, End: offset + s.end, Text: t.text(s.ids), IDs: s.ids,
			AvgLogProb: x.logProb, NoSpeechProb: x.noSpeech, CompressionRatio: x.ratio, Temperature: x.temperature,
		})
	}
	return out
}

// said leaves out segments that have neither length nor text.
func said(segments []Segment) []Segment {
	kept := segments[:0]
	for _, s := range segments {
		if s.Start != s.End && strings.TrimSpace(s.Text) != "" {
			kept = append(kept, s)
		}
	}
	return kept
}
