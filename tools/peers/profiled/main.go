// Profiled indexes a folder with the model inside the program, as chiasm index does, and writes where the processor's time went.
//
//	go run ./tools/peers/profiled PROFILE LIBRARY FOLDER
package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/library"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "profiled:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("want PROFILE LIBRARY FOLDER, got %d arguments", len(args))
	}
	ctx := context.Background()
	l, err := library.Open(args[1], library.Options{})
	if err != nil {
		return err
	}
	defer l.Close()
	m, err := chiasm.Open(ctx, chiasm.Shipped, &chiasm.Options{Workers: runtime.GOMAXPROCS(0), Precision: "auto"})
	if err != nil {
		return err
	}
	defer m.Close()
	f, err := os.Create(args[0])
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	_, err = l.Index(ctx, m, library.IndexOptions{Paths: args[2:]})
	pprof.StopCPUProfile()
	if err != nil {
		return err
	}
	return f.Close()
}
