package hub

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const big = "model.safetensors"

// cut sends the first half of what a request asks for, then closes the connection.
func cut(w http.ResponseWriter, r *http.Request, data []byte) {
	from := 0
	if s, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes="); ok {
		from, _ = strconv.Atoi(strings.TrimSuffix(s, "-"))
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(data)-1, len(data)))
	}
	rest := data[from:]
	w.Header().Set("Content-Length", strconv.Itoa(len(rest)))
	if from > 0 {
		w.WriteHeader(206)
	}
	w.Write(rest[:len(rest)/2])
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

// onCDN lets do answer requests of the other host.
func (f *fake) onCDN(do func(w http.ResponseWriter, r *http.Request) bool) {
	host := strings.TrimPrefix(f.cdn.URL, "http://")
	f.on(func(w http.ResponseWriter, r *http.Request) bool { return r.Host == host && do(w, r) })
}

func TestCutConnections(t *testing.T) {
	f := newFake(t)
	data := f.commits[commitA][big]
	var cuts atomic.Int64
	f.onCDN(func(w http.ResponseWriter, r *http.Request) bool {
		if cuts.Add(1) > 9 { // more often than retries: each of them gets something
			return false
		}
		cut(w, r, data)
		return true
	})
	c := f.client(t)
	dir, err := c.Pull(t.Context(), model, only(big))
	if err != nil {
		t.Fatal(err)
	}
	f.holds(t, c, dir, commitA, big)
	if n := f.count("GET cdn /" + etagOf(data) + " bytes=150000-"); n != 1 {
		t.Errorf("not resumed: %v", f.requests())
	}
}

func TestGivesUp(t *testing.T) {
	f := newFake(t)
	f.onCDN(func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) })
	c := f.client(t)
	_, err := c.Pull(t.Context(), model, only(big))
	if err == nil || !strings.Contains(err.Error(), "tried 6 times") || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
	if n := f.count("GET cdn"); n != 6 {
		t.Errorf("tried %d times", n)
	}
	f.hub.Close()
	if _, err := c.Pull(t.Context(), model, nil); err == nil || !strings.Contains(err.Error(), "tried 6 times") {
		t.Errorf("got %v", err)
	}
}

// What an earlier process left is used, whatever it is worth.
func TestResumes(t *testing.T) {
	f := newFake(t)
	data := f.commits[commitA][big]
	for name, c := range map[string]struct {
		left    []byte
		instead func(http.ResponseWriter, *http.Request) bool
		ranges  []string // of the requests
	}{
		"half":    {left: data[:1234], ranges: []string{"bytes=1234-"}},
		"all":     {left: data},
		"bad":     {left: content(700, 99), ranges: []string{"bytes=700-", ""}},
		"too big": {left: content(400_000, 99), ranges: []string{""}},
		"no ranges": {left: data[:50], instead: func(w http.ResponseWriter, r *http.Request) bool {
			r.Header.Del("Range")
			return false
		}, ranges: []string{"bytes=50-"}},
		"416": {left: data[:50], instead: func(w http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("Range") != "" {
				w.WriteHeader(416)
			}
			return r.Header.Get("Range") != ""
		}, ranges: []string{"bytes=50-", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			f.forget()
			f.onCDN(func(w http.ResponseWriter, r *http.Request) bool { return c.instead != nil && c.instead(w, r) })
			client := f.client(t)
			blobs := filepath.Join(client.Cache, "models--org--model", "blobs")
			if err := os.MkdirAll(blobs, 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(blobs, etagOf(data)+".incomplete"), c.left, 0o666); err != nil {
				t.Fatal(err)
			}
			dir, err := client.Pull(t.Context(), model, only(big))
			if err != nil {
				t.Fatal(err)
			}
			f.holds(t, client, dir, commitA, big)
			var ranges []string
			for _, line := range f.requests() {
				if rest, ok := strings.CutPrefix(line, "GET cdn /"+etagOf(data)); ok {
					ranges = append(ranges, strings.TrimSpace(rest))
				}
			}
			if !slices.Equal(ranges, c.ranges) {
				t.Errorf("asked for %q, want %q", ranges, c.ranges)
			}
			if left := leftovers(t, client); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestWrongContents(t *testing.T) {
	f := newFake(t)
	data := f.commits[commitA][big]
	for name, c := range map[string]struct {
		send []byte
		want string
	}{
		"flipped": {append(slices.Clone(data[:len(data)-1]), ^data[len(data)-1]), "expected hash " + etagOf(data)},
		"longer":  {append(slices.Clone(data), 1), "expected 300000 bytes, got a file of 300001"},
		"shorter": {data[:1000], "expected 300000 bytes, got a file of 1000"},
	} {
		t.Run(name, func(t *testing.T) {
			f.onCDN(func(w http.ResponseWriter, r *http.Request) bool {
				http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(c.send))
				return true
			})
			client := f.client(t)
			_, err := client.Pull(t.Context(), model, only(big))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want something with %q", err, c.want)
			}
			if _, ok := client.Find(model); ok {
				t.Error("a snapshot is there")
			}
			if m, _ := filepath.Glob(filepath.Join(client.Cache, "models--org--model", "blobs", "*")); slices.ContainsFunc(m, func(s string) bool { return !strings.HasSuffix(s, partial) }) {
				t.Errorf("a blob is there: %v", m)
			}
			f.on(nil)
			if dir, err := client.Pull(t.Context(), model, only(big)); err != nil {
				t.Error("once the server is well again:", err)
			} else {
				f.holds(t, client, dir, commitA, big)
			}
		})
	}
	// Small files are checked too.
	f.on(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "config.json") {
			w.Write([]byte(`{"a":9}`))
		}
		return strings.HasSuffix(r.URL.Path, "config.json")
	})
	if _, err := f.client(t).Pull(t.Context(), model, only("config.json")); err == nil || !strings.Contains(err.Error(), "expected hash") {
		t.Errorf("got %v", err)
	}
}

