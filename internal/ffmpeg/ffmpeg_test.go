package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestDemuxer(t *testing.T) {
	for head, want := range map[string]string{
		"\x00\x00\x00\x18ftypmp42": "mov", "\x1a\x45\xdf\xa3....": "matroska", "OggS\x00": "ogg", "RIFF....AVI LIST": "avi",
		"RIFF....WAVE": "", "#EXTM3U": "", "ffconcat version 1.0": "", "": "", "\x00\x00\x00": "", "<?xml version": "",
	} {
		if got, ok := Demuxer([]byte(head)); got != want || ok != (want != "") {
			t.Errorf("%q is %q, want %q", head, got, want)
		}
	}
}

func TestTranscript(t *testing.T) {
	s := &transcript{marker: ": Audio: ", found: make(chan struct{})}
	if s.word() != "unknown" {
		t.Errorf("before anything was said: %q", s.word())
	}
	for _, part := range []string{"Input #0\n  Stream #0:0: Aud", "io: vor", "bis (libvorbis), 44100 Hz\n"} {
		select {
		case <-s.found:
			t.Fatal("found before it was said whole")
		default:
		}
		fmt.Fprint(s, part)
	}
	<-s.found
	if s.word() != "vorbis" || s.cutOff() {
		t.Errorf("got %q, cut off %v", s.word(), s.cutOff())
	}
	fmt.Fprint(s, strings.Repeat("noise\n", mostText), "File ended prematurely\n\n")
	if s.last() != "File ended prematurely" || !s.cutOff() || len(s.head) > mostText || len(s.tail) > mostText {
		t.Errorf("the last line is %q of %d bytes kept", s.last(), len(s.head)+len(s.tail))
	}
}

func TestArguments(t *testing.T) {
	for path, want := range map[string][]string{"": {"pipe", "pipe:0"}, "-a b": {"file", "file:-a b"}} {
		for _, args := range [][]string{Input(path, "mov"), Probe(path, "mov")} {
			i := slices.Index(args, "-protocol_whitelist")
			if args[i+1] != want[0] || args[len(args)-1] != want[1] || args[slices.Index(args, "-f")+1] != "mov" {
				t.Errorf("%q is read by %q", path, args)
			}
		}
	}
	if env := withoutReports([]string{"A=b", "FFREPORT=file=x"}); !slices.Equal(env, []string{"A=b"}) {
		t.Errorf("environment %q", env)
	}
}

// Whatever the program is, its end is told.
func TestEnd(t *testing.T) {
	p, err := Start(context.Background(), "ffmpeg", nil, "", "-version")
	if errors.Is(err, ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(p)
	if _, end := p.End(io.EOF); err != nil || end != nil || !strings.HasPrefix(string(said), "ffmpeg version") {
		t.Errorf("got %q, %v, %v", said, err, end)
	}
	if p, err = Start(context.Background(), "ffmpeg", nil, "", "-no_such_option"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.End(io.EOF); err == nil || !strings.HasPrefix(err.Error(), "ffmpeg: ") {
		t.Errorf("an unknown option: got %v", err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}
