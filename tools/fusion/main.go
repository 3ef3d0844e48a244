// The program fusion measures package fusion on real data.
//
//	go run ./tools/fusion data DIR
//	go run ./tools/fusion files DIR
//	go run ./tools/fusion sides DIR
//	go run ./tools/fusion table DIR [SET…]
//	go run ./tools/fusion advise DIR [SET…]
//	go run ./tools/fusion rerank DIR names|twins vectors|tokens
//	go run ./tools/fusion race DIR PYTHON MULTIBENCH [SET…]
//	go run ./tools/fusion gluon DIR PYTHON [SET…]
//
// data fetches packages of Debian and of Python's index in pinned versions, through their clients, into DIR/packages, and writes three sets as
// safetensors, for chiasm and for anybody else; it needs ffmpeg. files writes them, or parts of them, as tables of files for chiasm fuse; sides draws a set in which places count. table teaches every method on every set and prints tables; advise prints
// what the advisor says of them; rerank searches for stamps by name, and for pictures of two by how these stand to each other, with and without matching models. race teaches some methods beside MultiBench's own layers and loop, which PYTHON, with PyTorch, runs from a copy of its repository; gluon teaches concat beside AutoGluon-Multimodal, which its PYTHON has.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/chiasm/chiasm/fusion"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "fusion:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	switch {
	case len(args) == 2 && args[0] == "data":
		return makeSets(args[1])
	case len(args) == 2 && args[0] == "files":
		return makeFiles(args[1])
	case len(args) == 2 && args[0] == "sides":
		return makeSides(args[1])
	case len(args) == 4 && args[0] == "rerank":
		return rerank(ctx, args[1], args[2], args[3])
	case len(args) >= 2 && args[0] == "table":
		return tables(ctx, args[1], args[2:])
	case len(args) >= 2 && args[0] == "advise":
		return advise(ctx, args[1], args[2:])
	case len(args) >= 4 && args[0] == "race":
		return race(ctx, args[1], args[2], args[3], args[4:])
	case len(args) >= 3 && args[0] == "gluon":
		return gluon(ctx, args[1], args[2], args[3:])
	}
	return errors.New("usage: fusion data DIR, fusion files DIR, fusion sides DIR, fusion table DIR [SET…], fusion advise DIR [SET…], fusion rerank DIR names|twins vectors|tokens, fusion race DIR PYTHON MULTIBENCH [SET…], or fusion gluon DIR PYTHON [SET…]")
}

// makers is how the sets are made, in the order of the tables.
var makers = []struct {
	name string
	make func(packages string) (*set, error)
}{{"digits", readDigits}, {"stamps", readStamps}, {"fashion", readFashion}}

// makeSets makes those that are not there.
func makeSets(dir string) error {
	packages := filepath.Join(dir, "packages")
	if err := os.MkdirAll(packages, 0o755); err != nil {
		return err
	}
	for _, m := range makers {
		if exists(path(dir, m.name)) {
			continue
		}
		s, err := m.make(packages)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		if err := s.data.Check(); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		if err := s.save(dir); err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "fusion: %s: %d samples to learn from, %d to look at, %d to test on\n", m.name,
			len(s.side(learn).Samples), len(s.side(valid).Samples), len(s.side(test).Samples))
	}
	return nil
}

// chosen is names, or those of all sets.
func chosen(names []string) []string {
	if len(names) == 0 {
		for _, m := range makers {
			names = append(names, m.name)
		}
	}
	return names
}

// tables prints the tables of sets, or of all.
func tables(ctx context.Context, dir string, names []string) error {
	for _, name := range chosen(names) {
		s, err := load(dir, name)
		if err != nil {
			return err
		}
		rows, err := s.rows(ctx, say)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		s.write(os.Stdout, rows)
	}
	return nil
}

// say reports what is going on.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, "fusion: "+format+"\n", args...) }

// newSet is a set without samples; each modality is a name, tokens and width.
func newSet(name, about string, classes int, modalities ...any) *set {
	d := &fusion.Data{Task: fusion.Task{Kind: fusion.Single, Outputs: classes}}
	for i := 0; i < len(modalities); i += 3 {
		d.Modalities = append(d.Modalities, fusion.Modality{Name: modalities[i].(string), Tokens: modalities[i+1].(int), Width: modalities[i+2].(int)})
	}
	return &set{name: name, data: d, about: about}
}
