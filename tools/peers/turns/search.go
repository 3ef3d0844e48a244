package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/chiasm/chiasm/index"
)

const (
	searchDimension = 512
	searchK         = 10
)

// A built is what is written beside an index about how it was made.
type built struct {
	Seconds   float64 `json:"build_s"`
	Processor float64 `json:"build_cpu_s"`
}

// searching is the contender that looks for the nearest vectors: search FOLDER VECTORS QUERIES BATCH RECALL EVERY. The index is made in the folder if it is not there.
// EVERY is 0, or lets only ids through that are a multiple of it.
func searching(_ string, args []string) (c contender, err error) {
	if len(args) != 6 {
		return c, fmt.Errorf("want a folder, vectors, queries, a batch, a recall and a filter, got %q", args)
	}
	batch, err := strconv.Atoi(args[3])
	if err != nil {
		return c, err
	}
	recall, err := strconv.ParseFloat(args[4], 64)
	if err != nil {
		return c, err
	}
	every, err := strconv.ParseUint(args[5], 10, 64)
	if err != nil {
		return c, err
	}
	if err := buildIndex(args[0], args[1]); err != nil {
		return c, err
	}
	queries, err := floats(args[2])
	if err != nil {
		return c, err
	}
	start := time.Now()
	x, err := index.Open(args[0], index.Options{})
	if err != nil {
		return c, err
	}
	opening := time.Since(start)
	var filter index.Filter
	if every > 0 {
		filter = multiples(every, x.Len())
	}
	at := 0
	next := func() []index.Query {
		asked := make([]index.Query, batch)
		for i := range asked {
			asked[i] = index.Query{Vector: queries[at*searchDimension : (at+1)*searchDimension], K: searchK, Recall: recall, Filter: filter}
			at = (at + 1) % (len(queries) / searchDimension)
		}
		return asked
	}
	find := func() [][]index.Hit {
		hits, err := x.SearchAll(context.Background(), next())
		if err != nil {
			panic(err) // there is no reason
		}
		return hits
	}
	answer := func() (ids []float64) { // of all queries, so that the referee sees whether they are right
		at = 0
		for range len(queries) / searchDimension / batch {
			for _, hits := range find() {
				for _, h := range hits {
					ids = append(ids, float64(h.ID))
				}
			}
		}
		return ids
	}
	text, _ := os.ReadFile(args[0] + ".json")
	var b built
	_ = json.Unmarshal(text, &b) // zeros, if somebody else made it
	note := fmt.Sprintf(" opened in %.1f ms; made in %.0f s, %.0f s of processor time", opening.Seconds()*1e3, b.Seconds, b.Processor)
	return contender{func() { find() }, answer, note}, nil
}

// A set is ids as bits.
type set []uint64

// multiples is the ids below n that are a multiple of another number.
func multiples(every uint64, n int) set {
	s := make(set, n/64+1)
	for id := uint64(0); id < uint64(n); id += every {
		s[id/64] |= 1 << (id % 64)
	}
	return s
}

// Keep clears the bits of ids that are not in the set.
func (s set) Keep(mask, ids []uint64) {
	for i := range mask {
		var in uint64
		some := ids[64*i : min(64*i+64, len(ids))]
		for _, id := range some { // from the top down, by shifts of a constant
			in = in>>1 | s[id/64]>>(id%64)<<63
		}
		mask[i] &= in >> (64 - len(some))
	}
}

// buildIndex makes the index of the vectors in a file, by their numbers, unless it is there.
func buildIndex(folder, file string) error {
	if _, err := os.Stat(folder + ".json"); err == nil {
		return nil
	}
	part := folder + ".part"
	if err := os.RemoveAll(part); err != nil {
		return err
	}
	vectors, err := floats(file)
	if err != nil {
		return err
	}
	start, before := time.Now(), processor()
	x, err := index.Open(part, index.Options{Dimension: searchDimension})
	if err != nil {
		return err
	}
	const rows = 8192
	n := len(vectors) / searchDimension
	for first := 0; first < n; first += rows {
		last := min(first+rows, n)
		ids := make([]uint64, last-first)
		for i := range ids {
			ids[i] = uint64(first + i)
		}
		if err := x.Append(ids, vectors[first*searchDimension:last*searchDimension]); err != nil {
			return err
		}
	}
	if err := x.Sync(); err != nil {
		return err
	}
	if err := x.Compact(context.Background()); err != nil {
		return err
	}
	if err := x.Close(); err != nil {
		return err
	}
	if err := os.Rename(part, folder); err != nil {
		return err
	}
	text, err := json.Marshal(built{time.Since(start).Seconds(), processor() - before})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Clean(folder)+".json", text, 0o644)
}

// processor is the processor time of this process in seconds.
func processor() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return math.NaN()
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// floats maps a file of float32 numbers.
func floats(file string) ([]float32, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	out := make([]float32, len(data)/4)
	for i := range out {
		out[i] = math.Float32frombits(uint32(data[4*i]) | uint32(data[4*i+1])<<8 | uint32(data[4*i+2])<<16 | uint32(data[4*i+3])<<24)
	}
	return out, nil
}
