package main

import (
	"fmt"
	"os"
	"slices"
)

func main() {
	if os.Args[1] == "show" {
		show(os.Args[2], os.Args[3], os.Args[4:])
		return
	}
	var err error
	if dir := os.Args[1]; len(os.Args) == 2 {
		err = learn(dir)
	} else {
		words, _ := loadWords(dir)
		if os.Args[3] == "words" {
			temp, _ := os.MkdirTemp(dir, "w")
			s := &speaker{os.Args[2], temp, ""}
			more, err := s.vocabulary(os.Args[4], os.Args[5])
			fmt.Println(err)
			saveWords(dir, more)
			return
		}
		for _, c := range casts("/tmp/mini/data") {
			if slices.Contains(os.Args[3:], c.name) && err == nil {
				err = c.record(dir, os.Args[2], "/tmp/mini/data", words)
			}
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "hear:", err)
		os.Exit(1)
	}
}