func TestBusyServer(t *testing.T) {
	f := newFake(t)
	var next atomic.Int64
	answers := []func(http.ResponseWriter){
		func(w http.ResponseWriter) { w.Header().Set("Retry-After", "7"); w.WriteHeader(429) },
		func(w http.ResponseWriter) { w.Header().Set("RateLimit", `"api";r=0;t=55`); w.WriteHeader(429) },
		func(w http.ResponseWriter) { w.WriteHeader(503) },
		func(w http.ResponseWriter) { w.WriteHeader(500) },
		func(w http.ResponseWriter) { w.Header().Set("Retry-After", "99999"); w.WriteHeader(503) },
	}
	f.on(func(w http.ResponseWriter, r *http.Request) bool {
		i := int(next.Add(1)) - 1
		if i < len(answers) {
			answers[i](w)
		}
		return i < len(answers)
	})
	c := f.client(t)
	var waits []time.Duration
	c.wait = func(_ context.Context, d time.Duration) error { waits = append(waits, d); return nil }
	var notes []string
	c.Progress = func(e Event) {
		if e.Note != "" {
			notes = append(notes, e.Note)
		}
	}
	dir, err := c.Pull(t.Context(), model, only("config.json"))
	if err != nil {
		t.Fatal(err)
	}
	f.holds(t, c, dir, commitA, "config.json")
	if len(waits) != 5 || waits[0] != 7*time.Second || waits[1] != 55*time.Second || waits[2] < 2*time.Second || waits[2] >= 3*time.Second ||
		waits[3] < waits[2] || waits[4] != longestAsked {
		t.Errorf("waited %v", waits)
	}
	if len(notes) != 5 || !strings.Contains(notes[0], "429") || !strings.Contains(notes[0], "trying again in 7s") {
		t.Errorf("told %q", notes)
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if d := retryAfter(http.Header{"Retry-After": {"Fri, 02 Jan 2026 03:04:35 GMT"}}, at); d != 30*time.Second {
		t.Errorf("a date gives %v", d)
	}
}

// A signed address that ran out is got afresh.
func TestExpiredAddress(t *testing.T) {
	f := newFake(t)
	var n atomic.Int64
	f.onCDN(func(w http.ResponseWriter, r *http.Request) bool {
		if n.Add(1) > 1 {
			return false
		}
		w.WriteHeader(403)
		return true
	})
	if _, err := f.client(t).Pull(t.Context(), model, only(big)); err != nil || f.count("GET hub /org/model/resolve") != 2 {
		t.Errorf("got %v after %v", err, f.requests())
	}
}

// slowly sends some of the file, then nothing until the client leaves.
func slowly(w http.ResponseWriter, r *http.Request, data []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.Write(data[:100_000])
	w.(http.Flusher).Flush()
	<-r.Context().Done()
}

func TestCancel(t *testing.T) {
	f := newFake(t)
	data := f.commits[commitA][big]
	f.onCDN(func(w http.ResponseWriter, r *http.Request) bool { slowly(w, r, data); return true })
	c := f.client(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c.Progress = func(e Event) {
		if e.File == big {
			time.AfterFunc(300*time.Millisecond, cancel)
		}
	}
	start := time.Now()
	if _, err := c.Pull(ctx, model, only(big)); !errors.Is(err, context.Canceled) || time.Since(start) > 10*time.Second {
		t.Fatalf("got %v after %v", err, time.Since(start))
	}
	part := filepath.Join(c.Cache, "models--org--model", "blobs", etagOf(data)+partial)
	if info, err := os.Stat(part); err != nil || info.Size() != 100_000 {
		t.Fatalf("what came is lost: %v, %v", info, err)
	}
	f.on(nil)
	c.Progress = nil
	dir, err := c.Pull(t.Context(), model, only(big))
	if err != nil {
		t.Fatal(err)
	}
	f.holds(t, c, dir, commitA, big)
	if f.count("GET cdn /"+etagOf(data)+" bytes=100000-") != 1 {
		t.Errorf("not resumed: %v", f.requests())
	}
}

func TestSilence(t *testing.T) {
	f := newFake(t)
	data := f.commits[commitA][big]
	var n atomic.Int64
	f.onCDN(func(w http.ResponseWriter, r *http.Request) bool {
		if n.Add(1) > 1 {
			return false
		}
		slowly(w, r, data)
		return true
	})
	c := f.client(t)
	c.stall = 200 * time.Millisecond
	dir, err := c.Pull(t.Context(), model, only(big))
	if err != nil {
		t.Fatal(err)
	}
	f.holds(t, c, dir, commitA, big)
	f.on(func(w http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true })
	c.stall = 20 * time.Millisecond
	if _, err := c.Pull(t.Context(), model, nil); err == nil || !strings.Contains(err.Error(), "fell silent for 20ms") {
		t.Errorf("got %v", err)
	}
}

// A tight file has room for so many bytes.
type tight struct {
	*os.File
	room *int
}

func (f tight) Write(b []byte) (int, error) {
	n := min(len(b), *f.room)
	*f.room -= n
	if n, err := f.File.Write(b[:n]); err != nil {
		return n, err
	}
	if n < len(b) {
		return n, &os.PathError{Op: "write", Path: f.Name(), Err: syscall.ENOSPC}
	}
	return n, nil
}

func TestDiskFull(t *testing.T) {
	f := newFake(t)
	c := f.client(t)
	room := 123_456
	c.create = func(path string) (partFile, error) {
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
		return tight{file, &room}, err
	}
	_, err := c.Pull(t.Context(), model, only(big))
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "expected room for 176544 more bytes") {
		t.Fatalf("got %v", err)
	}
	if _, ok := c.Find(model); ok || f.count("GET cdn") != 1 {
		t.Errorf("a full disk was tried again: %v", f.requests())
	}
	c.create = nil
	dir, err := c.Pull(t.Context(), model, only(big))
	if err != nil {
		t.Fatal(err)
	}
	f.holds(t, c, dir, commitA, big)
	if f.count("GET cdn /"+etagOf(f.commits[commitA][big])+" bytes=123456-") != 1 {
		t.Errorf("not resumed: %v", f.requests())
	}
	if free, known := FreeSpace(c.Cache); known {
		c := f.client(t)
		f.onCDN(func(http.ResponseWriter, *http.Request) bool { t.Error("it was asked for"); return false })
		huge, tally := remote{big, free + 1<<40, "x"}, newTally(nil)
		tally.expect([]remote{huge})
		err := c.download(t.Context(), model, commitA, huge, filepath.Join(c.Cache, "x"), filepath.Join(c.Cache, "x"+partial), tally)
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("got %v", err)
		}
	}
}

