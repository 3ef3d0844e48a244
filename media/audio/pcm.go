package audio

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

// An encoding is one way to write a sample. Whole numbers become fractions of the largest, as libsndfile makes them.
type encoding struct {
	name    string
	bytes   int
	convert func(dst []float32, src []byte) // len(src) is bytes times len(dst)
}

var (
	u8 = &encoding{"pcm_u8", 1, func(dst []float32, src []byte) {
		for i := range dst {
			dst[i] = float32(int(src[i])-128) / 128
		}
	}}
	s8 = &encoding{"pcm_s8", 1, func(dst []float32, src []byte) {
		for i := range dst {
			dst[i] = float32(int8(src[i])) / 128
		}
	}}
	alaw  = &encoding{"pcm_alaw", 1, law(alawValue)}
	mulaw = &encoding{"pcm_mulaw", 1, law(mulawValue)}
)

// linears are the encodings of whole and of floating-point numbers.
var linears = func() map[linearKey]*encoding {
	all := map[linearKey]*encoding{}
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		for bytes := range 9 {
			all[linearKey{bytes, false, order}] = newLinear(bytes, false, order)
			all[linearKey{bytes, true, order}] = newLinear(bytes, true, order)
		}
	}
	return all
}()

type linearKey struct {
	bytes int
	float bool
	order binary.ByteOrder
}

// linear is the encoding of whole or floating-point numbers of that many bytes; nil if there is none.
func linear(bytes int, float bool, order binary.ByteOrder) *encoding {
	return linears[linearKey{bytes, float, order}]
}

func newLinear(bytes int, float bool, order binary.ByteOrder) *encoding {
	suffix := "le"
	if order == binary.ByteOrder(binary.BigEndian) {
		suffix = "be"
	}
	e := &encoding{bytes: bytes}
	switch {
	case float && bytes == 4:
		e.name = "pcm_f32" + suffix
		e.convert = func(dst []float32, src []byte) {
			for i := range dst {
				dst[i] = math.Float32frombits(order.Uint32(src[4*i:]))
			}
		}
	case float && bytes == 8:
		e.name = "pcm_f64" + suffix
		e.convert = func(dst []float32, src []byte) {
			for i := range dst {
				dst[i] = float32(math.Float64frombits(order.Uint64(src[8*i:])))
			}
		}
	case !float && bytes == 2:
		e.name = "pcm_s16" + suffix
		e.convert = func(dst []float32, src []byte) {
			for i := range dst {
				dst[i] = float32(int16(order.Uint16(src[2*i:]))) / (1 << 15)
			}
		}
	case !float && bytes == 3:
		e.name = "pcm_s24" + suffix
		first, last := 0, 2
		if suffix == "be" {
			first, last = 2, 0
		}
		e.convert = func(dst []float32, src []byte) {
			for i := range dst {
				b := src[3*i : 3*i+3]
				dst[i] = float32(int32(b[first])|int32(b[1])<<8|int32(int8(b[last]))<<16) / (1 << 23)
			}
		}
	case !float && bytes == 4:
		e.name = "pcm_s32" + suffix
		e.convert = func(dst []float32, src []byte) {
			for i := range dst {
				dst[i] = float32(int32(order.Uint32(src[4*i:]))) / (1 << 31)
			}
		}
	default:
		return nil
	}
	return e
}

// law makes a conversion by table from the value of each code, ITU-T G.711.
func law(value func(code int) int) func([]float32, []byte) {
	var table [256]float32
	for code := range table {
		table[code] = float32(value(code)) / (1 << 15)
	}
	return func(dst []float32, src []byte) {
		for i := range dst {
			dst[i] = table[src[i]]
		}
	}
}

func alawValue(code int) int {
	code ^= 0x55
	v, segment := code&15<<4+8, code>>4&7
	if segment > 0 {
		v = (v + 256) << (segment - 1)
	}
	if code&0x80 == 0 {
		return -v
	}
	return v
}

func mulawValue(code int) int {
	code ^= 0xff
	v := (code&15<<3+132)<<(code>>4&7) - 132
	if code&0x80 != 0 {
		return -v
	}
	return v
}

// packed decodes samples that lie one after the other.
type packed struct {
	r        io.Reader
	enc      *encoding
	channels int
	left     int64 // bytes to come, or -1 for all until the end
	buf      []byte
	done     int64 // frames read
}

// samples makes the decoder of the samples that follow.
func (s *source) samples(enc *encoding, channels int, bytes int64) *packed {
	frame := enc.bytes * channels
	if bytes >= 0 {
		bytes -= bytes % int64(frame)
	}
	n := max(1<<15/frame, 1) * frame
	s.packed = packed{r: s.r, enc: enc, channels: channels, left: bytes, buf: slices.Grow(s.packed.buf[:0], n)[:n]}
	return &s.packed
}

func (p *packed) read(dst []float32) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	frame := p.enc.bytes * p.channels
	b := p.buf[:min(len(dst)/p.channels*frame, len(p.buf))]
	if p.left > 0 {
		b = b[:min(int64(len(b)), p.left)]
	}
	got, err := io.ReadFull(p.r, b)
	n := got / frame
	switch {
	case err == nil:
	case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return 0, err
	case n == 0 && (p.left > 0 || got > 0):
		return 0, ErrTruncated
	case n == 0:
		return 0, io.EOF
	}
	if p.left > 0 {
		p.left -= int64(n * frame)
	}
	dst = dst[:n*p.channels]
	p.enc.convert(dst, b[:n*frame])
	for i, v := range dst {
		if v-v != 0 {
			return 0, fmt.Errorf("sample %d of channel %d: expected a finite number, got %v", p.done+int64(i/p.channels), i%p.channels, v)
		}
	}
	p.done += int64(n)
	return n, nil
}
