package pixel

// A Slot is one block of each unit of a sequential scan. The assembly knows where its parts lie.
type Slot struct {
	Coefs  []int16  // 64 for each block, row by row; the first is that of unit 0
	Last   []uint8  // for each block, other than 0 if a coefficient beside the first was written
	Step   int      // blocks from one unit to the next
	Sum    *int32   // the last first coefficient of the channel
	DC, AC *Huffman // tables for the first coefficient and the others
	before int32    // the assembly's: Sum before the present unit
}

// Units decodes at most n units, the first of which is number from, into coefficients that must be zero. It stops behind
// a unit that took more bits than the segment has, and returns how many units it did.
func (b *Bits) Units(slots []Slot, from, n int) int {
	for i := range slots {
		s := &slots[i]
		if last := (from + n - 1) * s.Step; n <= 0 || from < 0 || last < 0 || last >= len(s.Last) || 64*(last+1) > len(s.Coefs) {
			panic("pixel: Units: expected room for the coefficients of all units")
		}
	}
	done := 0
	for done < n {
		if fast {
			if done += b.units(slots, from+done, n-done); done == n {
				break
			}
		}
		for i := range slots {
			s := &slots[i]
			at := (from + done) * s.Step
			s.Last[at] = b.Block(s.DC, s.AC, s.Sum, (*[64]int16)(s.Coefs[64*at:]))
		}
		done++
		if b.Overrun() {
			break
		}
	}
	return done
}

// Block decodes a block of a sequential scan into coefs, which must be zero, and reports in last whether any beside the
// first was written.
func (b *Bits) Block(dc, ac *Huffman, sum *int32, coefs *[64]int16) (last uint8) {
	b.Need()
	if e := dc.pairs[b.buf>>(64-look)]; e != 0 {
		*sum += int32(int16(e >> 32))
		b.buf <<= e & 63
		b.n -= int(e & 63)
	} else if size := b.Symbol(dc); size != 0 {
		*sum += b.Value(size)
	}
	coefs[0] = int16(*sum)
	k := 1
	for k < 64 {
		b.Need()
		e := ac.pairs[b.buf>>(64-look)]
		if second := k + int(e>>16&255); second < 63 { // so that no end is taken behind place 63
			coefs[Natural[(k+int(e>>8&255))&127]&63] = int16(e >> 32)
			coefs[Natural[second&127]&63] = int16(e >> 48)
			k += int(e >> 24 & 255)
			b.buf <<= e & 63
			b.n -= int(e & 63)
			continue
		}
		symbol := b.Symbol(ac)
		k += symbol >> 4
		switch size := symbol & 15; {
		case size != 0:
			coefs[Natural[k&127]&63] = int16(b.Value(size))
			k++
		case symbol == 0xf0:
			k++
		default:
			k += alone - symbol>>4
		}
	}
	if k == 1+alone {
		return 0
	}
	return 1
}
