package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chiasm/chiasm/library"
)

// The server as a process: it says where it is, answers, wants the token that it made, and ends in order on Ctrl-C.
func TestServe(t *testing.T) {
	state := t.TempDir()
	t.Setenv("XDG_DATA_HOME", state)
	for _, c := range []struct {
		args  []string
		token bool
	}{{[]string{"--addr", "127.0.0.1:0"}, false}, {[]string{"--addr", "127.0.0.1:0", "--token-file", filepath.Join(state, "token")}, true}} {
		cmd := program(t, append([]string{"serve", "--log", "off", "clip=" + tiny}, c.args...)...)
		errs, err := cmd.StderrPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(errs)
		var token, url string
		for url == "" && lines.Scan() {
			if _, rest, ok := strings.Cut(lines.Text(), "the token of this server is "); ok {
				token, _, _ = strings.Cut(rest, ";")
			}
			url, _ = strings.CutPrefix(lines.Text(), "chiasm: ")
			if !strings.HasPrefix(url, "http://") {
				url = ""
			}
		}
		if (token != "") != c.token || url == "" {
			t.Fatalf("token %q, address %q", token, url)
		}
		ask := func(token string, status int) {
			t.Helper()
			r, err := http.NewRequest("POST", url+"/v1/embeddings", strings.NewReader(`{"model":"clip","input":"a cat"}`))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+token)
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			if body, _ := io.ReadAll(answer.Body); answer.StatusCode != status {
				t.Errorf("%s %s, want %d", answer.Status, body, status)
			}
		}
		ask(token, 200)
		if c.token {
			ask("wrong", 401)
		}
		for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} { // one request to end, twice
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
		}
		rest, _ := io.ReadAll(errs)
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %s", err, rest)
		}
	}
}

// While a server has the library, index has it do the work, and says what is in the way where it cannot.
func TestIndexWhileServing(t *testing.T) {
	dir, photos := filepath.Join(t.TempDir(), "library"), t.TempDir()
	for i, name := range []string{"a.png", "b.png"} {
		m := image.NewGray(image.Rect(0, 0, 20, 20))
		m.Pix[i] = 255
		var b bytes.Buffer
		if err := errors.Join(png.Encode(&b, m), os.WriteFile(filepath.Join(photos, name), b.Bytes(), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := program(t, "serve", "--log", "off", "--library", dir, "--addr", "127.0.0.1:0", "--token-file", filepath.Join(t.TempDir(), "token"), "clip="+tiny)
	errs, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(errs)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "chiasm: http://") {
	}
	var s library.Summary
	r := runChiasm(t, "", "index", "--library", dir, "--json", "--exclude", "b.*", photos)
	if err := json.Unmarshal([]byte(r.out), &s); err != nil || r.code != 0 || s.Added != 1 || !s.Complete || !strings.Contains(r.err, "does the work") {
		t.Errorf("%+v, %v", r, err)
	}
	runChiasm(t, "", "index", "--library", dir, "--model", tiny).want(t, exitFailure, "its own model")
	runChiasm(t, "", "index", "--library", dir, filepath.Join(dir, "none")).want(t, exitFailure, "does the work", "none")
	runChiasm(t, "", "watch", "--library", dir).want(t, exitFailure, "follows its folders already")
	runChiasm(t, "", "library", "repair", "--library", dir).want(t, exitFailure, "has the library: stop it first")
	interruptHandOver(t, dir)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, errs)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if _, ok := library.Announced(dir); ok {
		t.Error("a server that has ended is still announced")
	}
	l, err := library.Open(dir, library.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Announce(library.Service{URL: "http://127.0.0.1:1", Key: "x"}); err != nil {
		t.Fatal(err)
	}
	runChiasm(t, "", "index", "--library", dir, photos).want(t, exitFailure, "another chiasm") // nobody is there
}

// interruptHandOver stops an index that a server does the work of: the server ends the run.
func interruptHandOver(t *testing.T, dir string) {
	t.Helper()
	photos := t.TempDir()
	var large bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&large, image.NewGray(image.Rect(0, 0, 3000, 3000))); err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		if err := os.WriteFile(filepath.Join(photos, fmt.Sprintf("%d.png", i)), append(large.Bytes(), byte(i)), 0o644); err != nil { // no two are equal
			t.Fatal(err)
		}
	}
	service, ok := library.Announced(dir)
	if !ok {
		t.Fatal("no server is announced")
	}
	last := func() handedJob {
		t.Helper()
		answer, err := handing{service}.ask(t.Context(), "GET", "/v1/jobs", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		var all struct{ Data []handedJob }
		if err := json.NewDecoder(answer.Body).Decode(&all); err != nil || len(all.Data) == 0 {
			t.Fatalf("%v, %+v", err, all)
		}
		return all.Data[len(all.Data)-1]
	}
	before := last().ID
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan result, 1)
	go func() {
		var out, errs bytes.Buffer
		code := run(ctx, []string{"index", "--library", dir, photos}, strings.NewReader(""), &out, &errs)
		ended <- result{code, out.String(), errs.String()}
	}()
	job := last()
	for ; job.ID == before || job.Done == 0; job = last() {
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	if r := <-ended; r.code != exitInterrupted || !strings.Contains(r.err, "the server ends the run") {
		t.Errorf("%+v", r)
	}
	for job = last(); job.State == "running"; job = last() {
		time.Sleep(5 * time.Millisecond)
	}
	if job.State != "stopped" || job.Done == 40 {
		t.Errorf("%+v", job)
	}
}

func TestServeUsage(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	runChiasm(t, "", "serve", "a=", "--addr", "127.0.0.1:0").want(t, exitUsage, "want MODEL or NAME=MODEL")
	runChiasm(t, "", "serve", tiny, tiny).want(t, exitUsage, "two models")
	runChiasm(t, "", "serve", t.TempDir()).want(t, exitFailure, "is not a model")
	runChiasm(t, "", "serve", "./nowhere/at/all").want(t, exitUsage, "no such folder")
	runChiasm(t, "", "serve", tiny, "--concurrent", "0").want(t, exitUsage, "--concurrent 0: want 1")
	runChiasm(t, "", "serve", tiny, "--batch-size", "0").want(t, exitUsage, "--batch-size 0: want 1")
	runChiasm(t, "", "serve", tiny, "--log", "xml").want(t, exitUsage, "want text, json or off")
	runChiasm(t, "", "serve", tiny, "--addr", "nowhere:99999").want(t, exitFailure, "--addr nowhere:99999")
	open := write(t, "token", "a token that is long enough\n")
	runChiasm(t, "", "serve", tiny, "--addr", "127.0.0.1:0", "--token-file", open).want(t, exitFailure, "want mode 0600")
}

func TestVisitable(t *testing.T) {
	for address, want := range map[string]string{"127.0.0.1:7878": "127.0.0.1:7878", "0.0.0.0:7878": "localhost:7878", "[::]:80": "localhost:80", "[::1]:80": "[::1]:80"} {
		if got := visitable(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(address))); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}
