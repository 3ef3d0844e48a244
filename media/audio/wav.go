package audio

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/chiasm/chiasm/internal/decode"
)

// Format tags of WAVE files (RFC 2361; Microsoft's mmreg.h).
const (
	wavePCM        = 1
	waveFloat      = 3
	waveALaw       = 6
	waveMuLaw      = 7
	waveExtensible = 0xfffe
)

// subformat ends the identifier of a WAVE_FORMAT_EXTENSIBLE file, whose first two bytes are a format tag.
const subformat = "\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"

// streamed are sizes that programs write when they don't know yet how long a sound will be: all ones, and the largest
// that sox and arecord dare.
var streamed = []int64{0xffffffff, 0x7ffff000, 0x7fffffff, 0x80000000}

func isWAV(b []byte) bool {
	return len(b) >= 12 && slices.Contains([]string{"RIFF", "RIFX", "RF64", "BW64"}, string(b[:4])) && string(b[8:12]) == "WAVE"
}

// openWAV reads the chunks of a RIFF, RIFX (big endian), RF64 or BW64 file up to the first sample.
func openWAV(s *source) (decoder, Format, error) {
	head, err := s.read(12)
	if err != nil {
		return nil, Format{}, err
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if string(head[:4]) == "RIFX" {
		order = binary.BigEndian
	}
	size := int64(order.Uint32(head[4:])) // of all that follows the first 8 bytes
	at, data64 := int64(4), int64(-1)
	var enc *encoding
	var format Format
	for {
		c, err := s.chunk(order)
		if err != nil {
			return nil, format, err
		}
		at += 8
		switch string(c.id[:]) {
		case "ds64": // sizes of more than 32 bits, for chunks that say 0xffffffff
			b, err := s.body(c, 28)
			if err != nil {
				return nil, format, err
			}
			r := decode.NewReader(b)
			r.Skip(8)
			if n := r.U64(); r.Err() == nil && n <= math.MaxInt64 {
				data64 = int64(n)
			}
		case "fmt ":
			b, err := s.body(c, 40)
			if err != nil {
				return nil, format, err
			}
			if enc, format, err = waveFormat(b, order); err != nil {
				return nil, format, err
			}
		case "data":
			if enc == nil {
				return nil, format, errors.New("expected a fmt chunk before the data chunk")
			}
			n := waveLength(c.size, data64, size, at)
			format.Frames = s.frames(n, enc.bytes*format.Channels)
			return s.samples(enc, format.Channels, n), format, nil
		default:
			if err := s.skip(c.size + c.size&1); err != nil {
				return nil, format, err
			}
		}
		at += c.size + c.size&1
	}
}

// waveLength is the number of bytes of samples, -1 for all until the end of the file.
func waveLength(n, data64, riff, at int64) int64 {
	switch {
	case n == 0xffffffff && data64 > 0:
		return data64
	case slices.Contains(streamed, n) || n > 0 && riff == 0xffffffff && n >= riff-at:
		return -1
	case n == 0 && (riff <= at || riff == 0xffffffff): // nothing that the header knows of: it was never completed
		return -1
	}
	return n
}

// frames is the number of frames in n bytes of samples, -1 if they go to an end that is not known.
func (s *source) frames(n int64, frame int) int64 {
	if n < 0 || s.size >= 0 && n > s.size {
		n = s.size
	}
	if n < 0 {
		return -1
	}
	return n / int64(frame)
}

// waveFormat reads a fmt chunk.
func waveFormat(b []byte, order binary.ByteOrder) (*encoding, Format, error) {
	if len(b) < 16 {
		return nil, Format{}, fmt.Errorf("fmt chunk: expected at least 16 bytes, got %d", len(b))
	}
	tag, channels, bits := int(order.Uint16(b)), int(order.Uint16(b[2:])), int(order.Uint16(b[14:]))
	rate, align := order.Uint32(b[4:]), int(order.Uint16(b[12:]))
	format := Format{Rate: int(rate), Channels: channels}
	if tag == waveExtensible && len(b) >= 40 {
		if string(b[26:]) != subformat {
			return nil, format, &foreignError{"wav", fmt.Sprintf("the codec %x", b[24:40])}
		}
		tag = int(order.Uint16(b[24:]))
	}
	if err := format.check(); err != nil {
		return nil, format, err
	}
	var enc *encoding
	switch width := waveWidth(align, channels, bits); {
	case tag == wavePCM && width == 1:
		enc = u8
	case tag == wavePCM || tag == waveFloat:
		enc = linear(width, tag == waveFloat, order)
	case tag == waveALaw && bits == 8:
		enc = alaw
	case tag == waveMuLaw && bits == 8:
		enc = mulaw
	case tag == 0 || tag == waveExtensible:
		return nil, format, fmt.Errorf("fmt chunk: expected a codec, got number %d", tag)
	default:
		return nil, format, &foreignError{"wav", fmt.Sprintf("the codec with number %d", tag)}
	}
	if enc == nil {
		return nil, format, fmt.Errorf("fmt chunk: expected 8, 16, 24 or 32 bits (32 or 64 for floating point), got %d in blocks of %d bytes for %d channels", bits, align, channels)
	}
	format.Codec = enc.name
	return enc, format, nil
}

// waveWidth is the number of bytes that a sample takes: samples of 12 or 20 bits fill the high bits of whole bytes, and
// some programs leave a byte free.
func waveWidth(align, channels, bits int) int {
	need := (bits + 7) / 8
	if align%channels == 0 && align/channels >= need && need > 0 {
		return align / channels
	}
	return need
}
