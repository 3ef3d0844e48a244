package audio

import "errors"

const granule = 576 // samples of a channel that are coded together

// A part is what a frame says of one granule of one channel.
type part struct {
	bits        int // of scale factors and values
	bigValues   int
	gain        int
	compress    int // how scale factors are packed
	block       int // kind of window: 0 normal, 1 start, 2 three short, 3 stop
	mixed       bool
	tables      [3]int
	windowGain  [3]int
	regions     [2]int // where the second and the third table begin, in values
	preflag     int
	coarse      int // 1: scale factors count twice
	quadTable   int
	share       int // scfsi: groups of scale factors taken from the granule before
	scale       [39]uint8
	position    [39]int8 // intensity stereo: -1 where there is none
	bands       []int    // where bands end, in values; three windows of a short band count as three
	long, short int      // how many bands are long, and how many are short, windows counted
	nonzero     int      // values up to the last that is not 0
}

var errSide = errors.New("mp3: impossible side information")

// readSide reads the side information of a frame, and returns how many bytes of main data lie in the frames before.
func (d *mp3) readSide(h *mpegHeader, b *bits) (back int, err error) {
	granules := 2
	if h.version > 0 {
		granules = 1
		back = b.take(8)
		b.take(h.channels)
	} else {
		back = b.take(9)
		b.take(7 - 2*h.channels)
		for ch := range h.channels {
			d.parts[1][ch].share = b.take(4)
		}
	}
	for gr := range granules {
		for ch := range h.channels {
			p := &d.parts[gr][ch]
			if gr == 0 {
				p.share = 0
			}
			p.bits, p.bigValues, p.gain = b.take(12), 2*b.take(9), b.take(8)
			if h.version > 0 {
				p.compress = b.take(9)
			} else {
				p.compress = b.take(4)
			}
			if !p.readWindows(h, b) {
				return 0, errSide
			}
			p.preflag = 0
			if h.version == 0 {
				p.preflag = b.take(1)
			}
			p.coarse, p.quadTable = b.take(1), b.take(1)
			if p.bigValues > granule {
				return 0, errSide
			}
			p.setBands(h)
		}
	}
	return back, nil
}

// readWindows reads the fields that depend on the kind of windows, and reports whether there is such a kind.
func (p *part) readWindows(h *mpegHeader, b *bits) bool {
	p.block, p.mixed, p.windowGain = 0, false, [3]int{}
	if b.take(1) == 0 {
		p.tables = [3]int{b.take(5), b.take(5), b.take(5)}
		long := longBands[h.band]
		first := b.take(4) + 1
		second := first + b.take(3) + 1
		p.regions = [2]int{long[min(first, 22)-1], long[min(second, 22)-1]}
		return true
	}
	p.block, p.mixed = b.take(2), b.take(1) == 1
	p.tables = [3]int{b.take(5), b.take(5), 0}
	p.windowGain = [3]int{b.take(3), b.take(3), b.take(3)}
	p.regions = [2]int{36, granule}
	switch {
	case p.block == 2 && h.band == 8:
		p.regions[0] = 72
	case p.block != 2 && h.band == 8:
		p.regions[0] = 108
	case p.block != 2 && h.version > 0:
		p.regions[0] = 54
	}
	return p.block > 0
}

// setBands chooses the table of scale factor bands.
func (p *part) setBands(h *mpegHeader) {
	switch {
	case p.block != 2:
		p.bands, p.long, p.short = longBands[h.band][:], 22, 0
	case !p.mixed:
		p.bands, p.long, p.short = shortBands[h.band][:], 0, 39
	default:
		p.bands = mixedBands[h.band]
		p.long = 8
		if h.version > 0 {
			p.long = 6
		}
		p.short = len(p.bands) - p.long
	}
}

var (
	lengths1 = [16]int{0, 0, 0, 0, 3, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4} // slen1 and slen2 of ISO 11172-3
	lengths2 = [16]int{0, 1, 2, 3, 0, 1, 2, 3, 1, 2, 3, 1, 2, 3, 2, 3}
)

