package dataset

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// most files that one pattern may name.
const mostFiles = 1 << 20

func lower(s string) string { return strings.ToLower(s) }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// expand lists the files that a path means: several with :: between, braces as in {000..012} and {a,b}, and the patterns of
// filepath.Glob. A file of exactly that name wins.
func expand(path string) ([]string, error) {
	if isFile(path) {
		return []string{path}, nil
	}
	var files []string
	for _, p := range strings.Split(path, "::") {
		names, err := braces(p)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if !isFile(name) && strings.ContainsAny(name, "*?[") {
				matches, err := filepath.Glob(name)
				if err != nil {
					return nil, err
				}
				sortNaturally(matches)
				files = append(files, matches...)
				continue
			}
			files = append(files, name)
		}
	}
	if len(files) == 0 {
		return nil, errors.New("no such files")
	}
	return files, nil
}

// braces expands the braces of a pattern as a shell does.
func braces(pattern string) ([]string, error) {
	open := strings.IndexByte(pattern, '{')
	if open < 0 {
		return []string{pattern}, nil
	}
	length := strings.IndexByte(pattern[open:], '}')
	if length < 0 {
		return nil, fmt.Errorf("%q: expected a } after the {", pattern)
	}
	head, body := pattern[:open], pattern[open+1:open+length]
	tails, err := braces(pattern[open+length+1:])
	if err != nil {
		return nil, err
	}
	choices := strings.Split(body, ",")
	if from, to, ok := strings.Cut(body, ".."); ok {
		if choices, err = numbers(from, to); err != nil {
			return nil, fmt.Errorf("%q: %w", pattern, err)
		}
	}
	if len(choices) > mostFiles/len(tails) {
		return nil, fmt.Errorf("%q: expected at most %d files", pattern, mostFiles)
	}
	var out []string
	for _, c := range choices {
		for _, t := range tails {
			out = append(out, head+c+t)
		}
	}
	return out, nil
}

// numbers counts from one number to another, written as wide as the wider one if either begins with 0.
func numbers(from, to string) ([]string, error) {
	a, errA := strconv.ParseUint(from, 10, 31)
	b, errB := strconv.ParseUint(to, 10, 31)
	if errA != nil || errB != nil {
		return nil, fmt.Errorf("expected numbers around .., got %q and %q", from, to)
	}
	if b < a || b-a >= mostFiles {
		return nil, fmt.Errorf("expected a range that rises, of at most %d numbers, got %s..%s", mostFiles, from, to)
	}
	width := 0
	if len(from) > 1 && from[0] == '0' || len(to) > 1 && to[0] == '0' {
		width = max(len(from), len(to))
	}
	var out []string
	for n := a; n <= b; n++ {
		out = append(out, fmt.Sprintf("%0*d", width, n))
	}
	return out, nil
}

// sortNaturally sorts names with the numbers in them by value: 2.tar before 10.tar.
func sortNaturally(names []string) {
	slices.SortFunc(names, func(a, b string) int {
		x, y := a, b
		for x != "" && y != "" {
			nx, ny := digits(x), digits(y)
			if nx > 0 && ny > 0 {
				dx, dy := strings.TrimLeft(x[:nx], "0"), strings.TrimLeft(y[:ny], "0")
				if c := cmp.Or(cmp.Compare(len(dx), len(dy)), cmp.Compare(dx, dy)); c != 0 {
					return c
				}
				x, y = x[nx:], y[ny:]
				continue
			}
			if x[0] != y[0] {
				return cmp.Compare(x[0], y[0])
			}
			x, y = x[1:], y[1:]
		}
		return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(a, b))
	})
}

// digits is how many digits s begins with.
func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
