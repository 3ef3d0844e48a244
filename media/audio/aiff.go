package audio

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/chiasm/chiasm/internal/decode"
)

func isAIFF(b []byte) bool {
	return len(b) >= 12 && string(b[:4]) == "FORM" && (string(b[8:12]) == "AIFF" || string(b[8:12]) == "AIFC")
}

// openAIFF reads the chunks of an AIFF or AIFF-C file up to the first sample.
func openAIFF(s *source) (decoder, Format, error) {
	head, err := s.read(12)
	if err != nil {
		return nil, Format{}, err
	}
	compressed := string(head[8:]) == "AIFC"
	var enc *encoding
	var format Format
	for {
		c, err := s.chunk(binary.BigEndian)
		if err != nil {
			return nil, format, err
		}
		switch string(c.id[:]) {
		case "COMM":
			b, err := s.body(c, 22)
			if err != nil {
				return nil, format, err
			}
			if enc, format, err = aiffFormat(b, compressed); err != nil {
				return nil, format, err
			}
		case "SSND":
			if enc == nil {
				return nil, format, errors.New("expected a COMM chunk before the SSND chunk")
			}
			return aiffSamples(s, c, enc, format)
		default:
			if err := s.skip(c.size + c.size&1); err != nil {
				return nil, format, err
			}
		}
	}
}

// aiffSamples makes the decoder of an SSND chunk.
func aiffSamples(s *source, c chunk, enc *encoding, format Format) (decoder, Format, error) {
	b, err := s.read(8)
	if err != nil {
		return nil, format, err
	}
	offset := int64(binary.BigEndian.Uint32(b))
	n := format.Frames * int64(enc.bytes*format.Channels)
	switch {
	case c.size == 0xffffffff || c.size == 0 || format.Frames == 0 && c.size > 8+offset: // written to a pipe
		n = -1
	case offset > c.size-8:
		return nil, format, fmt.Errorf("SSND chunk: expected an offset within its %d bytes, got %d", c.size, offset)
	}
	if err := s.skip(offset); err != nil {
		return nil, format, err
	}
	format.Frames = s.frames(n, enc.bytes*format.Channels)
	return s.samples(enc, format.Channels, n), format, nil
}

// aiffFormat reads a COMM chunk. Its Frames is what the chunk claims.
func aiffFormat(b []byte, compressed bool) (*encoding, Format, error) {
	r := decode.NewReader(b)
	channels, frames, bits := r.U16BE(), r.U32BE(), int(r.U16BE())
	exponent, mantissa := r.U16BE(), r.U64BE()
	kind := "NONE"
	if compressed {
		kind = string(r.Bytes(4))
	}
	if r.Err() != nil {
		return nil, Format{}, fmt.Errorf("COMM chunk: %w", r.Err())
	}
	format := Format{Channels: int(channels), Frames: int64(frames)}
	// The rate is an 80-bit number, of which a negative one has the top bit of the exponent set.
	if rate := math.Ldexp(float64(mantissa), int(exponent)-16383-63); rate < math.MaxInt32 {
		format.Rate = int(math.Round(rate))
	} else {
		format.Rate = math.MaxInt32
	}
	if err := format.check(); err != nil {
		return nil, format, err
	}
	width := (bits + 7) / 8
	var enc *encoding
	switch kind {
	case "NONE", "twos":
		if enc = linear(width, false, binary.BigEndian); width == 1 {
			enc = s8
		}
	case "sowt":
		if enc = linear(width, false, binary.LittleEndian); width == 1 {
			enc = s8
		}
	case "raw ":
		if width == 1 {
			enc = u8
		}
	case "in24":
		enc = linear(3, false, binary.BigEndian)
	case "in32":
		enc = linear(4, false, binary.BigEndian)
	case "fl32", "FL32":
		enc = linear(4, true, binary.BigEndian)
	case "fl64", "FL64":
		enc = linear(8, true, binary.BigEndian)
	case "alaw", "ALAW":
		enc = alaw
	case "ulaw", "ULAW":
		enc = mulaw
	default:
		return nil, format, &foreignError{"aiff", fmt.Sprintf("the codec %q", kind)}
	}
	if enc == nil {
		return nil, format, fmt.Errorf("COMM chunk: expected 1 to 32 bits, got %d of kind %q", bits, kind)
	}
	format.Codec = enc.name
	return enc, format, nil
}
