// Load starts chiasm serve on a library and asks it from several clients at once while folders change and are indexed again, and reports
// throughput, latencies, memory over time, and every answer that was lost or wrong.
//
//	go run ./tools/load [-chiasm bin/chiasm] [-time 10m] [-clients 4] [-files 2000]
//
// It talks to that server alone, on the loopback address, and ends by itself.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

func main() {
	o := options{}
	flag.StringVar(&o.chiasm, "chiasm", filepath.Join("bin", "chiasm"), "the program")
	flag.DurationVar(&o.time, "time", 10*time.Minute, "how long, at most an hour")
	flag.IntVar(&o.clients, "clients", 4, "how many ask at once")
	flag.IntVar(&o.files, "files", 2000, "how many pictures there are at first")
	flag.IntVar(&o.batch, "batch", 100, "how many are added and removed before each run of indexing")
	flag.StringVar(&o.sources, "sources", filepath.Join("examples", "collection", "pictures"), "pictures that those are made of")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

type options struct {
	chiasm, sources       string
	time                  time.Duration
	clients, files, batch int
}

func run(ctx context.Context, o options) error {
	if o.time > time.Hour {
		return errors.New("-time: want at most an hour")
	}
	dir, err := os.MkdirTemp("", "chiasm-load-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	f := &folder{dir: filepath.Join(dir, "pictures"), r: rand.New(rand.NewPCG(1, 2))}
	if err := f.open(o.sources); err != nil {
		return err
	}
	if err := f.add(o.files); err != nil {
		return err
	}
	library := filepath.Join(dir, "library")
	if out, err := exec.CommandContext(ctx, o.chiasm, "index", "--library", library, f.dir).CombinedOutput(); err != nil {
		return fmt.Errorf("chiasm index: %w: %s", err, out)
	}
	server, url, err := serve(ctx, o.chiasm, library)
	if err != nil {
		return err
	}
	defer server.Wait()
	defer server.Process.Signal(syscall.SIGINT)
	ctx, cancel := context.WithTimeout(ctx, o.time)
	defer cancel()
	l := &load{url: url, pid: server.Process.Pid}
	return l.run(ctx, o, f)
}

// serve starts the server and waits until it says where it is.
func serve(ctx context.Context, program, library string) (*exec.Cmd, string, error) {
	cmd := exec.CommandContext(ctx, program, "serve", "--library", library, "--addr", "127.0.0.1:0", "--log", "off")
	stderr, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, "", err
	}
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		if url, ok := strings.CutPrefix(lines.Text(), "chiasm: "); ok && strings.HasPrefix(url, "http://127.0.0.1:") {
			go func() {
				for lines.Scan() {
					fmt.Fprintln(os.Stderr, lines.Text())
				}
			}()
			return cmd, url, nil
		}
		fmt.Fprintln(os.Stderr, lines.Text())
	}
	return nil, "", fmt.Errorf("the server ended: %w", cmd.Wait())
}
