package video

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/chiasm/chiasm/internal/ffmpeg"
)

// Sample gives frames at an even pace of rate a second, at most so many, each the one that is shown then: number n is that at n/rate
// seconds. They are scaled down so that the shorter side has at most side pixels, 0 for as they are. A video that is cut off gives what
// there is of it. It runs ffprobe and ffmpeg, which see no other file and no network.
func Sample(ctx context.Context, path string, rate float64, side, most int, each func(Frame) error) (info Info, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("video: %s: %w", path, err)
		}
	}()
	demuxer, err := recognise(path)
	if err != nil {
		return info, err
	}
	if info, err = probe(ctx, path, demuxer); err != nil {
		return info, err
	}
	filter := "fps=" + strconv.FormatFloat(rate, 'g', -1, 64)
	if side > 0 {
		filter += fmt.Sprintf(",scale='if(gt(iw,ih),-2,min(iw,%d))':'if(gt(iw,ih),min(ih,%d),-2)'", side, side)
	}
	p, err := ffmpeg.Start(ctx, "ffmpeg", nil, "", append(ffmpeg.Input(path, demuxer), "-map", "0:v:0", "-an", "-sn", "-dn",
		"-vf", filter, "-frames:v", strconv.Itoa(most),
		"-protocol_whitelist", "pipe", "-c:v", "ppm", "-pix_fmt", "rgb24", "-f", "image2pipe", "pipe:1")...)
	if err != nil {
		return info, err
	}
	defer p.Close()
	r := bufio.NewReaderSize(p, 1<<16)
	for n := 0; ; n++ {
		f, err := readFrame(r)
		if errors.Is(err, io.EOF) {
			if _, err = p.End(io.EOF); err == nil && n == 0 {
				err = errors.New("ffmpeg gave no frame")
			}
			return info, err
		}
		if err != nil {
			return info, err
		}
		f.Number = n
		if err := each(f); err != nil {
			return info, err
		}
	}
}
