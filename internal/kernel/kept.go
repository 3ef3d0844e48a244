package kernel

import "github.com/chiasm/chiasm/internal/cpu"

// Kept is keys and values of sequences that later queries will meet again and again, laid out once in the form that attention reads.
// Each sequence has a slot. The memory of a slot is taken when it is first written to; systems that hand out pages on first use give it
// no more than the positions need.
type Kept struct {
	Heads, D, Room int // Room is the positions of a sequence at most

	tier         cpu.Tier
	width        int // of a panel of keys
	column, wide int // of a panel of values, and of all of them
	slots        []keptSlot
}

// A keptSlot is one sequence: of each head the keys [Room/width, D, width], panels as those of a strip, and the values
// [wide/column, Room, column], of which each panel is read from end to end.
type keptSlot struct{ keys, values []float32 }

// NewKept makes room for sequences of so many positions.
func NewKept(heads, d, room int) *Kept {
	need(heads > 0 && d > 0 && room > 0, "kept", "expected heads, width and room of %d or more, got %d", 1, min(heads, d, room))
	k := &Kept{Heads: heads, D: d, tier: attentionTier, width: 1, column: d} // row by row for the generic path
	if k.tier > cpu.Generic {
		k.width, _ = stripSize(k.tier)
		k.column = k.width
	}
	k.Room = (room + k.width - 1) / k.width * k.width
	k.wide = (d + k.column - 1) / k.column * k.column
	return k
}

// Grow takes the memory of the slots 0 to slots-1.
func (k *Kept) Grow(slots int) {
	for len(k.slots) < slots {
		k.slots = append(k.slots, keptSlot{aligned(k.Heads * k.Room * k.D), aligned(k.Heads * k.Room * k.wide)})
	}
}

// head is the keys and the values of a head of a slot.
func (k *Kept) head(slot, head int) (keys, values []float32) {
	s, n, w := &k.slots[slot], k.Room*k.D, k.Room*k.wide
	return s.keys[head*n:][:n], s.values[head*w:][:w]
}

// Copy gives slot to the positions from first to end-1 of slot from.
func (k *Kept) Copy(to, from, first, end int) {
	need(first >= 0 && first <= end && end <= k.Room, "kept", "expected positions up to %d, got %d", k.Room, end)
	p0, p1 := first/k.width*k.width*k.D, (end+k.width-1)/k.width*k.width*k.D // whole panels: what lies beyond end is not read
	for h := range k.Heads {
		keys, values := k.head(to, h)
		oldKeys, oldValues := k.head(from, h)
		copy(keys[p0:p1], oldKeys[p0:p1])
		for p := 0; p < len(values); p += k.Room * k.column {
			copy(values[p+first*k.column:p+end*k.column], oldValues[p+first*k.column:])
		}
	}
}

// Scores writes the inner products of rows of queries, ld apart, with the first n keys of a head of a slot, times factor: dst [rows, n].
func (k *Kept) Scores(dst, queries []float32, ld, slot, head, n int, factor float32) {
	need(slot >= 0 && slot < len(k.slots) && head < k.Heads && n <= k.Room, "kept", "expected a slot below %d, got %d", len(k.slots), slot)
	keys, _ := k.head(slot, head)
	var sums [maxKept]float32
	for r := 0; r*n < len(dst); r++ {
		q, row := queries[r*ld:][:k.D], dst[r*n:][:n]
		for j := 0; j < n; j += k.width {
			panel, sum := keys[j*k.D:][:k.width*k.D], sums[:k.width]
			clear(sum)
			for i, v := range q {
				for c, w := range panel[i*k.width:][:len(sum)] {
					sum[c] += v * w
				}
			}
			GenericScale(row[j:min(j+k.width, n)], sum[:min(k.width, n-j)], factor)
		}
	}
}

const maxKept = 32 // columns of a panel

// A Keep writes rows of keys and values to slots: rows Starts[s] to Starts[s+1] to positions At[s] and following of slot Slots[s].
type Keep struct {
	*Kept
	K, V      []float32 // head h has columns h·D to h·D+D-1 of a row
	LDK, LDV  int
	Starts    []int32
	Slots, At []int32
}

// Plan checks the sizes, takes memory for new slots and returns how many chunks Run does.
func (k *Keep) Plan() (chunks int) {
	rows := lastRow("keep: starts", k.Starts)
	n := len(k.Starts) - 1
	need(len(k.Slots) == n && len(k.At) == n, "keep", "expected slots and positions of %d sequences, got %d", n, min(len(k.Slots), len(k.At)))
	if rows == 0 {
		return 0
	}
	needMatrix("keep: K", k.K, rows, k.Heads*k.D, k.LDK)
	needMatrix("keep: V", k.V, rows, k.Heads*k.D, k.LDV)
	for s, slot := range k.Slots {
		end := int(k.At[s] + k.Starts[s+1] - k.Starts[s])
		need(slot >= 0 && k.At[s] >= 0 && end <= k.Room, "keep", "expected positions up to %d, got %d", k.Room, end)
		k.Grow(int(slot) + 1)
	}
	return n * k.Heads
}

// Run does one chunk: a head of a sequence.
func (k *Keep) Run(chunk int) {
	s, head := chunk/k.Heads, chunk%k.Heads
	row, n, at := int(k.Starts[s]), int(k.Starts[s+1]-k.Starts[s]), int(k.At[s])
	keys, values := k.head(int(k.Slots[s]), head)
	for c := 0; c < k.D; c += k.column {
		panel, width := values[c*k.Room+at*k.column:], min(k.column, k.D-c) // what is beyond D stays zero
		for j := range n {
			copy(panel[j*k.column:], k.V[(row+j)*k.LDV+head*k.D+c:][:width])
		}
	}
	first := min(n, (k.width-at%k.width)%k.width)
	if k.tier == cpu.Generic || n-first < k.width {
		first = n
	}
	k.columns(keys, head, row, at, 0, first)
	if first < n {
		to := keys[(at+first)*k.D:]
		packHead(k.tier, to, k.K[(row+first)*k.LDK+head*k.D:], k.LDK, n-first, k.D, k.width)
	}
}

// columns writes keys one by one: rows row+j, for j from first to end-1, to positions at+j.
func (k *Keep) columns(keys []float32, head, row, at, first, end int) {
	for j := first; j < end; j++ {
		to := keys[(at+j)/k.width*k.width*k.D+(at+j)%k.width:]
		for i, v := range k.K[(row+j)*k.LDK+head*k.D:][:k.D] {
			to[i*k.width] = v
		}
	}
}
