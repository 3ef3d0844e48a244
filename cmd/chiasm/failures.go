package main

import (
	"fmt"
	"strings"
)

// A failure is an input that got no answer.
type failure struct {
	Input string `json:"input"`
	Error string `json:"error"`
}

// failures are the inputs of a verb that got no answer.
type failures struct {
	app  *app
	what string // one input, as in "image"
	n    int
	of   int
}

// add names a failed item on stderr and counts it.
func (f *failures) add(it *item) failure {
	f.n++
	name := it.name
	if it.kind == kindText {
		name = shorten(fmt.Sprintf("%q", name), 60)
	}
	message := reason(it.name, it.err)
	f.app.say("%s: %s", name, message)
	return failure{it.name, message}
}

// reason is the error of an item without the item's name.
func reason(name string, err error) string {
	message := strings.TrimPrefix(oneLine(err.Error()), "chiasm: ")
	for _, media := range []string{"audio: ", "image: "} {
		message = strings.TrimPrefix(message, media)
	}
	for _, operation := range []string{"", "open ", "stat ", "lstat ", "read "} {
		message = strings.TrimPrefix(message, operation+name+": ")
	}
	return message
}

// err is nil if there was none.
func (f *failures) err() error {
	if f.n == 0 {
		return nil
	}
	return fmt.Errorf("%d of %s failed", f.n, plural(f.of, f.what, f.what+"s"))
}
