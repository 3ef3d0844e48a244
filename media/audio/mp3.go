package audio

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
)

// mp3 decodes MPEG audio layer III: MPEG-1, MPEG-2 and 2.5, without the parts of the first frames and of the last that an
// encoder's tag says to be padding, as libsndfile and ffmpeg do. Frames that are damaged or lack bits of earlier ones are
// silent.
type mp3 struct {
	r       *bufio.Reader
	head    mpegHeader
	main    []byte // bits of the values: up to 511 bytes of earlier frames, then this frame's
	parts   [2][2]part
	values  [2][granule]float32
	overlap [2][granule]float32
	banks   [2]bank
	pcm     [2 * 2 * granule]float32 // channels interleaved
	ready   []float32                // samples of pcm not yet given
	skip    int64                    // frames of samples to leave out at the start
	left    int64                    // frames of samples to come, -1 if not known
}

const decoderDelay = 529 // samples by which the synthesis is late

func openMP3(s *source) (decoder, Format, error) {
	head, _ := s.r.Peek(peeked)
	at, _ := findMPEG(head, false)
	if err := s.skip(int64(at)); err != nil {
		return nil, Format{}, err
	}
	d := &mp3{r: s.r, left: -1, main: make([]byte, 0, 4096)}
	d.head, _ = parseMPEG(head[at:])
	format := Format{Codec: "mp3", Rate: d.head.rate, Channels: d.head.channels, Frames: -1}
	if frame := head[at:min(at+d.head.size, len(head))]; d.readTag(frame) {
		if err := s.skip(int64(len(frame))); err != nil {
			return nil, format, err
		}
		format.Frames = d.left
	}
	return d, format, nil
}

// readTag reads the frame of an encoder's tag (Xing, Info, LAME; VBRI), which holds no sound. It reports whether it is one.
func (d *mp3) readTag(frame []byte) bool {
	at := 4 + d.head.sideBytes()
	if len(frame) >= 40 && string(frame[36:40]) == "VBRI" {
		return true
	}
	if d.head.checked {
		at += 2
	}
	if len(frame) < at+8 || string(frame[at:at+4]) != "Xing" && string(frame[at:at+4]) != "Info" {
		return false
	}
	flags, rest := frame[at+7], frame[at+8:]
	count := int64(-1)
	for bit, size := range [4]int{4, 4, 100, 4} {
		if flags>>bit&1 == 0 {
			continue
		}
		if len(rest) < size {
			return true
		}
		if bit == 0 {
			count = int64(binary.BigEndian.Uint32(rest))
		}
		rest = rest[size:]
	}
	total := count * int64(d.head.samples())
	if len(rest) >= 24 && (bytes.HasPrefix(rest, []byte("LAME")) || bytes.HasPrefix(rest, []byte("Lav"))) {
		delay := int64(rest[21])<<4 | int64(rest[22])>>4
		padding := int64(rest[22]&15)<<8 | int64(rest[23])
		d.skip = delay + decoderDelay
		total -= d.skip + max(padding-decoderDelay, 0)
	}
	if count > 0 && total > 0 {
		d.left = total
	}
	return true
}

func (d *mp3) read(dst []float32) (int, error) {
	if d.left == 0 {
		return 0, io.EOF
	}
	channels := d.head.channels
	for len(d.ready) == 0 {
		if err := d.decodeFrame(); err != nil {
			if errors.Is(err, io.EOF) && d.left > 0 {
				err = ErrTruncated
			}
			return 0, err
		}
		n := min(d.skip, int64(len(d.ready)/channels))
		d.ready = d.ready[int(n)*channels:]
		d.skip -= n
	}
	n := min(len(dst), len(d.ready)) / channels
	if d.left > 0 {
		n = int(min(int64(n), d.left))
		d.left -= int64(n)
	}
	copy(dst[:n*channels], d.ready)
	d.ready = d.ready[n*channels:]
	return n, nil
}

// decodeFrame finds the next frame and decodes it to d.ready.
func (d *mp3) decodeFrame() error {
	h, err := d.findFrame()
	if err != nil {
		return err
	}
	frame, err := d.r.Peek(h.size)
	if err != nil {
		if errors.Is(err, io.EOF) {
			return ErrTruncated
		}
		return err
	}
	// Channels may change within a stream; what was promised stays.
	channels := d.head.channels
	n := h.samples()
	d.ready = d.pcm[:n*channels]
	if !d.decode(&h, frame) {
		d.values = [2][granule]float32{}
		clear(d.ready)
	}
	_, err = d.r.Discard(h.size)
	return err
}

// findFrame looks for the next header like the first. Where something else came between, another frame or the end must
// follow, since tags and damaged bytes look like headers now and then.
func (d *mp3) findFrame() (mpegHeader, error) {
	for lost := false; ; lost = true {
		b, err := d.r.Peek(4)
		if err != nil {
			return mpegHeader{}, err
		}
		if h, ok := parseMPEG(b); ok && h.layer == 3 && h.size > 4+2+h.sideBytes() && h.follows(&d.head) && (!lost || d.confirm(&h)) {
			return h, nil
		}
		if _, err := d.r.Discard(1); err != nil {
			return mpegHeader{}, err
		}
	}
}

// confirm reports whether a frame or the end follows the one at hand.
func (d *mp3) confirm(h *mpegHeader) bool {
	b, _ := d.r.Peek(h.size + 4)
	if len(b) <= h.size {
		return len(b) == h.size
	}
	next, ok := parseMPEG(b[h.size:])
	return ok && next.follows(&d.head)
}

// decode turns a frame into samples; false if it cannot.
func (d *mp3) decode(h *mpegHeader, frame []byte) bool {
	at := 4
	if h.checked {
		at += 2
	}
	side := &bits{data: frame[at : at+h.sideBytes()]}
	back, err := d.readSide(h, side)
	payload := frame[at+h.sideBytes():]
	start := len(d.main) - back
	d.main = append(d.main, payload...)
	defer func() {
		d.main = d.main[:copy(d.main, d.main[max(len(d.main)-511, 0):])]
	}()
	if err != nil || start < 0 {
		return false
	}
	b := &bits{data: d.main, pos: 8 * start}
	tables := huffmanTables()
	for gr := range h.samples() / granule {
		for ch := range h.channels {
			p := &d.parts[gr][ch]
			end := b.pos + p.bits
			if end > 8*len(d.main) {
				return false
			}
			if h.version == 0 {
				p.readScale(b, &d.parts[0][ch])
			} else {
				p.readLowScale(b, ch == 1 && h.intense)
			}
			p.readValues(&d.values[ch], b, end, &tables)
			p.scaleValues(&d.values[ch])
			b.pos = end
		}
		d.stereo(h, &d.parts[gr][0], &d.parts[gr][1], &d.values)
		d.synthesize(h, gr)
	}
	return true
}

// synthesize makes the samples of a granule.
func (d *mp3) synthesize(h *mpegHeader, gr int) {
	channels := d.head.channels
	out := d.ready[gr*granule*channels:]
	for ch := range channels {
		src := min(ch, h.channels-1)
		p, x := &d.parts[gr][src], &d.values[src]
		if ch == src {
			p.reorder(x)
			p.antialias(x)
			p.hybrid(x, &d.overlap[ch])
		}
		d.banks[ch].synthesize(out[ch:], channels, x)
	}
}
