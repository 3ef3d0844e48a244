package main

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/tensor"
)

// measure runs w for about so many seconds, with the processor's peak before, between and after, and gives medians.
func (w *workload) measure(ctx context.Context, seconds float64) (measurement, error) {
	once := func() (time.Duration, error) {
		w.pass.Reset(ctx)
		start := time.Now()
		err := w.run(w.pass)
		if err == nil {
			err = ctx.Err()
		}
		return time.Since(start), err
	}
	const warm = 2
	for range warm {
		if _, err := once(); err != nil {
			return measurement{}, err
		}
	}
	var times, peaks []float64
	var sum float64
	begin := time.Now()
	for next := begin; time.Since(begin).Seconds() < seconds || len(times) < 3; {
		if !time.Now().Before(next) {
			peaks = append(peaks, peak(w.format, w.Threads))
			next = time.Now().Add(time.Duration(seconds / 6 * float64(time.Second)))
		}
		t, err := once()
		if err != nil {
			return measurement{}, err
		}
		times = append(times, t.Seconds()*1e3)
		sum += t.Seconds() * 1e3
	}
	peaks = append(peaks, peak(w.format, w.Threads))
	m := w.measurement
	m.Precision, m.Path = w.format.String(), kernel.Path(w.format).String()
	m.MSMedian, m.MSMin, m.Peak, m.Runs = median(times), slices.Min(times), median(peaks), warm+len(times)
	m.MSMean = sum / float64(len(times))
	m.GFLOPS = w.flop / m.MSMedian / 1e6
	m.Fraction = m.GFLOPS / m.Peak
	return m, nil
}

func median(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}

// peak is the operations that threads cores do together in a register loop of a format, in GFLOP/s.
func peak(f tensor.Format, threads int) float64 {
	return onCores(threads, func(int) float64 { return kernel.Peak(f) / 1e9 })
}

// peakRead is the bandwidth of the memory for threads cores together, in GB/s.
func peakRead(threads int) float64 {
	x := make([]float32, 64<<20)
	clear(x) // takes the memory from the system
	n := len(x) / threads
	return onCores(threads, func(i int) float64 { return kernel.ReadBandwidth(x[i*n:(i+1)*n]) / 1e9 })
}

// onCores sums what f gives on as many threads at once.
func onCores(threads int, f func(i int) float64) (sum float64) {
	rates := make([]float64, threads)
	var wg sync.WaitGroup
	for i := range rates {
		wg.Go(func() { rates[i] = f(i) })
	}
	wg.Wait()
	for _, r := range rates {
		sum += r
	}
	return sum
}