// Files are fetched side by side, and the first failure stops the others.
func TestSideBySide(t *testing.T) {
	f := newFake(t)
	files := map[string][]byte{}
	for i := range 20 {
		files[fmt.Sprintf("f%02d", i)] = content(2000, byte(i))
	}
	f.commits[commitA] = files
	var now, most atomic.Int64
	f.onCDN(func(w http.ResponseWriter, r *http.Request) bool {
		most.Store(max(most.Load(), now.Add(1)))
		time.Sleep(10 * time.Millisecond)
		now.Add(-1)
		return false
	})
	c := f.client(t)
	dir, err := c.Pull(t.Context(), model, nil)
	if err != nil {
		t.Fatal(err)
	}
	f.holds(t, c, dir, commitA)
	if most.Load() < 2 || most.Load() > streams {
		t.Errorf("%d at a time", most.Load())
	}
	f.on(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "f03") {
			w.Header().Set("X-Error-Code", "GatedRepo")
			w.WriteHeader(403)
			return true
		}
		if r.Host == strings.TrimPrefix(f.cdn.URL, "http://") {
			<-r.Context().Done()
			return true
		}
		return false
	})
	if _, err := f.client(t).Pull(t.Context(), model, nil); !errors.Is(err, ErrUnauthorized) || !strings.Contains(err.Error(), "f03") {
		t.Errorf("got %v", err)
	}
}

func TestInfoTooLarge(t *testing.T) {
	if testing.Short() {
		t.Skip("sends 64 MB")
	}
	f := newFake(t)
	f.on(func(w http.ResponseWriter, r *http.Request) bool {
		io.CopyN(w, zeros{}, largestInfo+10)
		return true
	})
	if _, err := f.client(t).Pull(t.Context(), model, nil); err == nil || !strings.Contains(err.Error(), "at most") {
		t.Errorf("got %v", err)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }
