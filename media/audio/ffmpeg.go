package audio

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/chiasm/chiasm/internal/ffmpeg"
)

// The sound of formats that are not read here comes from the program ffmpeg, as floating-point WAV on a pipe, whose header
// says how many channels and which rate it has.

// foreignSound is the running program as a decoder.
type foreignSound struct {
	packed  decoder
	program *ffmpeg.Program
}

func openFFmpeg(s *source, demuxer string) (decoder, Format, func() error, error) {
	var stdin io.Reader
	if s.path == "" {
		stdin = s.r
	}
	program, err := ffmpeg.Start(s.ctx, "ffmpeg", stdin, ": Audio: ", append(ffmpeg.Input(s.path, demuxer),
		"-map", "0:a:0", "-vn", "-sn", "-dn", "-map_metadata", "-1", "-fflags", "+bitexact", "-protocol_whitelist", "pipe",
		"-c:a", "pcm_f32le", "-f", "wav", "pipe:1")...)
	if err != nil {
		return nil, Format{}, nil, fmt.Errorf("%s: %w", demuxer, err)
	}
	f := &foreignSound{program: program}
	inner := &source{ctx: program.Context(), r: bufio.NewReaderSize(program, peeked), size: -1}
	var format Format
	if _, err = inner.r.Peek(1); err == nil {
		if f.packed, format, err = openWAV(inner); err == nil {
			err = format.check()
		}
	} else if err = f.fail(err); errors.Is(err, io.EOF) {
		err = errors.New("ffmpeg gave no sound")
	}
	if err != nil {
		program.Close()
		return nil, format, nil, fmt.Errorf("%s: %w", demuxer, err)
	}
	format.Codec, format.Frames = program.Word(), -1 // it has been said before the sound began, and is on its way
	return f, format, program.Close, nil
}

func (f *foreignSound) read(dst []float32) (int, error) {
	n, err := f.packed.read(dst)
	if err != nil {
		err = f.fail(err)
	}
	return n, err
}

// fail ends the program after err, and says why it came to that: io.EOF if the program is content.
func (f *foreignSound) fail(err error) error {
	if errors.Is(err, ErrTruncated) {
		err = io.EOF
	}
	cut, err := f.program.End(err)
	switch {
	case err != nil:
		return err
	case cut:
		return ErrTruncated
	}
	return io.EOF
}
