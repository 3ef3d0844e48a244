package library

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A globs is a list of patterns of files: those without a slash are for names of files and folders, others for paths below the root.
// * is any text within a name, ** any text, ? a character.
type globs []glob

type glob struct {
	path bool // it is for paths
	expr *regexp.Regexp
}

func newGlobs(patterns []string) (globs, error) {
	var out globs
	for _, p := range patterns {
		var s strings.Builder
		s.WriteString("(?s)^")
		trimmed := strings.Trim(filepath.ToSlash(p), "/")
		for i := 0; i < len(trimmed); i++ {
			switch {
			case strings.HasPrefix(trimmed[i:], "**/"):
				s.WriteString("(?:.*/)?")
				i += 2
			case strings.HasPrefix(trimmed[i:], "**"):
				s.WriteString(".*")
				i++
			case trimmed[i] == '*':
				s.WriteString("[^/]*")
			case trimmed[i] == '?':
				s.WriteString("[^/]")
			default:
				s.WriteString(regexp.QuoteMeta(trimmed[i : i+1]))
			}
		}
		expr, err := regexp.Compile(s.String() + "$")
		if err != nil || trimmed == "" {
			return nil, fmt.Errorf("pattern %q: want one such as *.jpg or holidays/**", p)
		}
		out = append(out, glob{strings.Contains(trimmed, "/"), expr})
	}
	return out, nil
}

// match reports whether one of the patterns fits a path below the root.
func (g globs) match(below string) bool {
	below = filepath.ToSlash(below)
	name := below[strings.LastIndexByte(below, '/')+1:]
	return slices.ContainsFunc(g, func(p glob) bool {
		if p.path {
			return p.expr.MatchString(below)
		}
		return p.expr.MatchString(name)
	})
}
