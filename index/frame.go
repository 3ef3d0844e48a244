package index

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/internal/par"
)

// A frame says what codes mean. Of a vector x it takes the mean m away, r = x − m, and looks along 128 directions P: what it sees is z = P·r, and the
// near codes are z rounded. What they leave out, f = r − Pᵀ(scale·near codes), is the rest, and the far codes are f rounded. What these leave out in
// turn is e. So with s = q − m, and whatever P is,
//
//	q·x = q·m + m·r + s·r      the first two are known of every query and row; the second is the row's offset
//	s·r = (P·s)·(scale·near codes) + s·f
//	s·f ≤ |s − Pᵀ(P·s)|·|f| + |P·s|·|P·f|      which needs the near codes only
//	s·f = s·(scale·far codes) + s·e, and |s·e| ≤ |s|·|e|
//
// Where P are the directions along which vectors differ most, f is short, and the near codes show of nearly all rows that they are not the nearest.
// Without a frame of its own a segment takes the first 128 coordinates for P.
type frame struct {
	dimension int
	mean      []float32 // [D]
	rows      []float32 // [128, D], P; nil for the first coordinates
	turned    []float32 // [D, 128], Pᵀ
	defect    float64   // ‖P·Pᵀ − 1‖, at least
	long      float64   // Frobenius norm of P, at least
	length    float64   // of the mean
	data      []byte    // what it was read from
}

const (
	frameMagic = 0x31464843 // CHF1
	codesLong  = 480        // no row's near codes are longer
	unit32     = 0x1p-24    // what rounding to float32 changes at most
)

// plain is the frame of segments without one.
func plain(dimension int) *frame {
	return &frame{dimension: dimension, mean: make([]float32, dimension), long: math.Sqrt(float64(min(nearWidth, dimension)))}
}

// framed is a frame of a mean and directions [128, D].
func framed(mean, rows []float32) *frame {
	d := len(mean)
	f := &frame{dimension: d, mean: mean, rows: rows, turned: make([]float32, len(rows)), length: norm(mean) * (1 + 1e-9)}
	for i := range nearWidth {
		for j := range d {
			f.turned[j*nearWidth+i] = rows[i*d+j]
		}
		for k := range i + 1 {
			p := inner(rows[i*d:(i+1)*d], rows[k*d:(k+1)*d])
			switch {
			case k < i:
				f.defect += 2 * p * p
			case p != 0: // fewer dimensions than directions leave some empty
				f.long += p
				f.defect += (p - 1) * (p - 1)
			}
		}
	}
	f.defect, f.long = math.Sqrt(f.defect)*(1+1e-9)+1e-9, math.Sqrt(f.long)*(1+1e-9)
	return f
}

// bytes is the frame as a segment holds it: magic u32, CRC32C u32 of what follows the 64 bytes, 0…, the mean, the directions.
func (f *frame) bytes() []byte {
	if f.rows == nil {
		return nil
	}
	out := aligned(frameBytes(f.dimension))
	copy(cast[float32](out[headerBytes:], f.dimension), f.mean)
	copy(cast[float32](out[headerBytes+pad(4*f.dimension):], len(f.rows)), f.rows)
	binary.LittleEndian.PutUint32(out, frameMagic)
	binary.LittleEndian.PutUint32(out[4:], crc32.Checksum(out[headerBytes:], castagnoli))
	return out
}

// frameBytes is the length of a frame.
func frameBytes(dimension int) int { return headerBytes + pad(4*dimension) + 4*dimension*nearWidth }

// readFrame reads the frame that data begins with, if it begins with one. Frames that are alike are one frame.
func readFrame(data []byte, dimension int, known []*frame) (*frame, error) {
	n := frameBytes(dimension)
	if len(data) < n {
		return nil, fmt.Errorf("%d bytes, want a frame of %d", len(data), n)
	}
	data = data[:n]
	for _, f := range known {
		if bytes.Equal(f.data, data) {
			return f, nil
		}
	}
	if want, got := binary.LittleEndian.Uint32(data[4:]), crc32.Checksum(data[headerBytes:], castagnoli); want != got {
		return nil, fmt.Errorf("a frame has the checksum %08x, want %08x", got, want)
	}
	data = append(aligned(n)[:0], data...) // it outlives the mapped file
	mean, rows := cast[float32](data[headerBytes:], dimension), cast[float32](data[headerBytes+pad(4*dimension):], dimension*nearWidth)
	if n, m := norm(mean), norm(rows); !(n < 1e18 && m < 100) {
		return nil, fmt.Errorf("a frame's mean is %v long and its directions %v, want less than 1e18 and 100", n, m)
	}
	f := framed(mean, rows)
	f.data = data
	return f, nil
}

// look is P·r [128].
func (f *frame) look(z, r []float32) {
	clear(z)
	if f.rows == nil {
		copy(z, r)
		return
	}
	d := f.dimension
	for i := range z {
		z[i] = kernel.Dot(f.rows[i*d:(i+1)*d], r)
	}
}