// readScale reads scale factors of MPEG-1. before is the channel's first granule.
func (p *part) readScale(b *bits, before *part) {
	first, second := lengths1[p.compress], lengths2[p.compress]
	if p.block == 2 {
		at := 0
		n := 18
		if p.mixed {
			n = 17 // 8 long, 3 bands of three windows
		}
		for ; at < n; at++ {
			p.scale[at] = uint8(b.take(first))
		}
		for ; at < n+18; at++ {
			p.scale[at] = uint8(b.take(second))
		}
		clear(p.scale[at:])
		p.scaleToPosition(7)
		return
	}
	for group, bounds := range [4][2]int{{0, 6}, {6, 11}, {11, 16}, {16, 21}} {
		n := first
		if group >= 2 {
			n = second
		}
		for at := bounds[0]; at < bounds[1]; at++ {
			if p.share>>(3-group)&1 == 1 {
				p.scale[at] = before.scale[at]
			} else {
				p.scale[at] = uint8(b.take(n))
			}
		}
	}
	clear(p.scale[21:])
	p.scaleToPosition(7)
}

// scaleToPosition takes scale factors for positions of intensity stereo.
func (p *part) scaleToPosition(none uint8) {
	for i, s := range p.scale {
		p.position[i] = int8(s)
		if s >= none {
			p.position[i] = -1
		}
	}
}

// How many scale factors have each of four lengths (ISO 13818-3, table 2.4.3.2), by how they are packed, for long, short
// and mixed windows.
var lengthRuns = [6][3][4]int{
	{{6, 5, 5, 5}, {9, 9, 9, 9}, {6, 9, 9, 9}},
	{{6, 5, 7, 3}, {9, 9, 12, 6}, {6, 9, 12, 6}},
	{{11, 10, 0, 0}, {18, 18, 0, 0}, {15, 18, 0, 0}},
	{{7, 7, 7, 0}, {12, 12, 12, 0}, {6, 15, 12, 0}},
	{{6, 6, 6, 3}, {12, 9, 9, 6}, {6, 12, 9, 6}},
	{{8, 8, 5, 0}, {15, 12, 9, 0}, {6, 18, 9, 0}},
}

// readLowScale reads scale factors of MPEG-2. right says that intensity stereo is on and this is the right channel.
func (p *part) readLowScale(b *bits, right bool) {
	c := p.compress
	var length [4]int
	var kind int
	switch {
	case !right && c < 400:
		length, kind = [4]int{c >> 4 / 5, c >> 4 % 5, c >> 2 & 3, c & 3}, 0
	case !right && c < 500:
		c -= 400
		length, kind = [4]int{c >> 2 / 5, c >> 2 % 5, c & 3, 0}, 1
	case !right:
		c -= 500
		length, kind = [4]int{c / 3, c % 3, 0, 0}, 2
		p.preflag = 1
	case c>>1 < 180:
		c >>= 1
		length, kind = [4]int{c / 36, c % 36 / 6, c % 6, 0}, 3
	case c>>1 < 244:
		c = c>>1 - 180
		length, kind = [4]int{c >> 4 & 3, c >> 2 & 3, c & 3, 0}, 4
	default:
		c = c>>1 - 244
		length, kind = [4]int{c / 3, c % 3, 0, 0}, 5
	}
	window := 0
	if p.block == 2 {
		window = 1
		if p.mixed {
			window = 2
		}
	}
	at := 0
	for i, run := range lengthRuns[kind][window] {
		for range run {
			s := b.take(length[i])
			p.scale[at], p.position[at] = uint8(s), int8(s)
			if length[i] > 0 && s == 1<<length[i]-1 {
				p.position[at] = -1
			}
			at++
		}
	}
	clear(p.scale[at:])
	clear(p.position[at:])
}
