package index

import "math/bits"

// A Filter is a set of ids, which a search asks about many of them at once. Keep clears bit i%64 of mask[i/64] where ids[i] is not in the set, and leaves
// the others as they are; mask has a bit for each of the ids. It is called by several goroutines at once.
type Filter interface{ Keep(mask, ids []uint64) }

// A Func is the set of the ids for which it returns true. It is called for the ids whose bits are set.
type Func func(id uint64) bool

// Keep clears the bits of ids that are not in the set.
func (f Func) Keep(mask, ids []uint64) {
	for i, word := range mask {
		for ; word != 0; word &= word - 1 {
			if j := bits.TrailingZeros64(word); !f(ids[64*i+j]) {
				mask[i] &^= 1 << j
			}
		}
	}
}

const (
	sparse   = 0.18 // a filter that lets less than this share through is asked before codes are read, else about what they leave in doubt
	oneByOne = 32   // allowed rows of a group that are looked at one by one, rather than all rows of the group

	sampleRuns = 128 // of ids, that a filter is asked about to see which share it lets through
	runIDs     = 4   // of such a run: those of one cost a look at memory, not each
)

// within is the bits from first to last of a group.
func within(first, last int) (mask [groupRows / 64]uint64) {
	for i := range mask {
		lo, hi := min(max(first-64*i, 0), 64), min(max(last-64*i, 0), 64)
		mask[i] = (1<<hi - 1) &^ (1<<lo - 1)
	}
	return mask
}

// allowed clears the bits of the rows from at on that the filter does not let through, and returns how many are left.
func (h *hunt) allowed(b *block, at int) (left int) {
	ids := b.ids[at:min(at+groupRows, len(b.ids))]
	h.t.Filter.Keep(h.rest[:(len(ids)+63)/64], ids)
	for _, word := range h.rest {
		left += bits.OnesCount64(word)
	}
	return left
}

// through is the rows that the filter lets through, with their scores. Ids of other rows are not read: they would have to come from memory.
func (h *hunt) through(b *block, rows []uint32) []uint32 {
	if len(rows) == 0 {
		return rows
	}
	for i, r := range rows {
		h.ids[i] = b.ids[r]
	}
	mask := within(0, len(rows))
	h.t.Filter.Keep(mask[:(len(rows)+63)/64], h.ids[:len(rows)])
	kept := 0
	for i, word := range mask {
		for ; word != 0; word &= word - 1 {
			at := 64*i + bits.TrailingZeros64(word)
			rows[kept], h.scores[kept] = rows[at], h.scores[at]
			kept++
		}
	}
	return rows[:kept]
}

// share is about which share of the ids a filter lets through.
func (s *snapshot) share(f Filter) float64 {
	if f == nil {
		return 1
	}
	var asked [sampleRuns * runIDs]uint64
	step, at, n := max((s.live+sampleRuns-1)/sampleRuns, runIDs), 0, 0
	for i := range s.views {
		for j := range s.views[i].blocks {
			ids := s.views[i].blocks[j].ids
			for ; at < len(ids) && n < len(asked); at += step {
				n += copy(asked[n:], ids[at:min(at+runIDs, len(ids))])
			}
			at -= len(ids)
		}
	}
	if n == 0 {
		return 1
	}
	mask := make([]uint64, (n+63)/64)
	for i := range n {
		mask[i/64] |= 1 << (i % 64)
	}
	f.Keep(mask, asked[:n])
	passed := 0
	for _, word := range mask {
		passed += bits.OnesCount64(word)
	}
	return float64(passed) / float64(n)
}
