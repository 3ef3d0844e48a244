package whisper

import (
	"compress/zlib"
	"context"
	"slices"
	"strings"
)

// A text is what was found for a window.
type text struct {
	ids         []int32
	said        string  // without timestamps and without space around it
	logProb     float64 // mean of the tokens, the end among them
	noSpeech    float64
	ratio       float64 // of compression
	temperature float32
	last        float32 // the highest temperature that was tried
}

// decode finds the text of every task. Those that fail at one temperature are tried together at the next; if the last one fails too, the
// likeliest of all tries is taken, if possible one that is not repetitive, as faster-whisper does.
func (t *Transcriber) decode(ctx context.Context, tasks []*task) ([]text, error) {
	texts := make([]text, len(tasks))
	pending := slices.Clone(tasks)
	places := make([]int, len(tasks)) // of the pending ones
	for i := range places {
		places[i] = i
	}
	for n, temperature := range t.opts.Temperatures {
		for _, task := range pending {
			task.key = mix(task.seed + uint64(n))
		}
		t.search.temperature = temperature
		if err := t.search.run(ctx, t.pass, t.decoder, t.tokens().NoSpeech, pending); err != nil {
			return nil, err
		}
		left := 0
		for i, task := range pending {
			found, kept := t.weigh(task, temperature), &texts[places[i]]
			fails := t.opts.fails(&found)
			if n == 0 || !fails || t.better(&found, kept) {
				*kept = found
			}
			kept.last = temperature
			if fails {
				pending[left], places[left] = task, places[i]
				left++
			}
		}
		if pending, places = pending[:left], places[:left]; left == 0 {
			break
		}
	}
	return texts, nil
}

// better tells which of two failures is the lesser.
func (t *Transcriber) better(a, b *text) bool {
	if x, y := a.ratio > float64(t.opts.CompressionRatio), b.ratio > float64(t.opts.CompressionRatio); x != y {
		return y
	}
	return a.logProb > b.logProb
}

// weigh judges the best hypothesis of a task.
func (t *Transcriber) weigh(task *task, temperature float32) text {
	h := &task.done[0]
	x := text{ids: slices.Clone(h.ids), noSpeech: task.noSpeech, temperature: temperature}
	x.logProb = h.sum / float64(len(h.ids)+1)
	x.said = strings.TrimSpace(t.text(h.ids))
	x.ratio = t.zip.ratio(x.said)
	return x
}

// A zipper measures how repetitive a text is.
type zipper struct {
	w     *zlib.Writer
	bytes counter
}

type counter int

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}

// emptyEnd is what Go's encoder adds to the end and zlib's doesn't: a block without content, in bytes.
const emptyEnd = 4

// ratio is how many times shorter zlib makes s. The reference uses the same format by another encoder, which differs by some bytes.
func (z *zipper) ratio(s string) float64 {
	z.bytes = 0
	if z.w == nil {
		z.w = zlib.NewWriter(&z.bytes)
	} else {
		z.w.Reset(&z.bytes)
	}
	z.w.Write([]byte(s)) // a counter takes everything
	z.w.Close()
	return float64(len(s)) / float64(z.bytes-emptyEnd)
}
