package tensor

import "runtime/debug"

// An arena hands out float32 memory in the order of a stack. Its blocks stay when it is released.
type arena struct {
	blocks [][]float32
	at     position
}

// A position is where in an arena the next value will be taken: an offset into a block. The zero position is the very beginning.
type position struct{ block, offset int }

func (a position) before(b position) bool {
	return a.block < b.block || a.block == b.block && a.offset < b.offset
}

const (
	minBlock  = 1 << 18 // floats
	alignment = 16      // floats: one cache line

	muchMemory = 1 << 24 // floats
)

// take returns n floats of unspecified value and where they lie.
func (a *arena) take(n int) ([]float32, position) {
	size := (n + alignment - 1) &^ (alignment - 1)
	for ; a.at.block < len(a.blocks); a.at = (position{a.at.block + 1, 0}) {
		if b := a.blocks[a.at.block]; len(b)-a.at.offset >= size {
			break
		}
	}
	if a.at.block == len(a.blocks) {
		a.blocks = append(a.blocks, make([]float32, max(size, minBlock)))
	}
	from := a.at
	a.at.offset += size
	return a.blocks[from.block][from.offset:][:n:n], from
}

// release makes what was taken since at free again.
func (a *arena) release(at position) { a.at = at }

// reset frees everything, and joins the blocks into one so that the next round of the same size fits without gaps.
func (a *arena) reset() {
	a.at = position{}
	if len(a.blocks) > 1 {
		n, large := a.size(), a.large()
		a.blocks = append(a.blocks[:0], nil)
		clear(a.blocks[1:cap(a.blocks)])
		if large {
			debug.FreeOSMemory() // else the process would hold the blocks beside what takes their place
		}
		a.blocks[0] = make([]float32, n)
	}
}

// size is how many floats the blocks have.
func (a *arena) size() (n int) {
	for _, b := range a.blocks {
		n += len(b)
	}
	return n
}

// large reports whether reset will join blocks that together are much memory.
func (a *arena) large() bool { return len(a.blocks) > 1 && a.size() >= muchMemory }
