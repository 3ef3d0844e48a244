package video

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/chiasm/chiasm/internal/ffmpeg"
)

// Errors that callers test for with errors.Is.
var (
	// ErrFormat says that a file begins like no video.
	ErrFormat = errors.New("not a video in a known container (MP4, MOV, MKV, WebM, AVI, MPEG, ASF, FLV, Ogg)")
	// ErrNoFFmpeg says that the programs ffmpeg and ffprobe are needed and not installed.
	ErrNoFFmpeg = ffmpeg.ErrMissing
)

// An Info is what a file says of its first stream of pictures.
type Info struct {
	Frames  int
	Rate    float64 // frames per second on average, 0 if not known
	Seconds float64 // 0 if not known
	W, H    int     // pixels, as they are stored
}

// A Frame is a picture of a video.
type Frame struct {
	Number int
	W, H   int
	Pix    []uint8 // 3 bytes a pixel, red first, row by row
}

const (
	mostPixels = 1 << 26 // of a frame
	mostText   = 1 << 20 // bytes of what ffprobe says
	mostRuns   = 1000    // of frames that follow each other, to pick
)

// Read gives the frames of a file that pick chooses, by their rising numbers from 0 on, to each, one after the other. A number may come
// several times. It runs ffprobe and ffmpeg, which see no other file and no network.
func Read(ctx context.Context, path string, pick func(Info) []int, each func(Frame) error) (info Info, err error) {
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
	return info, read(ctx, path, demuxer, pick(info), each)
}

// recognise names the container.
func recognise(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", err
	}
	demuxer, ok := ffmpeg.Demuxer(head[:n])
	if !ok {
		return "", ErrFormat
	}
	return demuxer, nil
}

// probe counts the frames without decoding them.
func probe(ctx context.Context, path, demuxer string) (info Info, err error) {
	p, err := ffmpeg.Start(ctx, "ffprobe", nil, "", append(ffmpeg.Probe(path, demuxer), "-select_streams", "v:0", "-count_packets",
		"-show_entries", "stream=nb_read_packets,avg_frame_rate,duration,width,height:format=duration", "-of", "json")...)
	if err != nil {
		return info, err
	}
	defer p.Close()
	data, err := io.ReadAll(io.LimitReader(p, mostText))
	if err == nil {
		err = io.EOF
	}
	if _, err = p.End(err); err != nil {
		return info, err
	}
	var file struct {
		Streams []struct {
			Packets string `json:"nb_read_packets"`
			Rate    string `json:"avg_frame_rate"`
			Seconds string `json:"duration"`
			W       int    `json:"width"`
			H       int    `json:"height"`
		}
		Format struct {
			Seconds string `json:"duration"`
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return info, fmt.Errorf("ffprobe: %w", err)
	}
	if len(file.Streams) == 0 {
		return info, errors.New("there is no stream of pictures")
	}
	s := file.Streams[0]
	if info.Frames, err = strconv.Atoi(s.Packets); err != nil || info.Frames < 1 {
		return info, fmt.Errorf("expected one frame or more, got %q", s.Packets)
	}
	info.Rate, info.Seconds = fraction(s.Rate), fraction(s.Seconds)
	info.W, info.H = s.W, s.H
	if info.Seconds == 0 {
		info.Seconds = fraction(file.Format.Seconds)
	}
	return info, nil
}

// fraction is a positive number as ffprobe writes it, such as 30000/1001; 0 for anything else.
func fraction(s string) float64 {
	above, below, _ := strings.Cut(s, "/")
	x, err := strconv.ParseFloat(above, 64)
	if err != nil || !(x > 0) || x > 1e12 {
		return 0
	}
	if below == "" {
		return x
	}
	y, err := strconv.ParseFloat(below, 64)
	if err != nil || !(y > 0) {
		return 0
	}
	return x / y
}

// read decodes the frames of the numbers.
func read(ctx context.Context, path, demuxer string, numbers []int, each func(Frame) error) error {
	if len(numbers) == 0 {
		return nil
	}
	if !slices.IsSorted(numbers) || numbers[0] < 0 {
		return fmt.Errorf("expected rising numbers of frames, got %v", numbers)
	}
	choice, count, err := choose(numbers)
	if err != nil {
		return err
	}
	// What is chosen follows at an even pace, so that ffmpeg neither repeats nor leaves out frames to keep one.
	p, err := ffmpeg.Start(ctx, "ffmpeg", nil, "", append(ffmpeg.Input(path, demuxer), "-map", "0:v:0", "-an", "-sn", "-dn",
		"-vf", "select='"+choice+"',setpts=N/25/TB", "-r", "25", "-frames:v", strconv.Itoa(count),
		"-protocol_whitelist", "pipe", "-c:v", "ppm", "-pix_fmt", "rgb24", "-f", "image2pipe", "pipe:1")...)
	if err != nil {
		return err
	}
	defer p.Close()
	r := bufio.NewReaderSize(p, 1<<16)
	for len(numbers) > 0 {
		f, err := readFrame(r)
		if errors.Is(err, io.EOF) {
			if _, err = p.End(io.EOF); err == nil {
				err = fmt.Errorf("ffmpeg gave no frame %d", numbers[0])
			}
		}
		if err != nil {
			return err
		}
		for f.Number = numbers[0]; len(numbers) > 0 && numbers[0] == f.Number; numbers = numbers[1:] {
			if err := each(f); err != nil {
				return err
			}
		}
	}
	return nil
}

// choose writes the numbers of frames as ffmpeg's filter wants them, and counts those that differ.
func choose(numbers []int) (expression string, count int, err error) {
	numbers = slices.Compact(slices.Clone(numbers))
	var runs []string
	for i := 0; i < len(numbers); {
		j := i + 1
		for j < len(numbers) && numbers[j] == numbers[j-1]+1 {
			j++
		}
		runs = append(runs, fmt.Sprintf("between(n,%d,%d)", numbers[i], numbers[j-1]))
		i = j
	}
	if len(runs) > mostRuns {
		return "", 0, fmt.Errorf("expected at most %d runs of frames, got %d", mostRuns, len(runs))
	}
	return strings.Join(runs, "+"), len(numbers), nil
}

// readFrame reads a picture as ffmpeg writes PPM: lines of P6, of width and height, and of 255, then the pixels. It is io.EOF where
// nothing comes any more.
func readFrame(r *bufio.Reader) (f Frame, err error) {
	if _, err := r.Peek(1); err != nil {
		return f, err
	}
	var lines [3]string
	for i := range lines {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return f, fmt.Errorf("a frame's header: %w", err)
		}
		lines[i] = string(line[:len(line)-1])
	}
	w, h, _ := strings.Cut(lines[1], " ")
	f.W, _ = strconv.Atoi(w) // 0 is refused
	f.H, _ = strconv.Atoi(h)
	if lines[0] != "P6" || lines[2] != "255" || f.W < 1 || f.H < 1 || f.W > mostPixels/f.H {
		return f, fmt.Errorf("expected a frame of up to %d pixels, got %.40q", mostPixels, strings.Join(lines[:], " "))
	}
	f.Pix = make([]uint8, 3*f.W*f.H)
	if _, err := io.ReadFull(r, f.Pix); err != nil {
		return f, fmt.Errorf("a frame of %dx%d pixels: %w", f.W, f.H, err)
	}
	return f, nil
}
