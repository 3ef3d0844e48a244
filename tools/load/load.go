package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// questions are asked in turn; the first has to find the picture that stays.
var questions = []string{question, "a cup of coffee", "猫", "mountains", "type:image 熊猫", "a palace -tower", "2:fish goldfish", "", "date", "日落"}

// A load is what is known of a server that is asked.
type load struct {
	url string
	pid int

	mu     sync.Mutex
	took   []time.Duration // of this minute
	all    []time.Duration
	faults map[string]int
	runs   int
	files  int // that came and were looked at by the runs
	memory []float64
}

type searchAnswer struct {
	Data []struct {
		Path string `json:"path"`
	} `json:"data"`
	Files int `json:"files"`
}

// run asks until the time is over, and reports.
func (l *load) run(ctx context.Context, o options, f *folder) error {
	l.faults = map[string]int{}
	start := time.Now()
	var all sync.WaitGroup
	for i := range o.clients {
		all.Go(func() { l.client(ctx, i) })
	}
	all.Go(func() { l.index(ctx, o, f) })
	fmt.Println("| minute | answers a second | p50 ms | p99 ms | memory MB | runs of indexing | files | faults |")
	fmt.Println("|---|---|---|---|---|---|---|---|")
	every := min(time.Minute, o.time)
	for minute := 1; ctx.Err() == nil; minute++ {
		l.minute(ctx, minute, every)
	}
	all.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.Sort(l.all)
	fmt.Printf("\nIn %v %d clients got %d answers, %.1f a second: p50 %.1f ms, p99 %.1f ms, most %.1f ms; %d runs took in %d files meanwhile.\n", time.Since(start).Round(time.Second),
		o.clients, len(l.all), float64(len(l.all))/time.Since(start).Seconds(), quantile(l.all, 0.5), quantile(l.all, 0.99), quantile(l.all, 1), l.runs, l.files)
	if n := len(l.memory); n > 3 {
		fmt.Printf("Memory: %.0f MB in the second minute, %.0f MB in the last.\n", l.memory[1], l.memory[n-1])
	}
	if len(l.faults) > 0 {
		return fmt.Errorf("answers were lost or wrong: %v", l.faults)
	}
	fmt.Println("No answer was lost or wrong.")
	return nil
}

// client asks one question after the other.
func (l *load) client(ctx context.Context, number int) {
	for n := number; ctx.Err() == nil; n++ {
		q := questions[n%len(questions)]
		start := time.Now()
		var a searchAnswer
		err := l.call(ctx, "GET", "/v1/search?limit=20&strictness=0&q="+url.QueryEscape(q), &a)
		took := time.Since(start)
		if ctx.Err() != nil {
			return
		}
		switch {
		case err != nil:
			l.fault(err.Error())
		case q == question && (len(a.Data) != 1 || filepath.Base(a.Data[0].Path) != pinned):
			l.fault("the picture that stays was not found")
		case len(a.Data) == 0:
			l.fault("nothing was found: " + q)
		}
		l.mu.Lock()
		l.took, l.all = append(l.took, took), append(l.all, took)
		l.mu.Unlock()
	}
}

// index changes the folder, has it indexed, waits until that is done, and so on.
func (l *load) index(ctx context.Context, o options, f *folder) {
	for ctx.Err() == nil {
		if err := f.change(o.batch); err != nil {
			l.fault(err.Error())
			return
		}
		var job struct {
			ID      int    `json:"id"`
			State   string `json:"state"`
			Error   string `json:"error"`
			Summary *struct{ Failed int }
		}
		err := l.call(ctx, "POST", "/v1/jobs", &job)
		for err == nil && job.State == "running" && ctx.Err() == nil {
			time.Sleep(100 * time.Millisecond)
			err = l.call(ctx, "GET", fmt.Sprintf("/v1/jobs/%d", job.ID), &job)
		}
		if ctx.Err() != nil {
			return
		}
		if err != nil || job.State != "done" || job.Summary == nil || job.Summary.Failed != 0 {
			l.fault(fmt.Sprintf("a run ended as %+v: %v", job, err))
			continue
		}
		l.known(ctx, f.there[len(f.there)-1], 1)
		l.known(ctx, f.gone, 0)
		l.mu.Lock()
		l.runs++
		l.files += o.batch
		l.mu.Unlock()
	}
}

// known checks that a file is found, or is not, after a run.
func (l *load) known(ctx context.Context, name string, want int) {
	var a searchAnswer
	err := l.call(ctx, "GET", "/v1/search?strictness=0&q="+url.QueryEscape("path:"+name), &a)
	if ctx.Err() == nil && (err != nil || len(a.Data) != want) {
		l.fault(fmt.Sprintf("after a run %s is found %d times, want %d: %v", name, len(a.Data), want, err))
	}
}

func (l *load) call(ctx context.Context, method, path string, into any) error {
	var body io.Reader
	if method == "POST" {
		body = bytes.NewReader([]byte("{}"))
	}
	r, err := http.NewRequestWithContext(ctx, method, l.url+path, body)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("%s: %s", answer.Status, data)
	}
	return json.Unmarshal(data, into)
}

func (l *load) fault(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults[what]++
}

// minute waits that long and writes a line.
func (l *load) minute(ctx context.Context, number int, every time.Duration) {
	start := time.Now()
	select {
	case <-ctx.Done():
	case <-time.After(every):
	}
	memory, err := resident(l.pid)
	if err != nil && ctx.Err() == nil {
		l.fault(err.Error())
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if took := time.Since(start); took < every/2 {
		return
	}
	l.memory = append(l.memory, memory)
	slices.Sort(l.took)
	faults := 0
	for _, n := range l.faults {
		faults += n
	}
	fmt.Printf("| %d | %.1f | %.1f | %.1f | %.0f | %d | %d | %d |\n", number, float64(len(l.took))/time.Since(start).Seconds(), quantile(l.took, 0.5), quantile(l.took, 0.99), memory, l.runs, l.files, faults)
	l.took = l.took[:0]
}

// quantile is of sorted times, in milliseconds.
func quantile(sorted []time.Duration, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[min(len(sorted)-1, int(q*float64(len(sorted))))].Microseconds()) / 1e3
}

// resident is the memory of a process in MB, without what it maps of files.
func resident(pid int) (float64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(data)) {
		var kilobytes float64
		if n, _ := fmt.Sscanf(line, "RssAnon: %f kB", &kilobytes); n == 1 {
			return kilobytes / 1e3, nil
		}
	}
	return 0, fmt.Errorf("/proc/%d/status says nothing of RssAnon", pid)
}
