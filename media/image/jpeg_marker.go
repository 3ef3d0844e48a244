package image

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/chiasm/chiasm/internal/pixel"
)

const (
	jpegSOF0, jpegSOF1, jpegSOF2     = 0xc0, 0xc1, 0xc2
	jpegDHT, jpegJPG, jpegDAC        = 0xc4, 0xc8, 0xcc
	jpegRST0, jpegRST7               = 0xd0, 0xd7
	jpegSOI, jpegEOI, jpegSOS        = 0xd8, 0xd9, 0xda
	jpegDQT, jpegDNL, jpegDRI        = 0xdb, 0xdc, 0xdd
	jpegAPP0, jpegAPP14, jpegAPP15   = 0xe0, 0xee, 0xef
	jpegCOM, jpegTEM                 = 0xfe, 0x01
	jpegMostScans, jpegLongestSide   = 500, 65500
	jpegMostBlocks, jpegMostSampling = 10, 4
)

// errJPEGTruncated is the damage of a file that ends too early: what is missing is gray, or as coarse as the scans until
// then made it. Pillow refuses such files unless told otherwise.
var errJPEGTruncated = errors.New("truncated file")

// errJPEGDamaged is the damage of a file whose entropy-coded data does not fit its header. Pillow ignores it.
var errJPEGDamaged = errors.New("damaged picture data")

// A jpegComponent is one channel of the frame.
type jpegComponent struct {
	id             uint8
	h, v           int // sampling factors
	unit           int // v as the file has it: for a single channel, libjpeg guesses by it, and else it means nothing
	quantIndex     uint8
	quantised      bool       // quant is known
	quant          [64]uint16 // in zigzag order, as it stood when the channel's first scan began
	blocksX        int        // blocks that hold part of the picture
	blocksY        int
	size           int        // samples of a side of a block: 8 in a picture of full size
	width, height  int        // samples that hold part of the picture
	stride         int        // blocks of a row in memory: those of all units, made even
	stored         jpegBlocks // progressive, or several scans: all coefficients
	set            []uint64   // progressive: for each stored block a bit for each place in zigzag order, 0 left out, that is not zero
	known          [64]int8   // progressive: low bits still missing of each coefficient; -1: all
	before         [10]int8   // known as it was before the last scan
	up             jpegUp     // how the samples are spread over the picture
	factorX        int        // pixels a sample is repeated for, where it is
	factorY        int        // likewise
	factors        [64]int16  // quant as the inverse transform wants it: row by row
	dcTable, acTab uint8      // Huffman tables of the current scan
}

// jpegBlocks are rows of blocks of one channel.
type jpegBlocks struct {
	coefs []int16 // 64 a block, row by row
	last  []uint8 // for each block 0 if only the first coefficient may be other than zero
}

// empty makes b n blocks of zeros.
func (b *jpegBlocks) empty(n int) {
	b.coefs, b.last = grow(b.coefs, 64*n), grow(b.last, n)
	clear(b.coefs)
	clear(b.last)
}

func (b *jpegBlocks) held() int { return 2*cap(b.coefs) + cap(b.last) }

// A jpegScan is what the header of a scan says.
type jpegScan struct {
	parts                   []*jpegComponent
	from, to, high, low     int
	mcusX, mcusY            int
	single                  bool // one channel: its blocks follow each other row by row
	blocks                  int  // blocks of a unit
	dc, ac                  [4]*pixel.Huffman
	restart, left, expected int      // units between restart markers, units to the next, its number
	sums                    [4]int32 // the last first coefficient of each channel
	run                     int      // progressive: blocks that the band leaves out
	empty                   bool     // the data of this interval has ended
	slots                   []pixel.Slot
}

// A jpegDecoder decodes JPEG files, one after the other, in memory that it keeps. What it knows of the present one is a jpegState.
type jpegDecoder struct {
	jpegState
	channels [4]jpegComponent
	scan     jpegScan
	tables   [2][4]pixel.Huffman
	canvas   jpegCanvas
	painters []jpegPainter // one for each goroutine
	rows     []jpegRow
	stream   jpegStream
	stored   jpegStored
}

// A jpegState is a file being decoded.
type jpegState struct {
	bits        pixel.Bits
	w, h        int
	size        int // pixels for each 8 of the file: 8, 4, 2 or 1
	outW, outH  int // size of the picture made
	progressive bool
	comps       []jpegComponent // the first of channels
	maxH, maxV  int
	quants      [4][64]uint16
	quantised   [4]bool         // which of them are defined
	codes       [2][4]jpegCodes // first coefficients, others
	restart     int
	jfif, adobe bool
	transform   uint8
	scans       int
	lastGood    int // the last row of units that had data
	damage      error
}

