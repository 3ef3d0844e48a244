package main

import (
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// patience is how long something may last before its progress is shown.
const patience = time.Second

// A progress is a bar on stderr with rate and remaining time. A nil one does nothing. It is safe for concurrent use.
type progress struct {
	mu  sync.Mutex
	bar *progressbar.ProgressBar
}

// late drops what is written before its time, so that nothing flashes by for short work.
type late struct {
	w    io.Writer
	from time.Time
}

func (l late) Write(b []byte) (int, error) {
	if time.Now().Before(l.from) {
		return len(b), nil
	}
	return l.w.Write(b)
}

// The units of progress.
const (
	inItems   = "items"
	inBytes   = "bytes"
	inSeconds = "s" // of sound
	inSteps   = "steps"
)

// progress starts a bar for total things of a unit; total is -1 while it is unknown. It is nil where none may be shown.
func (a *app) progress(what string, total int64, unit string) *progress {
	if !a.terminal || a.quiet {
		return nil
	}
	options := []progressbar.Option{
		progressbar.OptionSetWriter(late{a.stderr, time.Now().Add(patience)}), progressbar.OptionSetDescription(what),
		progressbar.OptionSetWidth(24), progressbar.OptionThrottle(100 * time.Millisecond), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetSpinnerChangeInterval(0), // a goroutine that would outlive the bar
		progressbar.OptionSetPredictTime(true), progressbar.OptionShowCount(), progressbar.OptionSetElapsedTime(true),
	}
	if unit == inBytes {
		options = append(options, progressbar.OptionShowBytes(true))
	} else {
		options = append(options, progressbar.OptionShowIts(), progressbar.OptionSetItsString(unit))
	}
	a.bar = &progress{bar: progressbar.NewOptions64(total, options...)}
	return a.bar
}

// add counts n more as done.
func (p *progress) add(n int) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bar.Add(n) // an error would be stderr's, where there is nothing to say it on
}

// set says what is being worked on and how far it is.
func (p *progress) set(what string, done, total int64) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bar.Describe(shortenPath(what, 30))
	p.bar.ChangeMax64(total)
	p.bar.Set64(done)
}

// tell says how the work is going, in place of what it is, and how far it is.
func (p *progress) tell(message string, done int64) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bar.Describe(message)
	p.bar.Set64(done)
}

// pulse keeps the time running on a bar of work that cannot be counted, until stop is called.
func (p *progress) pulse() (stop func()) {
	if p == nil {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(patience / 5)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				p.add(0)
			}
		}
	}()
	return sync.OnceFunc(func() { close(done) })
}

// clear makes room for a line on stderr.
func (p *progress) clear() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bar.Clear()
}

// done takes the bar off the screen for good.
func (a *app) done(p *progress) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bar.Clear()
	a.bar = nil
}
