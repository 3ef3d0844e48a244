package library

import (
	_ "embed"
	"slices"
	"strings"
)

// conceptText lists what models are asked whether they see it, in the languages of its first line; | parts names of the same.
//
//go:embed seen.tsv
var conceptText string

// A concept is its names by language. The first English one stands for it in the catalogue.
type concept [][]string

var languages, concepts = readConcepts(conceptText)

func readConcepts(text string) (languages []string, all []concept) {
	for line := range strings.Lines(text) {
		fields := strings.Split(strings.TrimSpace(line), "\t")
		if languages == nil {
			languages = append(languages, fields...)
			languages[0] = strings.TrimPrefix(languages[0], "# ")
			continue
		}
		var c concept
		for _, f := range fields {
			c = append(c, strings.Split(f, "|"))
		}
		all = append(all, c)
	}
	return languages, all
}

func (c concept) key() string { return c[0][0] }

// Languages are those that words of what a model saw can be given in.
func Languages() []string { return slices.Clone(languages) }

// nameIn is what a concept is called in a language, by its key.
var nameIn = func() map[string]map[string]string {
	all := map[string]map[string]string{}
	for i, language := range languages {
		all[language] = map[string]string{}
		for _, c := range concepts {
			all[language][c.key()] = c[i][0]
		}
	}
	return all
}()

// named is what a concept is called in a language, in English where that is not known.
func named(key, language string) string {
	if name := nameIn[language][key]; name != "" {
		return name
	}
	return key
}

// namesOf is the keys of the concepts that are called so in any language; of none, the word itself, which nothing was seen as.
func namesOf(word string) (keys []string) {
	for _, c := range concepts {
		if slices.ContainsFunc(c, func(names []string) bool {
			return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, word) })
		}) {
			keys = append(keys, c.key())
		}
	}
	if keys == nil {
		keys = []string{word}
	}
	return keys
}
