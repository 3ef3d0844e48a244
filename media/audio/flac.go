package audio

import (
	"errors"
	"fmt"
	"io"

	"github.com/mewkiz/flac"
	"github.com/mewkiz/flac/frame"
)

// flacDecoder gives the frames of a FLAC stream, which github.com/mewkiz/flac decodes one by one.
type flacDecoder struct {
	stream *flac.Stream
	info   Format
	frame  *frame.Frame
	at     int // next sample of frame
	scale  float32
	left   int64 // frames of samples to come, -1 if not known
}

func openFLAC(s *source) (decoder, Format, error) {
	var stream *flac.Stream
	err := guard(func() (err error) {
		stream, err = flac.New(s.r)
		return err
	})
	if err != nil {
		return nil, Format{}, err
	}
	info := stream.Info
	format := Format{Codec: "flac", Rate: int(info.SampleRate), Channels: int(info.NChannels), Frames: int64(info.NSamples)}
	if info.BitsPerSample < 4 || info.BitsPerSample > 24 {
		return nil, format, fmt.Errorf("expected 4 to 24 bits a sample, got %d", info.BitsPerSample)
	}
	if format.Frames == 0 {
		format.Frames = -1
	}
	return &flacDecoder{stream: stream, info: format, left: format.Frames, scale: 1 / float32(int(1)<<(info.BitsPerSample-1))}, format, nil
}

func (d *flacDecoder) read(dst []float32) (int, error) {
	channels := d.info.Channels
	if d.left == 0 {
		return 0, io.EOF
	}
	for d.frame == nil || d.at == int(d.frame.BlockSize) {
		if err := d.next(); err != nil {
			return 0, err
		}
	}
	n := min(len(dst)/channels, int(d.frame.BlockSize)-d.at)
	if d.left > 0 {
		n = int(min(int64(n), d.left))
		d.left -= int64(n)
	}
	for ch, sub := range d.frame.Subframes {
		for i, v := range sub.Samples[d.at : d.at+n] {
			dst[i*channels+ch] = float32(v) * d.scale
		}
	}
	d.at += n
	return n, nil
}

func (d *flacDecoder) next() error {
	err := guard(func() (err error) {
		d.frame, err = d.stream.ParseNext()
		return err
	})
	d.at = 0
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) && d.left > 0:
		err = ErrTruncated
	case errors.Is(err, io.EOF):
		err = io.EOF
	case err == nil && len(d.frame.Subframes) != d.info.Channels:
		err = fmt.Errorf("expected %d channels throughout, got %d", d.info.Channels, len(d.frame.Subframes))
	}
	if err != nil {
		d.frame = nil
		return err
	}
	for _, sub := range d.frame.Subframes {
		if len(sub.Samples) != int(d.frame.BlockSize) {
			return fmt.Errorf("expected %d samples in a block, got %d", d.frame.BlockSize, len(sub.Samples))
		}
	}
	return nil
}

// guard calls code of others that reads foreign bytes; a panic of theirs becomes an error.
func guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("damaged data: %v", r)
		}
	}()
	return f()
}
