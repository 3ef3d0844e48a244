package kernel

import (
	"unsafe"

	"github.com/chiasm/chiasm/internal/cpu"
)

// Kept is keys and values of sequences that later queries will meet again and again, laid out once in the form that attention reads.
// Each sequence has a slot. The memory of a slot is taken when it is first written to; systems that hand out pages on first use give it
// no more than the positions need.
type Kept struct {
	Heads, D, Room int  // Room is the positions of a sequence at most
	Half           bool // numbers are kept in half precision

	tier         cpu.Tier
	width        int // of a panel of keys
	column, wide int // of a panel of values, and of all of them
	slots        []keptSlot
}

// A keptSlot is one sequence: of each head the keys [Room/width, D, width], panels as those of a strip, and the values
// [wide/column, Room, column], of which each panel is read from end to end.
type keptSlot struct{ keys, values []byte }

// NewKept makes room for sequences of so many positions. half asks for half precision, which is what is done where the kernels widen it
// on the way.
func NewKept(heads, d, room int, half bool) *Kept {
	need(heads > 0 && d > 0 && room > 0, "kept", "expected heads, width and room of %d or more, got %d", 1, min(heads, d, room))
	k := &Kept{Heads: heads, D: d, tier: triedTier, width: 1, column: d} // row by row for the generic path
	if k.tier > cpu.Generic {
		k.width, _ = stripSize(k.tier)
		k.column, k.Half = k.width, half && readsHalf
	}
	k.Room = (room + k.width - 1) / k.width * k.width
	k.wide = (d + k.column - 1) / k.column * k.column
	return k
}

// size is the bytes of a number.
func (k *Kept) size() int {
	if k.Half {
		return 2
	}
	return 4
}

// grow takes the memory of the slots 0 to slots-1.
func (k *Kept) grow(slots int) {
	for len(k.slots) < slots {
		k.slots = append(k.slots, keptSlot{k.memory(k.Heads * k.Room * k.D), k.memory(k.Heads * k.Room * k.wide)})
	}
}

// memory is room for n numbers, all zero.
func (k *Kept) memory(n int) []byte {
	n *= k.size()
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(aligned((n+3)/4)))), n)
}

// head is the keys and the values of a head of a slot.
func (k *Kept) head(slot, head int) (keys, values []byte) {
	s, n, w := &k.slots[slot], k.Room*k.D*k.size(), k.Room*k.wide*k.size()
	return s.keys[head*n:][:n], s.values[head*w:][:w]
}

// Copy gives slot to the positions from first to end-1 of slot from.
func (k *Kept) Copy(to, from, first, end int) {
	need(to >= 0 && from >= 0 && first >= 0 && first <= end && end <= k.Room, "kept", "expected positions up to %d, got %d", k.Room, end)
	k.grow(max(to, from) + 1)
	panel, row := k.width*k.D*k.size(), k.column*k.size()
	p0, p1 := first/k.width*panel, (end+k.width-1)/k.width*panel // whole panels: what lies beyond end is not read
	for h := range k.Heads {
		keys, values := k.head(to, h)
		oldKeys, oldValues := k.head(from, h)
		copy(keys[p0:p1], oldKeys[p0:p1])
		for p := 0; p < len(values); p += k.Room * row {
			copy(values[p+first*row:p+end*row], oldValues[p+first*row:])
		}
	}
}

// write stores numbers from i on.
func (k *Kept) write(dst []byte, i int, src []float32) {
	if k.Half {
		ToF16(dst[2*i:][:2*len(src)], src)
	} else {
		copy(floatsOf(dst)[i:], src)
	}
}

// Scores writes the inner products of rows of queries, ld apart, with the first n keys of a head of a slot, times factor: dst [rows, n].
func (k *Kept) Scores(dst, queries []float32, ld, slot, head, n int, factor float32) {
	need(slot >= 0 && slot < len(k.slots) && head < k.Heads && n <= k.Room, "kept", "expected a slot below %d, got %d", len(k.slots), slot)
	keys, _ := k.head(slot, head)
	size := k.width * k.D
	s := takeScratch(size)
	defer s.release()
	var sums [maxKept]float32
	for j := 0; j < n; j += k.width {
		panel, bytes := s.floats[:size], keys[j*k.D*k.size():][:size*k.size()]
		if k.Half {
			FromF16(panel, bytes)
		} else {
			panel = floatsOf(bytes)
		}
		for r := 0; r*n < len(dst); r++ {
			sum, row := sums[:k.width], dst[r*n+j:r*n+min(j+k.width, n)]
			clear(sum)
			for i, v := range queries[r*ld:][:k.D] {
				for c, w := range panel[i*k.width:][:len(sum)] {
					sum[c] += v * w
				}
			}
			GenericScale(row, sum[:len(row)], factor)
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
		k.grow(int(slot) + 1)
	}
	return n * k.Heads
}

// Run does one chunk: a head of a sequence.
func (k *Keep) Run(chunk int) {
	s, head := chunk/k.Heads, chunk%k.Heads
	row, n, at := int(k.Starts[s]), int(k.Starts[s+1]-k.Starts[s]), int(k.At[s])
	keys, values := k.head(int(k.Slots[s]), head)
	for c := 0; c < k.D; c += k.column {
		width := min(k.column, k.D-c) // what is beyond D stays zero
		for j := range n {
			k.write(values, c*k.Room+(at+j)*k.column, k.V[(row+j)*k.LDV+head*k.D+c:][:width])
		}
	}
	first := min(n, (k.width-at%k.width)%k.width)
	if k.tier == cpu.Generic || n-first < k.width {
		first = n
	}
	k.columns(keys, k.K[row*k.LDK+head*k.D:], at, first)
	if first < n {
		k.panels(keys, k.K[(row+first)*k.LDK+head*k.D:], at+first, n-first)
	}
}

// columns writes n keys one by one to the positions from at on.
func (k *Keep) columns(keys []byte, rows []float32, at, n int) {
	for j := range n {
		to := (at+j)/k.width*k.width*k.D + (at+j)%k.width
		for i, v := range rows[j*k.LDK:][:k.D] {
			if k.Half {
				h := f16Of(v)
				keys[2*(to+i*k.width)], keys[2*(to+i*k.width)+1] = byte(h), byte(h>>8)
			} else {
				floatsOf(keys)[to+i*k.width] = v
			}
		}
	}
}

// panels writes n keys panel by panel to the positions from at on, where a panel begins.
func (k *Keep) panels(keys []byte, rows []float32, at, n int) {
	if !k.Half {
		packHead(k.tier, floatsOf(keys)[at*k.D:], rows, k.LDK, n, k.D, k.width)
		return
	}
	s := takeScratch((n + k.width - 1) / k.width * k.width * k.D)
	defer s.release()
	packed := s.floats[:(n+k.width-1)/k.width*k.width*k.D]
	clear(packed[n/k.width*k.width*k.D:]) // packing leaves some of the last panel as it was
	packHead(k.tier, packed, rows, k.LDK, n, k.D, k.width)
	k.write(keys, at*k.D, packed)
}
