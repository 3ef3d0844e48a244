package video

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/chiasm/chiasm/internal/ffmpeg"
)

// At is the frame that is shown at a moment, in seconds from the beginning, scaled down so that no side has more than side pixels. It seeks,
// so that it takes no longer late in a video than early. After the end the error wraps [io.EOF]. It runs ffmpeg, which sees no other file and
// no network.
func At(ctx context.Context, path string, seconds float64, side int) (f Frame, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("video: %s at %g s: %w", path, seconds, err)
		}
	}()
	if !(seconds >= 0 && seconds < 1e9) || side < 1 {
		return f, fmt.Errorf("want a moment from 0 on and a side from 1 on, got a side of %d", side)
	}
	demuxer, err := recognise(path)
	if err != nil {
		return f, err
	}
	input := ffmpeg.Input(path, demuxer)
	input = slices.Insert(input, slices.Index(input, "-f"), "-ss", strconv.FormatFloat(seconds, 'f', 3, 64))
	p, err := ffmpeg.Start(ctx, "ffmpeg", nil, "", append(input, "-map", "0:v:0", "-an", "-sn", "-dn",
		"-vf", fmt.Sprintf("scale='min(iw,%d)':'min(ih,%d)':force_original_aspect_ratio=decrease", side, side), "-frames:v", "1",
		"-protocol_whitelist", "pipe", "-c:v", "ppm", "-pix_fmt", "rgb24", "-f", "image2pipe", "pipe:1")...)
	if err != nil {
		return f, err
	}
	defer p.Close()
	f, err = readFrame(bufio.NewReaderSize(p, 1<<16))
	if errors.Is(err, io.EOF) {
		if _, err = p.End(io.EOF); err == nil {
			err = io.EOF
		}
	}
	return f, err
}
