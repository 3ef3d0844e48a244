package audio

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// The sound of formats that are not read here comes from the program ffmpeg, as floating-point WAV on a pipe, whose header
// says how many channels and which rate it has. The program is told the container's name, so that it never guesses and
// never follows playlists; of protocols it has the file or the pipe alone. It writes no file.

const (
	stalled  = time.Minute // of waiting for ffmpeg's next bytes
	mostText = 1 << 16     // bytes kept of what it says
)

// ffmpeg is the running program as a decoder.
type ffmpeg struct {
	packed decoder
	cancel context.CancelCauseFunc
	ctx    context.Context
	cmd    *exec.Cmd
	out    io.ReadCloser
	text   *transcript
	wait   sync.Once
	status error
}

var errStalled = fmt.Errorf("ffmpeg gave nothing for %v", stalled)

func openFFmpeg(s *source, demuxer string) (decoder, Format, func() error, error) {
	program, err := exec.LookPath("ffmpeg")
	if err != nil {
		return nil, Format{}, nil, fmt.Errorf("%s: %w", demuxer, ErrNoFFmpeg)
	}
	input, protocol := "pipe:0", "pipe"
	if s.path != "" {
		input, protocol = "file:"+s.path, "file"
	}
	f := &ffmpeg{text: &transcript{found: make(chan struct{})}}
	f.ctx, f.cancel = context.WithCancelCause(s.ctx)
	f.cmd = exec.CommandContext(f.ctx, program, "-nostdin", "-hide_banner", "-nostats", "-loglevel", "info",
		"-max_alloc", "268435456", "-threads", "1", "-protocol_whitelist", protocol, "-f", demuxer, "-i", input,
		"-map", "0:a:0", "-vn", "-sn", "-dn", "-map_metadata", "-1", "-fflags", "+bitexact", "-protocol_whitelist", "pipe",
		"-c:a", "pcm_f32le", "-f", "wav", "pipe:1")
	f.cmd.Env = withoutReports(os.Environ())
	f.cmd.WaitDelay = time.Second
	f.cmd.Stderr = f.text
	if s.path == "" {
		f.cmd.Stdin = s.r
	}
	if f.out, err = f.cmd.StdoutPipe(); err == nil {
		err = f.cmd.Start()
	}
	if err != nil {
		f.cancel(nil)
		return nil, Format{}, nil, fmt.Errorf("%s: ffmpeg: %w", demuxer, err)
	}
	inner := &source{ctx: f.ctx, r: bufio.NewReaderSize(&watched{f, f.out}, peeked), size: -1}
	var format Format
	if _, err = inner.r.Peek(1); err == nil {
		if f.packed, format, err = openWAV(inner); err == nil {
			err = format.check()
		}
	} else if err = f.fail(err); errors.Is(err, io.EOF) {
		err = errors.New("ffmpeg gave no sound")
	}
	if err != nil {
		f.close()
		return nil, format, nil, fmt.Errorf("%s: %w", demuxer, err)
	}
	select { // it has been said before the sound began, and is on its way
	case <-f.text.found:
	case <-f.ctx.Done():
	case <-time.After(time.Second):
	}
	format.Codec, format.Frames = f.text.codec(), -1
	return f, format, f.close, nil
}

func (f *ffmpeg) read(dst []float32) (int, error) {
	n, err := f.packed.read(dst)
	if err != nil {
		err = f.fail(err)
	}
	return n, err
}

// fail ends the program after err, and says why it came to that: io.EOF if the program is content.
func (f *ffmpeg) fail(err error) error {
	if !errors.Is(err, io.EOF) && !errors.Is(err, ErrTruncated) {
		f.cancel(err) // it may have more to say, to which nobody listens
	}
	f.stop()
	switch {
	case context.Cause(f.ctx) != nil:
		return context.Cause(f.ctx)
	case f.status != nil:
		return fmt.Errorf("ffmpeg: %w: %s", f.status, f.text.last())
	case f.text.cutOff():
		return ErrTruncated
	}
	return io.EOF
}

// stop collects the program, which has ended or closed its output.
func (f *ffmpeg) stop() {
	f.wait.Do(func() { f.status = f.cmd.Wait() })
}

func (f *ffmpeg) close() error {
	f.cancel(os.ErrClosed)
	f.stop()
	return nil
}

// watched is the program's output; where that stalls, the program is ended.
type watched struct {
	f *ffmpeg
	r io.Reader
}

func (w *watched) Read(b []byte) (int, error) {
	timer := time.AfterFunc(stalled, func() { w.f.cancel(errStalled) })
	defer timer.Stop()
	return w.r.Read(b)
}

// withoutReports drops the variable that makes ffmpeg write a log into the working directory.
func withoutReports(env []string) []string {
	kept := make([]string, 0, len(env))
	for _, v := range env {
		if !strings.HasPrefix(v, "FFREPORT=") {
			kept = append(kept, v)
		}
	}
	return kept
}

// A transcript keeps the beginning and the end of what the program says.
type transcript struct {
	mu    sync.Mutex
	head  []byte
	tail  []byte
	found chan struct{} // closed when the head names the codec of the sound, or is full
	done  bool
}

const audioStream = ": Audio: "

func (t *transcript) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if room := mostText - len(t.head); room > 0 {
		t.head = append(t.head, b[:min(room, len(b))]...)
	}
	t.tail = append(t.tail, b...)
	if over := len(t.tail) - mostText; over > 0 {
		t.tail = t.tail[:copy(t.tail, t.tail[over:])]
	}
	if _, rest, ok := bytes.Cut(t.head, []byte(audioStream)); !t.done && (ok && bytes.ContainsAny(rest, " ,\n") || len(t.head) == mostText) {
		t.done = true
		close(t.found)
	}
	return len(b), nil
}

// codec is the name of the first sound's codec.
func (t *transcript) codec() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, rest, ok := bytes.Cut(t.head, []byte(audioStream))
	if !ok {
		return "unknown"
	}
	if i := bytes.IndexAny(rest, " ,\n"); i >= 0 {
		rest = rest[:i]
	}
	return string(rest)
}

// last is the last line.
func (t *transcript) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := bytes.TrimSpace(t.tail)
	return string(text[bytes.LastIndexByte(text, '\n')+1:])
}

// cutOff reports whether the program complained that the file ends too early.
func (t *transcript) cutOff() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, complaint := range []string{"partial file", "ended prematurely", "Truncating packet", "truncated"} {
		if bytes.Contains(t.tail, []byte(complaint)) {
			return true
		}
	}
	return false
}