// held is how many bytes of memory the decoder keeps.
func (d *jpegDecoder) held() int {
	n := cap(d.canvas.out.Pix) + cap(d.canvas.edges) + 4*cap(d.canvas.met)
	for i := range d.channels {
		n += d.channels[i].stored.held() + 8*cap(d.channels[i].set)
	}
	for i := range d.rows {
		for k := range d.rows[i].parts {
			n += d.rows[i].parts[k].held()
		}
	}
	for i := range d.painters {
		p := &d.painters[i]
		n += p.guessed.held()
		for k := range p.planes {
			n += cap(p.planes[k]) + cap(p.lines[k])
		}
	}
	return n
}

// worsen keeps the graver damage.
func (d *jpegDecoder) worsen(err error) {
	if d.damage == nil || err == errJPEGTruncated {
		d.damage = err
	}
}

// nextMarker finds the next marker from the current position; the end of the file counts as the end marker.
func (d *jpegDecoder) nextMarker() byte {
	b := &d.bits
	if m := b.Marker; m != 0 {
		b.Marker = 0
		return m
	}
	for b.Pos < len(b.Data) {
		for b.Pos < len(b.Data) && b.Data[b.Pos] != 0xff {
			b.Pos++
		}
		for b.Pos < len(b.Data) && b.Data[b.Pos] == 0xff {
			b.Pos++
		}
		if b.Pos == len(b.Data) {
			break
		}
		c := b.Data[b.Pos]
		b.Pos++
		if c != 0 {
			return c
		}
	}
	b.Ended = true
	return jpegEOI
}

// segment returns the bytes of a marker segment.
func (d *jpegDecoder) segment() ([]byte, error) {
	b := &d.bits
	if len(b.Data)-b.Pos < 2 {
		b.Ended = true
		return nil, errJPEGTruncated
	}
	n := int(binary.BigEndian.Uint16(b.Data[b.Pos:]))
	if n < 2 {
		return nil, fmt.Errorf("marker segment: expected a length of 2 at least, got %d", n)
	}
	if n > len(b.Data)-b.Pos {
		b.Ended = true
		return nil, errJPEGTruncated
	}
	s := b.Data[b.Pos+2 : b.Pos+n]
	b.Pos += n
	return s, nil
}

// begin reads the first marker of a file, of which size pixels are made for each 8.
func (d *jpegDecoder) begin(data []byte, size int) error {
	if len(data) < 2 || data[0] != 0xff || data[1] != jpegSOI {
		return errors.New("expected the bytes ff d8 at the start")
	}
	d.jpegState = jpegState{size: size}
	d.bits.Data, d.bits.Pos = data, 2
	return nil
}

// advance reads marker segments up to the next scan's header, which it returns, or to the end of the picture: nil.
func (d *jpegDecoder) advance() (*jpegScan, error) {
	for {
		marker := d.nextMarker()
		switch {
		case marker == jpegEOI:
			return nil, nil
		case marker == jpegSOI:
			return nil, errors.New("a second start of the picture")
		case marker >= jpegRST0 && marker <= jpegRST7, marker == jpegTEM:
			continue
		case marker == jpegJPG || marker < jpegSOF0 || marker > jpegAPP15 && marker != jpegCOM || marker == 0xde || marker == 0xdf:
			return nil, fmt.Errorf("unknown marker %02x", marker)
		}
		s, err := d.segment()
		if err != nil {
			return nil, err
		}
		switch {
		case marker == jpegSOS:
			return d.scanHeader(s)
		case marker == jpegDHT:
			err = d.huffman(s)
		case marker == jpegDQT:
			err = d.quantisation(s)
		case marker == jpegDRI:
			if len(s) != 2 {
				return nil, fmt.Errorf("restart interval: expected 2 bytes, got %d", len(s))
			}
			d.restart = int(binary.BigEndian.Uint16(s))
		case marker == jpegAPP0:
			d.jfif = d.jfif || len(s) >= 14 && string(s[:5]) == "JFIF\x00"
		case marker == jpegAPP14:
			if len(s) >= 12 && string(s[:5]) == "Adobe" {
				d.adobe, d.transform = true, s[11]
			}
		case marker == jpegDAC || marker == jpegDNL || marker > jpegSOS:
			// of no concern
		default:
			err = d.frame(marker, s)
		}
		if err != nil {
			return nil, err
		}
	}
}

