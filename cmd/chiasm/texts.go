package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/spf13/pflag"
)

// A textSource is one --text or --texts of the command line.
type textSource struct {
	value string
	file  bool // value names a file to read from, "-" for stdin
}

// textSources collects --text and --texts in the order in which they are given.
type textSources []textSource

// textFlag is the flag that adds to the sources.
type textFlag struct {
	sources *textSources
	file    bool
}

func (f textFlag) String() string { return "" }
func (f textFlag) Type() string {
	if f.file {
		return "file"
	}
	return "text"
}
func (f textFlag) Set(v string) error {
	*f.sources = append(*f.sources, textSource{v, f.file})
	return nil
}

// flags adds --text and --texts.
func (s *textSources) flags(flags *pflag.FlagSet) {
	flags.VarP(textFlag{s, false}, "text", "t", "a text; repeats")
	flags.Var(textFlag{s, true}, "texts", "file with one text per line, or a JSON array of strings (- is standard input); repeats")
}

// usesStdin reports whether one of the sources is standard input.
func (s textSources) usesStdin() bool {
	for _, t := range s {
		if t.file && t.value == "-" {
			return true
		}
	}
	return false
}

// each gives the texts one by one, reading files as it goes; it stops at the first error.
func (s textSources) each(stdin io.Reader) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, t := range s {
			if !t.file {
				if !utf8.ValidString(t.value) {
					yield("", fmt.Errorf("--text %q is not UTF-8", t.value))
					return
				}
				if !yield(t.value, nil) {
					return
				}
				continue
			}
			for text, err := range readTexts(t.value, stdin) {
				if !yield(text, err) || err != nil {
					return
				}
			}
		}
	}
}

// all is each as a list.
func (s textSources) all(stdin io.Reader) ([]string, error) {
	var out []string
	for text, err := range s.each(stdin) {
		if err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return out, nil
}

// readTexts gives the texts of a file: the strings of a JSON array, or else its lines that are not blank. Lines are read as they are
// asked for.
func readTexts(name string, stdin io.Reader) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		r, title := stdin, "standard input"
		if name != "-" {
			f, err := os.Open(name)
			if err != nil {
				yield("", err)
				return
			}
			defer f.Close()
			r, title = f, name
		}
		in := bufio.NewReaderSize(r, 1<<16)
		if first, _ := in.Peek(1); string(first) == "\ufeff"[:1] {
			if head, _ := in.Peek(3); string(head) == "\ufeff" {
				in.Discard(3)
			}
		}
		if strings.EqualFold(filepath.Ext(name), ".json") || looksLikeJSON(in) {
			data, err := io.ReadAll(in)
			if err != nil {
				yield("", fmt.Errorf("%s: %w", title, err))
				return
			}
			var texts []string
			err = json.Unmarshal(data, &texts)
			if err == nil {
				for _, text := range texts {
					if !yield(text, nil) {
						return
					}
				}
				return
			}
			if strings.EqualFold(filepath.Ext(name), ".json") {
				yield("", fmt.Errorf("%s: want a JSON array of strings: %w", title, err))
				return
			}
			in = bufio.NewReader(bytes.NewReader(data)) // lines that happen to begin as an array does
		}
		for n := 1; ; n++ {
			line, err := readLine(in)
			if err != nil && !errors.Is(err, io.EOF) {
				yield("", fmt.Errorf("%s: line %d: %w", title, n, err))
				return
			}
			text := strings.TrimRight(line, "\r\n")
			if !utf8.ValidString(text) {
				yield("", fmt.Errorf("%s: line %d is not UTF-8", title, n))
				return
			}
			if strings.TrimSpace(text) != "" && !yield(text, nil) {
				return
			}
			if err != nil {
				return
			}
		}
	}
}

// longestLine bounds the memory that a line takes.
const longestLine = 16 << 20

// readLine is a line with its end, like [bufio.Reader.ReadString], if it isn't longer than any text.
func readLine(in *bufio.Reader) (string, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		if line = append(line, part...); !errors.Is(err, bufio.ErrBufferFull) {
			return string(line), err
		}
		if len(line) > longestLine {
			return "", fmt.Errorf("longer than %d MiB, want a text", longestLine>>20)
		}
	}
}

// looksLikeJSON reports whether what comes next begins as an array of strings does. It waits for no more of a stream than it needs.
func looksLikeJSON(in *bufio.Reader) bool {
	array := false
	for n := 1; n <= in.Size(); n++ {
		head, err := in.Peek(n)
		if err != nil {
			return false
		}
		switch head[n-1] {
		case ' ', '\t', '\r', '\n':
		case '[':
			if array {
				return false
			}
			array = true
		case '"', ']':
			return array
		default:
			return false
		}
	}
	return false
}

// plural is "1 one" or "n many".
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
