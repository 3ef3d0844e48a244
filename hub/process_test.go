package hub

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test binary be the second process.
func TestMain(m *testing.M) {
	if cache := os.Getenv("HUB_TEST_CACHE"); cache != "" {
		c := &Client{Endpoint: os.Getenv("HUB_TEST_ENDPOINT"), Cache: cache}
		dir, err := c.Pull(context.Background(), model, nil)
		if err != nil {
			os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
		os.Stdout.WriteString(dir)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func pull(t *testing.T, c *Client) string {
	dir, err := c.Pull(t.Context(), model, nil)
	if err != nil {
		t.Error(err)
	}
	return dir
}

// Several processes, and several goroutines of one, pull the same model at once: each blob is downloaded once.
func TestTogether(t *testing.T) {
	f := newFake(t)
	f.onCDN(func(http.ResponseWriter, *http.Request) bool { time.Sleep(100 * time.Millisecond); return false })
	c := f.client(t)

	var wg sync.WaitGroup
	dirs := make([]string, 4)
	for i := range dirs {
		wg.Go(func() {
			if i%2 == 0 {
				dirs[i] = pull(t, c)
				return
			}
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), "HUB_TEST_CACHE="+c.Cache, "HUB_TEST_ENDPOINT="+f.hub.URL)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if errors.Is(err, syscall.ENOEXEC) { // an emulator runs this test
				out = []byte(pull(t, c))
			} else if err != nil {
				t.Errorf("%v: %s", err, &stderr)
			}
			dirs[i] = string(out)
		})
	}
	wg.Wait()
	want, ok := c.Find(model)
	for _, dir := range dirs {
		if !ok || dir != want {
			t.Errorf("got %q, want %q", dir, want)
		}
	}
	f.holds(t, c, want, commitA)
	for _, data := range f.commits[commitA] {
		if n := f.count("GET cdn /" + etagOf(data)); len(data) >= large && n != 1 {
			t.Errorf("a file of %d bytes was downloaded %d times", len(data), n)
		}
	}
	if left := leftovers(t, c); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A process that is killed in the middle of a file leaves a part and a lock that binds nobody.
func TestKilled(t *testing.T) {
	f := newFake(t)
	data := f.commits[commitA][big]
	came := make(chan bool, 8)
	f.onCDN(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/"+etagOf(data) {
			return false
		}
		came <- true
		slowly(w, r, data)
		return true
	})
	c := f.client(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "HUB_TEST_CACHE="+c.Cache, "HUB_TEST_ENDPOINT="+f.hub.URL)
	if err := cmd.Start(); errors.Is(err, syscall.ENOEXEC) {
		t.Skip("an emulator runs this test, which cannot start a second process")
	} else if err != nil {
		t.Fatal(err)
	}
	<-came
	for range 100 { // until something is on disk
		if left := leftovers(t, c); len(left) > 0 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	time.Sleep(200 * time.Millisecond)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	f.on(nil)
	dir, err := c.Pull(t.Context(), model, nil)
	if err != nil {
		t.Fatal(err)
	}
	f.holds(t, c, dir, commitA)
	if f.count("GET cdn /"+etagOf(data)+" bytes=") != 1 {
		t.Errorf("not resumed: %v", f.requests())
	}
}
