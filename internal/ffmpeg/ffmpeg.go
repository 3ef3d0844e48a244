// Package ffmpeg runs the programs ffmpeg and ffprobe on files that may be anything. They are told the container's name, so that they
// never guess and never follow playlists; of protocols they have the file or the pipe alone. They write no file, and end with their
// context, or when they give nothing for a minute.
package ffmpeg

import (
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

// ErrMissing says that the programs are needed and not installed.
var ErrMissing = errors.New("the program ffmpeg is needed and not installed (Debian, Ubuntu: apt install ffmpeg; macOS: brew install ffmpeg; Windows: winget install ffmpeg)")

const stalled = time.Minute // of waiting for the next bytes

var errStalled = fmt.Errorf("ffmpeg gave nothing for %v", stalled)

// A Program is one that runs. What it gives is read from it by one goroutine.
type Program struct {
	cancel context.CancelCauseFunc
	ctx    context.Context
	cmd    *exec.Cmd
	out    io.ReadCloser
	text   *transcript
	wait   sync.Once
	status error
}

// Start runs ffmpeg or ffprobe, with stdin if that is not nil. The word that it says behind marker, the first time, is kept.
func Start(ctx context.Context, program string, stdin io.Reader, marker string, args ...string) (*Program, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return nil, ErrMissing
	}
	p := &Program{text: &transcript{marker: marker, found: make(chan struct{})}}
	p.ctx, p.cancel = context.WithCancelCause(ctx)
	p.cmd = exec.CommandContext(p.ctx, path, args...)
	p.cmd.Env = withoutReports(os.Environ())
	p.cmd.WaitDelay = time.Second
	p.cmd.Stdin, p.cmd.Stderr = stdin, p.text
	if p.out, err = p.cmd.StdoutPipe(); err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		p.cancel(nil)
		return nil, fmt.Errorf("%s: %w", program, err)
	}
	return p, nil
}

// Input is the arguments by which ffmpeg reads a file, or its standard input for "", in a container that it calls demuxer.
func Input(path, demuxer string) []string {
	return append([]string{"-nostdin", "-hide_banner", "-nostats", "-loglevel", "info", "-threads", "1"}, from(path, demuxer)...)
}

// Probe is the arguments by which ffprobe does.
func Probe(path, demuxer string) []string {
	return append([]string{"-hide_banner", "-loglevel", "error"}, from(path, demuxer)...)
}

func from(path, demuxer string) []string {
	input, protocol := "pipe:0", "pipe"
	if path != "" {
		input, protocol = "file:"+path, "file"
	}
	return []string{"-max_alloc", "268435456", "-protocol_whitelist", protocol, "-f", demuxer, "-i", input}
}

// Context is that of the program: it ends with it.
func (p *Program) Context() context.Context { return p.ctx }

// Read reads what the program gives; where that stalls, the program is ended.
func (p *Program) Read(b []byte) (int, error) {
	timer := time.AfterFunc(stalled, func() { p.cancel(errStalled) })
	defer timer.Stop()
	return p.out.Read(b)
}

// End ends the program after reading from it came to err, and says why: nil if it came to its own end and is content. cut says that it
// complained of a file that ends too early.
func (p *Program) End(err error) (cut bool, _ error) {
	if !errors.Is(err, io.EOF) {
		p.cancel(err) // it may have more to say, to which nobody listens
	}
	p.stop()
	switch {
	case context.Cause(p.ctx) != nil:
		return false, context.Cause(p.ctx)
	case p.status != nil && p.text.cutOff():
		return true, fmt.Errorf("the file ends too early: ffmpeg: %w", p.status)
	case p.status != nil:
		return false, fmt.Errorf("ffmpeg: %w: %s", p.status, p.text.last())
	}
	return p.text.cutOff(), nil
}

// stop collects the program, which has ended or closed its output.
func (p *Program) stop() {
	p.wait.Do(func() { p.status = p.cmd.Wait() })
}

// Close ends the program wherever it is.
func (p *Program) Close() error {
	p.cancel(os.ErrClosed)
	p.stop()
	return nil
}

// Word is what the program has said behind the marker, "unknown" if it has not within a second.
func (p *Program) Word() string {
	select {
	case <-p.text.found:
	case <-p.ctx.Done():
	case <-time.After(time.Second):
	}
	return p.text.word()
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
