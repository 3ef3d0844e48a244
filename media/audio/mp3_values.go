package audio

import "math"

// Powers that requantization needs: n^(4/3), and 2^(n/4) for n from -quarterZero.
var power43, power2 = requantization()

const quarterZero = 512

func requantization() (p43 [8207]float32, p2 [640]float32) {
	for i := range p43 {
		p43[i] = float32(math.Pow(float64(i), 4.0/3))
	}
	for i := range p2 {
		p2[i] = float32(math.Exp2(float64(i-quarterZero) / 4))
	}
	return p43, p2
}

// linearBits is how many bits follow a value of 15, by table.
var linearBits = [32]int{16: 1, 17: 2, 18: 3, 19: 4, 20: 6, 21: 8, 22: 10, 23: 13, 24: 4, 25: 5, 26: 6, 27: 7, 28: 8, 29: 9, 30: 11, 31: 13}

// readValues reads the values of a granule into x, raised to the power of 4/3, and not beyond the bit end. It leaves the
// number of values up to the last that is not 0 in p.nonzero.
func (p *part) readValues(x *[granule]float32, b *bits, end int, tables *[33]huffman) {
	at, last := 0, 0
	bounds := [3]int{min(p.regions[0], p.bigValues), min(p.regions[1], p.bigValues), p.bigValues}
	for region, bound := range bounds {
		table, extra := tables[p.tables[region]], linearBits[p.tables[region]]
		if table == nil { // table 0, and 4 and 14 that do not exist
			for ; at < bound; at++ {
				x[at] = 0
			}
			continue
		}
		for at < bound && b.pos < end {
			pair := table.decode(b)
			for _, v := range [2]int{pair >> 4, pair & 15} {
				if v == 15 && extra > 0 {
					v += b.take(extra)
				}
				x[at] = power43[v]
				if v > 0 {
					if b.take(1) == 1 {
						x[at] = -x[at]
					}
					last = at + 1
				}
				at++
			}
		}
	}
	for at+4 <= granule && b.pos < end {
		var quad int
		if p.quadTable == 0 {
			quad = tables[quadA].decode(b)
		} else {
			quad = b.take(4) ^ 15
		}
		before := last
		for k := range 4 {
			x[at+k] = 0
			if quad>>(3-k)&1 == 1 {
				x[at+k] = float32(1 - 2*b.take(1))
				last = at + k + 1
			}
		}
		if b.pos > end { // bits that belong to what follows
			last = before
			break
		}
		at += 4
	}
	clear(x[last:])
	p.nonzero = last
}

// pretable is what preflag adds to the scale factors of long bands.
var pretable = [22]uint8{11: 1, 1, 1, 1, 2, 2, 3, 3, 3, 2}

// scaleValues multiplies the values of every band with its step.
func (p *part) scaleValues(x *[granule]float32) {
	start := 0
	for band, end := range p.bands {
		if start >= p.nonzero {
			return
		}
		s := int(p.scale[band])
		quarters := p.gain - 210
		if band >= p.long {
			quarters -= 8 * p.windowGain[(band-p.long)%3]
		} else if p.preflag == 1 {
			s += int(pretable[band])
		}
		step := power2[quarters-2<<p.coarse*s+quarterZero]
		for i := start; i < end; i++ {
			x[i] *= step
		}
		start = end
	}
}

// reorder turns short windows that lie one after the other into triples of one frequency.
func (p *part) reorder(x *[granule]float32) {
	if p.short == 0 {
		return
	}
	var scratch [granule]float32
	start := 0
	if p.long > 0 {
		start = p.bands[p.long-1]
	}
	for band := p.long; band+2 < len(p.bands); band += 3 {
		width := p.bands[band] - start
		for window := range 3 {
			for j := range width {
				scratch[start+3*j+window] = x[start+window*width+j]
			}
		}
		copy(x[start:start+3*width], scratch[start:])
		start += 3 * width
	}
	if p.nonzero > 0 {
		p.nonzero = granule
	}
}
