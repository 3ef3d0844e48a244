package train

import (
	"iter"
	"math"
	"strconv"
	"strings"

	"github.com/chiasm/chiasm/tensor"
)

// Matches reports whether the name of a parameter is what a pattern says: * stands for any run of characters, dots included, and
// everything else for itself.
func Matches(pattern, name string) bool {
	first, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == name
	}
	name, ok := strings.CutPrefix(name, first)
	for ok {
		part, more, star := strings.Cut(rest, "*")
		if !star {
			return strings.HasSuffix(name, part)
		}
		_, name, ok = strings.Cut(name, part) // the first place will do: what follows begins with a star
		rest = more
	}
	return false
}

func matchesAny(patterns []string, name string) bool {
	for _, p := range patterns {
		if Matches(p, name) {
			return true
		}
	}
	return false
}

// Except is the parameters whose names match none of the patterns: those that learn, where the patterns are what is frozen. The vectors of
// a tower that is frozen as a whole are computed without recording (LiT, Zhai et al. 2022).
func Except(params iter.Seq2[string, *tensor.Tensor], frozen ...string) iter.Seq2[string, *tensor.Tensor] {
	return choose(params, frozen, false)
}

// Only is the parameters whose names match one of the patterns.
func Only(params iter.Seq2[string, *tensor.Tensor], patterns ...string) iter.Seq2[string, *tensor.Tensor] {
	return choose(params, patterns, true)
}

func choose(params iter.Seq2[string, *tensor.Tensor], patterns []string, matching bool) iter.Seq2[string, *tensor.Tensor] {
	return func(yield func(string, *tensor.Tensor) bool) {
		for name, p := range params {
			if matchesAny(patterns, name) == matching && !yield(name, p) {
				return
			}
		}
	}
}

// Unmatched is the patterns that match no parameter: misspelt ones, as a rule.
func Unmatched(params iter.Seq2[string, *tensor.Tensor], patterns ...string) (list []string) {
	for _, pattern := range patterns {
		found := false
		for range Only(params, pattern) {
			found = true
			break
		}
		if !found {
			list = append(list, pattern)
		}
	}
	return list
}

// LayerDecay is groups that let each layer learn more slowly than the one above it, by a factor such as 0.75 (Clark et al. 2020, Bao et
// al. 2022). The layers of a tower are the elements of its list; what its walk meets before them is below the first, the rest and what is in no
// tower learns at the full rate.
func LayerDecay(params iter.Seq2[string, *tensor.Tensor], factor float64) (groups []Group) {
	count := map[string]int{} // layers of each tower
	for name := range params {
		if layer := layerOf(name); layer >= 0 {
			tower := towerOf(name)
			count[tower] = max(count[tower], layer+1)
		}
	}
	seen := map[string]bool{} // towers whose layers have begun
	for name := range params {
		tower, layer := towerOf(name), layerOf(name)
		layers := count[tower]
		depth := layers + 1
		switch {
		case layer >= 0:
			seen[tower], depth = true, layer+1
		case layers > 0 && !seen[tower]:
			depth = 0
		}
		groups = append(groups, Group{Pattern: name, Rate: math.Pow(factor, float64(layers+1-depth))})
	}
	return groups
}

// towerOf is the first key of a name.
func towerOf(name string) string {
	tower, _, _ := strings.Cut(name, ".")
	return tower
}

// layerOf is the first number among the keys of a name, -1 if there is none.
func layerOf(name string) int {
	for key := range strings.SplitSeq(name, ".") {
		if n, err := strconv.Atoi(key); err == nil {
			return n
		}
	}
	return -1
}