func (d *jpegDecoder) huffman(s []byte) error {
	for len(s) > 0 {
		if len(s) < 17 {
			return fmt.Errorf("table of Huffman codes: expected 17 bytes at least, got %d", len(s))
		}
		class, index := s[0]>>4, s[0]&15
		if class > 1 || index > 3 {
			return fmt.Errorf("table of Huffman codes: expected class 0 or 1 and number 0 to 3, got %d and %d", class, index)
		}
		c := jpegCodes{counts: [16]uint8(s[1:17]), defined: true}
		n := 0
		for _, count := range c.counts {
			n += int(count)
		}
		s = s[17:]
		if n > 256 || n > len(s) {
			return fmt.Errorf("table of Huffman codes: %d symbols in a segment with %d left", n, len(s))
		}
		copy(c.symbols[:], s[:n])
		d.codes[class][index] = c
		s = s[n:]
	}
	return nil
}

func (d *jpegDecoder) quantisation(s []byte) error {
	for len(s) > 0 {
		wide, index := s[0]>>4 != 0, s[0]&15
		if index > 3 {
			return fmt.Errorf("quantisation table: expected number 0 to 3, got %d", index)
		}
		s = s[1:]
		size := 64
		if wide {
			size = 128
		}
		if len(s) < size {
			return fmt.Errorf("quantisation table: expected %d bytes, got %d", size, len(s))
		}
		q := &d.quants[index]
		for i := range q {
			if wide {
				q[i] = binary.BigEndian.Uint16(s[2*i:])
			} else {
				q[i] = uint16(s[i])
			}
		}
		d.quantised[index] = true
		s = s[size:]
	}
	return nil
}

// frame reads the frame header and refuses what this decoder does not do.
func (d *jpegDecoder) frame(marker byte, s []byte) error {
	switch {
	case d.comps != nil:
		return errors.New("a second frame header")
	case marker >= 0xc9 && marker <= 0xcb || marker >= 0xcd:
		return errors.New("arithmetic coding is not supported")
	case marker > jpegSOF2:
		return errors.New("lossless and hierarchical coding are not supported")
	case len(s) < 6:
		return fmt.Errorf("frame header: expected 6 bytes at least, got %d", len(s))
	case s[0] != 8:
		return fmt.Errorf("%d bits a sample are not supported, only 8", s[0])
	}
	d.progressive = marker == jpegSOF2
	d.h, d.w = int(binary.BigEndian.Uint16(s[1:])), int(binary.BigEndian.Uint16(s[3:]))
	n := int(s[5])
	switch {
	case d.w == 0 || d.h == 0 || max(d.w, d.h) > jpegLongestSide:
		return fmt.Errorf("frame header: expected sides of 1 to %d, got %d x %d", jpegLongestSide, d.w, d.h)
	case n != 1 && n != 3 && n != 4:
		return fmt.Errorf("frame header: expected 1, 3 or 4 channels, got %d", n)
	case len(s) != 6+3*n:
		return fmt.Errorf("frame header: expected %d bytes, got %d", 6+3*n, len(s))
	}
	d.comps = d.channels[:n]
	d.maxH, d.maxV = 1, 1
	for i := range d.comps {
		c, p := &d.comps[i], s[6+3*i:]
		*c = jpegComponent{stored: c.stored, set: c.set}
		c.id, c.h, c.v, c.quantIndex = p[0], int(p[1]>>4), int(p[1]&15), p[2]
		if min(c.h, c.v) < 1 || max(c.h, c.v) > jpegMostSampling {
			return fmt.Errorf("frame header: expected sampling factors 1 to %d, got %d x %d", jpegMostSampling, c.h, c.v)
		}
		c.unit = c.v
		if n == 1 {
			c.h, c.v = 1, 1
		}
		d.maxH, d.maxV = max(d.maxH, c.h), max(d.maxV, c.v)
		for k := range c.known {
			c.known[k] = -1
		}
	}
	d.outW, d.outH = (d.w*d.size+7)/8, (d.h*d.size+7)/8
	for i := range d.comps {
		if err := d.measure(&d.comps[i]); err != nil {
			return err
		}
	}
	return nil
}

