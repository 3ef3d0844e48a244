package study

import (
	"maps"
	"slices"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// Nearest is the name that a misspelt one is likely to stand for, "" if none is near.
func Nearest(name string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	best := closest(name, names)
	if distance(name, best) > 1+len(name)/3 {
		return ""
	}
	return best
}

// closest is the name with the least distance, the first of several.
func closest(name string, names []string) string {
	return slices.MinFunc(names, func(a, b string) int { return distance(name, a) - distance(name, b) })
}

// distance is how many characters must be put in, left out or exchanged to make b of a (Levenshtein 1966).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// nearestTo is the name whose beginning is closest to a part of one.
func nearestTo(part string, names []string) string {
	return slices.MinFunc(names, func(a, b string) int {
		return distance(a[:min(len(a), len(part))], part) - distance(b[:min(len(b), len(part))], part)
	})
}