// rest is r − Pᵀ·z, and how far it may be, for rounding, from what it should be.
func (f *frame) rest(to, r, z []float32) (off float64) {
	if f.rows == nil {
		copy(to, r)
		for i := range min(len(z), len(to)) {
			to[i] -= z[i]
		}
		return unit32 * (norm(r) + norm(z))
	}
	for i := range to {
		to[i] = r[i] - kernel.Dot(f.turned[i*nearWidth:(i+1)*nearWidth], z)
	}
	return (nearWidth + 4) * unit32 * (f.long + 1) * (norm(r) + norm(z))
}

// blur is how far look's answer may be from what it should be, as a share of the length of r.
func (f *frame) blur() float64 {
	if f.rows == nil {
		return 0
	}
	return float64(f.dimension+4) * unit32 * f.long
}

// encode makes the codes of a block's values and what is said about them, and returns how far they reach.
func (f *frame) encode(b *block) (reach float32) {
	e := &encoder{f: f, b: b, reach: make([]float64, (len(b.ids)+encodeRows-1)/encodeRows)}
	par.Do(e, len(e.reach), 0)
	for _, r := range e.reach {
		reach = max(reach, upward(r))
	}
	return reach
}

const encodeRows = 64

// An encoder is some rows' codes in the making.
type encoder struct {
	f     *frame
	b     *block
	reach []float64
}

// Run does some rows.
func (e *encoder) Run(n int) {
	d, width := e.f.dimension, widthOf(e.f.dimension)
	space := make([]float32, 2*d+2*nearWidth)
	r, f, z, seen := space[:d], space[d:2*d], space[2*d:2*d+nearWidth], space[2*d+nearWidth:]
	stride := eights(len(e.b.ids))
	for i := n * encodeRows; i < min((n+1)*encodeRows, len(e.b.ids)); i++ {
		e.f.relative(r, e.b.values[i*d:(i+1)*d])
		long := norm(r)
		offset := inner(e.f.mean, r) + 2*unit32*e.f.length*long
		e.f.look(z, r)
		near := e.b.near[i*nearWidth : (i+1)*nearWidth]
		scale := nearCodes(near, z)
		miss := 0.0
		for k, c := range near {
			seen[k] = scale * (float32(c) - 128)
			miss += (float64(z[k]) - float64(seen[k])) * (float64(z[k]) - float64(seen[k]))
		}
		length := norm(seen)
		off := e.f.rest(f, r, seen) + unit32*(long+e.f.length)
		left := norm(f) + off
		farScale, lost := code(e.b.far[i*width:i*width+d], f)
		e.b.worth[i] = worth{farScale, upward(lost + off)}
		wrong := math.Sqrt(miss) + (e.f.blur()+unit32*e.f.long)*long + (e.f.defect+unit32)*length
		for k, v := range []float64{float64(scale), offset, wrong, left} {
			e.b.facts[k*stride+i] = upward(v)
		}
		e.b.facts[i] = scale
		e.reach[n] = max(e.reach[n], long+length, left+length, wrong)
	}
}

// relative is x − m.
func (f *frame) relative(r, x []float32) {
	for i, v := range x {
		r[i] = v - f.mean[i]
	}
}

// nearCodes rounds what a frame sees to bytes, which are 128 more than signed codes no longer than codesLong.
func nearCodes(dst []byte, z []float32) (scale float32) {
	var top float32
	for _, v := range z {
		top = max(top, v, -v)
	}
	scale = max(top/127, float32(norm(z)/codesLong))
	if scale < 0x1p-120 { // its inverse would not be finite
		scale = 0
	}
	for ; ; scale *= 1.01 {
		inverse, sum := 0.0, 0.0
		if scale > 0 {
			inverse = 1 / float64(scale)
		}
		for i, v := range z {
			c := math.RoundToEven(float64(v) * inverse)
			c = max(-127, min(127, c))
			dst[i] = byte(int(c) + 128)
			sum += c * c
		}
		if sum <= codesLong*codesLong {
			return scale
		}
	}
}

// code rounds a vector to signed bytes and says how long what they leave out is.
func code(dst []byte, x []float32) (scale float32, lost float64) {
	var top float32
	for _, v := range x {
		top = max(top, v, -v)
	}
	scale = top / 127
	if scale < 0x1p-120 {
		return 0, norm(x)
	}
	inverse, sum := 1/float64(scale), 0.0
	for i, v := range x {
		c := math.RoundToEven(float64(v) * inverse)
		dst[i] = byte(int8(c))
		rest := float64(v) - c*float64(scale)
		sum += rest * rest
	}
	return scale, math.Sqrt(sum)
}

// upward is a float32 not below x, but for the rounding of sums before it, which the slack of a search covers.
func upward(x float64) float32 { return math.Nextafter32(float32(x), float32(math.Inf(1))) }

func norm(x []float32) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}
