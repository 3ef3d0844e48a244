package whisper

import (
	"math"

	"github.com/chiasm/chiasm/internal/kernel"
)

// rules say which token may follow a text, as the logit filters of openai/whisper do. They don't change while texts are made.
type rules struct {
	never  []int32 // tokens that are never written
	first  []int32 // nor as the first token: a blank, the end
	end    int32   // the end of the text; ids below it are text
	stamps int32   // <|0.00|>; it and all above it are timestamps
	latest int32   // the last timestamp that may come first
	plain  bool    // without timestamps
}

var never = float32(math.Inf(-1))

// apply forbids tokens after a text of ids in logits [V], and returns the part of the row that may follow, in which what is forbidden has
// -Inf. What lies outside it is forbidden and keeps its values.
func (r *rules) apply(logits []float32, ids []int32) (lo, hi int) {
	forbid(logits, r.never)
	if len(ids) == 0 {
		forbid(logits, r.first)
	}
	lo, hi = 0, len(logits)
	if r.plain {
		return lo, hi
	}
	n, stamps := len(ids), int(r.stamps)
	logits[stamps-1] = never // <|notimestamps|>
	if n == 0 {
		lo, hi = stamps, min(int(r.latest)+1, hi)
	}
	// Timestamps come in pairs, except before the end.
	last := n > 0 && ids[n-1] >= r.stamps
	paired := n < 2 || ids[n-2] >= r.stamps
	switch {
	case last && paired:
		hi = stamps
	case last:
		lo = int(r.end)
	}
	// They never go back, and a segment is not empty.
	for i := n - 1; i >= 0; i-- {
		if ids[i] >= r.stamps {
			least := int(ids[i])
			if !last || paired {
				least++
			}
			fill(logits[stamps:max(stamps, min(least, len(logits)))])
			break
		}
	}
	if lo < stamps && hi > stamps && r.timely(logits, lo) {
		lo = stamps
	}
	return lo, hi
}

// timely tells whether all timestamps together are likelier than the likeliest token from lo on that is none.
func (r *rules) timely(logits []float32, lo int) bool {
	text, times := logits[lo:r.stamps], logits[r.stamps:]
	top := kernel.Max(times)
	if top == never {
		return false
	}
	return top+float32(math.Log(expSum(times, 1, top))) > kernel.Max(text)
}

func forbid(logits []float32, ids []int32) {
	for _, id := range ids {
		logits[id] = never
	}
}

func fill(logits []float32) {
	for i := range logits {
		logits[i] = never
	}
}