// measure derives the sizes of a channel.
func (d *jpegDecoder) measure(c *jpegComponent) error {
	// Of a smaller picture, channels of lower resolution are shrunk less, as far as that works out.
	c.size = d.size
	for c.size < 8 && d.maxH*d.size%(2*c.h*c.size) == 0 && d.maxV*d.size%(2*c.v*c.size) == 0 {
		c.size *= 2
	}
	c.width, c.height = (d.w*c.h*c.size+8*d.maxH-1)/(8*d.maxH), (d.h*c.v*c.size+8*d.maxV-1)/(8*d.maxV)
	c.blocksX, c.blocksY = (d.w*c.h+8*d.maxH-1)/(8*d.maxH), (d.h*c.v+8*d.maxV-1)/(8*d.maxV)
	if d.maxH%c.h != 0 || d.maxV%c.v != 0 {
		return fmt.Errorf("sampling %d x %d of %d x %d is not a whole ratio", c.h, c.v, d.maxH, d.maxV)
	}
	c.factorX, c.factorY = d.maxH*d.size/(c.h*c.size), d.maxV*d.size/(c.v*c.size)
	c.stride = ((d.w+8*d.maxH-1)/(8*d.maxH)*c.h + 1) &^ 1
	// Only planes wider than two samples are interpolated across; only rows are always. Of an eighth, nothing is.
	switch {
	case c.factorX == 1 && c.factorY == 1:
		c.up = jpegUpNone
	case d.size == 1:
		c.up = jpegUpRepeat
	case c.factorX == 2 && c.factorY == 1 && c.width > 2:
		c.up = jpegUpAcross
	case c.factorX == 1 && c.factorY == 2:
		c.up = jpegUpDown
	case c.factorX == 2 && c.factorY == 2 && c.width > 2:
		c.up = jpegUpBoth
	default:
		c.up = jpegUpRepeat
	}
	return nil
}

// scanHeader reads the header of a scan.
func (d *jpegDecoder) scanHeader(s []byte) (*jpegScan, error) {
	if d.comps == nil {
		return nil, errors.New("scan before the frame header")
	}
	if len(s) < 1 || s[0] < 1 || s[0] > 4 || len(s) != 4+2*int(s[0]) {
		return nil, fmt.Errorf("scan header: %d bytes do not fit 1 to 4 channels", len(s))
	}
	if d.scans++; d.scans > jpegMostScans {
		return nil, fmt.Errorf("more than %d scans", jpegMostScans)
	}
	n := int(s[0])
	scan := &d.scan
	*scan = jpegScan{parts: scan.parts[:0], slots: scan.slots, restart: d.restart, left: d.restart}
	for i := range n {
		var c *jpegComponent
		for j := i; j < len(d.comps); j++ { // in the frame's order, as the standard and libjpeg demand
			if d.comps[j].id == s[1+2*i] {
				c = &d.comps[j]
				break
			}
		}
		for _, other := range scan.parts {
			if other == c {
				c = nil
			}
		}
		if c == nil {
			return nil, fmt.Errorf("scan header: no channel %d, or twice", s[1+2*i])
		}
		c.dcTable, c.acTab = s[2+2*i]>>4, s[2+2*i]&15
		scan.parts = append(scan.parts, c)
	}
	s = s[1+2*n:]
	scan.from, scan.to, scan.high, scan.low = int(s[0]), int(s[1]), int(s[2]>>4), int(s[2]&15)
	scan.single = n == 1
	if scan.single {
		scan.mcusX, scan.mcusY, scan.blocks = scan.parts[0].blocksX, scan.parts[0].blocksY, 1
		return scan, nil
	}
	scan.mcusX, scan.mcusY = (d.w+8*d.maxH-1)/(8*d.maxH), (d.h+8*d.maxV-1)/(8*d.maxV)
	for _, c := range scan.parts {
		scan.blocks += c.h * c.v
	}
	if scan.blocks > jpegMostBlocks {
		return nil, fmt.Errorf("scan header: expected at most %d blocks in a unit, got %d", jpegMostBlocks, scan.blocks)
	}
	return scan, nil
}

// restartScan takes the restart marker that is due, or finds its way as libjpeg does when another is there. It reports
// whether the scan has data again.
func (d *jpegDecoder) restartScan(s *jpegScan) bool {
	b := &d.bits
	b.Start()
	s.left = s.restart
	m := d.nextMarker()
	want := s.expected
	s.expected = (want + 1) & 7
	if m == byte(jpegRST0+want) {
		return true
	}
	d.worsen(errJPEGDamaged)
	for {
		if m >= jpegSOF0 {
			if m < jpegRST0 || m > jpegRST7 {
				break // the scan is over: what is left of it stays empty
			}
			switch (int(m) - jpegRST0 - want) & 7 {
			case 1, 2:
				b.Marker = m // of a later interval: this one was lost
				return false
			case 6, 7: // of an earlier interval
			default:
				return true
			}
		}
		m = d.nextMarker()
	}
	b.Marker = m
	return false
}
