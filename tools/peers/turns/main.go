// Command turns is chiasm's side of the race in what no verb repeats: reading pictures, transcripts, and sharing work among threads.
// It prints one JSON line when it is ready, then measures once for each line on standard input, as tools/peers/worker.py does.
//
//	turns SECONDS decode|apply|preprocess|thumbnail FILE.jpg
//	turns SECONDS resize FILE.jpg FILTER
//	turns SECONDS transcribe SOUND MODEL PRECISION
//	turns SECONDS train TOWER FILE BATCH PRECISION STEPS
//	turns SECONDS fork|goroutines THREADS MICROSECONDS
//	turns SECONDS search FOLDER VECTORS QUERIES BATCH RECALL EVERY
//
// GOMAXPROCS is the number of threads.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/internal/par"
	"github.com/chiasm/chiasm/media/image"
)

// A contender does its work once in run. answer is a sample of what came of it, to compare with a peer's, and note what there is to say of it.
type contender struct {
	run    func()
	answer func() []float64
	note   string
}

// ready is the first line, turn every other.
type (
	ready struct {
		Note   string    `json:"note"`
		Answer []float64 `json:"answer"`
	}
	turn struct {
		Median float64 `json:"ms_median"`
		Mean   float64 `json:"ms_mean"`
		Min    float64 `json:"ms_min"`
		P99    float64 `json:"ms_p99"`
		Runs   int     `json:"runs"`
		Peak   float64 `json:"peak_mb,omitempty"` // the most memory that the process has had
	}
)

func main() {
	if err := race(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "turns:", err)
		os.Exit(1)
	}
}

func race(args []string) error {
	if len(args) < 3 {
		return fmt.Errorf("want seconds, what to do and with what, got %q", args)
	}
	seconds, err := strconv.ParseFloat(args[0], 64)
	if err != nil {
		return err
	}
	contend := picture
	switch args[1] {
	case "fork", "goroutines":
		contend = forks
	case "transcribe":
		contend = speech
	case "train":
		contend = learning
	case "search":
		contend = searching
	}
	c, err := contend(args[1], args[2:])
	if err != nil {
		return err
	}
	c.run()
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(ready{kernel.Tier().String() + c.note, c.answer()}); err != nil {
		return err
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if err := out.Encode(measure(c.run, seconds)); err != nil {
			return err
		}
	}
	return nil
}

// peak is the VmHWM of Linux in MB, 0 elsewhere.
func peak() (mb float64) {
	data, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(data)) {
		fmt.Sscanf(line, "VmHWM: %f kB", &mb)
	}
	return mb / 1e3
}

func measure(run func(), seconds float64) turn {
	run()
	var ms []float64
	for begin := time.Now(); len(ms) == 0 || time.Since(begin).Seconds() < seconds && len(ms) < 100000; {
		start := time.Now()
		run()
		ms = append(ms, time.Since(start).Seconds()*1e3)
	}
	slices.Sort(ms)
	sum := 0.0
	for _, t := range ms {
		sum += t
	}
	return turn{ms[len(ms)/2], sum / float64(len(ms)), ms[0], ms[99*(len(ms)-1)/100], len(ms) + 1, peak()}
}

func picture(verb string, args []string) (c contender, err error) {
	data, err := os.ReadFile(args[0])
	if err != nil {
		return c, err
	}
	processor, err := image.ParseProcessor([]byte("{}")) // CLIP's
	if err != nil {
		return c, err
	}
	var options image.Options
	if verb == "thumbnail" { // exact but for this
		options.Shrink = processor
	}
	if _, err := image.Read(bytes.NewReader(data), &options); err != nil {
		return c, err
	}
	read := func() *image.RGB {
		img, err := image.Read(bytes.NewReader(data), &options)
		if err != nil {
			panic(err) // it was read before
		}
		return img
	}
	img, tensor := read(), make([]float32, 3*224*224)
	ofTensor := func() []float64 { return sample(tensor, 499) }
	switch verb {
	case "decode":
		return contender{func() { img = read() }, func() []float64 { return sample(img.Pix, 49999) }, ""}, nil
	case "apply":
		return contender{func() { processor.Apply(tensor, img) }, ofTensor, ""}, nil
	case "preprocess", "thumbnail":
		return contender{func() { processor.Apply(tensor, read()) }, ofTensor, ""}, nil
	case "resize":
		for _, f := range []image.Filter{image.Nearest, image.Box, image.Bilinear, image.Hamming, image.Bicubic, image.Lanczos} {
			if len(args) == 2 && f.String() == args[1] {
				var small *image.RGB
				return contender{func() { small = image.Resize(img, 298, 224, f) }, func() []float64 { return sample(small.Pix, 499) }, ""}, nil
			}
		}
		return c, fmt.Errorf("no such filter: %q", args[1:])
	}
	return c, fmt.Errorf("no such work: %q", verb)
}

// speech is the transcript of a sound in English: speech is found, windows are heard together, five hypotheses followed, no temperature tried but 0.
func speech(_ string, args []string) (c contender, err error) {
	if len(args) != 3 {
		return c, fmt.Errorf("want a sound, a model and a precision, got %q", args)
	}
	ctx := context.Background()
	m, err := chiasm.Open(ctx, args[1], &chiasm.Options{Precision: args[2], Cache: "off"})
	if err != nil {
		return c, err
	}
	options := chiasm.TranscribeDefaults()
	options.Language, options.Temperatures = "en", []float32{0}
	write := func() *chiasm.Transcript {
		t, err := m.TranscribeFile(ctx, args[0], &options)
		if err != nil {
			panic(err) // the first did not fail
		}
		return t
	}
	t, err := m.TranscribeFile(ctx, args[0], &options)
	if err != nil {
		return c, err
	}
	var text strings.Builder
	for _, s := range t.Segments {
		text.WriteString(s.Text)
	}
	return contender{func() { write() }, func() []float64 { return nil }, fmt.Sprintf(", %d segments, %d letters", len(t.Segments), text.Len())}, nil
}

// sample takes every step-th value.
func sample[T byte | float32](x []T, step int) (s []float64) {
	for i := 0; i < len(x); i += step {
		s = append(s, float64(x[i]))
	}
	return s
}

// chunks is how many parts shared work has, the same in forks.c.
const chunks = 8

// spinner is work that takes a certain time and touches no memory.
type spinner struct{ steps int }

func (s spinner) Run(int) {
	x := 1.0
	for range s.steps {
		x = x*0.999 + 0.001
	}
	if x < 0 {
		panic("turns: a positive number became negative")
	}
}

// forks shares so many microseconds of work among threads.
func forks(verb string, args []string) (c contender, err error) {
	if len(args) != 2 {
		return c, fmt.Errorf("want threads and microseconds, got %q", args)
	}
	threads, err := strconv.Atoi(args[0])
	if err != nil {
		return c, err
	}
	micros, err := strconv.ParseFloat(args[1], 64)
	if err != nil {
		return c, err
	}
	million := time.Hour
	for range 20 {
		start := time.Now()
		spinner{1e6}.Run(0)
		million = min(million, time.Since(start))
	}
	work := spinner{int(micros * 1e3 * 1e6 / float64(million.Nanoseconds()) / chunks)}
	none := func() []float64 { return nil }
	if verb == "fork" {
		var task par.Task = work
		return contender{func() { par.Do(task, chunks, threads) }, none, ""}, nil
	}
	return contender{func() {
		var wg sync.WaitGroup
		for t := range threads {
			wg.Go(func() {
				for i := t; i < chunks; i += threads {
					work.Run(i)
				}
			})
		}
		wg.Wait()
	}, none, ""}, nil
}
