package main

import (
	"bufio"
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chiasm/chiasm/hub"
)

// Progress is for terminals, and for what lasts.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		a := &app{stderr: &out, terminal: true, stdout: bufio.NewWriter(&out)}
		bar := a.progress("embedding", 100, inItems)
		bar.add(10)
		time.Sleep(patience / 2)
		bar.add(10)
		if out.Len() > 0 {
			t.Errorf("shown too early: %q", &out)
		}
		time.Sleep(patience)
		bar.add(10)
		if !strings.Contains(out.String(), "30/100") || !strings.Contains(out.String(), "items/s") || !strings.Contains(out.String(), "[1s:") {
			t.Errorf("got %q", &out)
		}
		a.say("a message")
		if !strings.HasSuffix(out.String(), " \rchiasm: a message\n") {
			t.Errorf("the message does not have its own line: %q", &out)
		}
		a.done(bar)

		out.Reset()
		d := a.downloads()
		for done := range int64(5) {
			d.event(hub.Event{File: "model.safetensors", Done: done * 1e6, Total: 8e6, AllDone: done * 1e6, AllTotal: 10e6})
			time.Sleep(patience)
		}
		if !strings.Contains(out.String(), "model.safetensors") || !strings.Contains(out.String(), "kB/s") || !strings.Contains(out.String(), "/10 MB") || !strings.Contains(out.String(), "[4s:10s]") {
			t.Errorf("a download shows %q", &out)
		}
		d.done()

		out.Reset()
		for _, a := range []*app{{stderr: &out}, {stderr: &out, terminal: true, quiet: true}} {
			bar := a.progress("embedding", 100, inItems)
			time.Sleep(2 * patience)
			bar.add(50)
			a.done(bar)
		}
		if out.Len() > 0 {
			t.Errorf("shown where it must not be: %q", &out)
		}
	})
}

func TestGridFits(t *testing.T) {
	g := &grid{columns: []column{{title: "path", cut: shortenPath}, {title: "n", right: true}, {title: "text", cut: shorten}}}
	g.add("/a/very/long/path/to/a/日本語/picture.png", "12", "👨‍👩‍👧 and more text than there is room for\n")
	g.add("x", "3", "y")
	var out bytes.Buffer
	w := bufio.NewWriter(&out)
	g.write(w, 40)
	w.Flush()
	want := "path                n  text\n…本語/picture.png  12  👨‍👩‍👧 and more text…\nx                   3  y\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain 日本語 👨‍👩‍👧": "plain 日本語 👨‍👩‍👧", "a\x1b[2J\nb\t": `a\x1b[2J\nb\t`, "gnp.\u202eexe": `gnp.\u202eexe`, "caf\xe9": "caf\ufffd",
	} {
		if got := clean(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}
