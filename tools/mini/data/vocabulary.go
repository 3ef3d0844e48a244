package main

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"

	"github.com/chiasm/chiasm/tools/internal/things"
)

// A vocabulary is the English nouns that may name a thing in a picture: those whose first sense in WordNet is a thing one can see, and the
// names of emoji. It says which of them are usual: met in WordNet's tagged texts, or an emoji's name.
type vocabulary struct {
	nouns map[string]bool // whether it is usual
	acts  map[string]bool // usual verbs, and nouns for persons and for what people do
}

// visible are WordNet's files of animals, artifacts, parts of the body, food, objects, phenomena and plants.
var visible = things.Set("05 06 08 13 17 19 20")

// doings are those of nouns for acts, feelings and persons, and of verbs of the body, games, eating, touch, making, motion and the senses.
var doings = things.Set("04 12 18 29 33 34 35 36 38 39")

// unseen are nouns of those files that tell nothing about a picture, and first names.
var unseen = things.Set("illustration panel switch route home base sport con john park green mark jack bill gill jones bob art set line top cover title board frame model design figure number style drawing picture image print clip page sheet unit end side part head block chipmunk arc wake lab hub mike lane motorway surface brace gateway metro thong")

// readVocabulary reads WordNet's indices of nouns and verbs.
func (c *collection) readVocabulary(all []*emoji) (*vocabulary, error) {
	dir, err := c.open("wordnet")
	if err != nil {
		return nil, err
	}
	v := &vocabulary{map[string]bool{}, map[string]bool{}}
	for _, kind := range []string{"noun", "verb"} {
		files, err := readFiles(filepath.Join(dir, "package/dict/data."+kind))
		if err != nil {
			return nil, err
		}
		if err := v.read(filepath.Join(dir, "package/dict/index."+kind), files); err != nil {
			return nil, err
		}
	}
	for _, e := range all {
		v.nouns[strings.ToLower(e.label)] = true
	}
	return v, nil
}

// read reads an index, whose senses are in files.
func (v *vocabulary) read(path string, files map[string]string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		l, ok := indexLine(lines.Text())
		switch {
		case !ok || unseen[l.word]:
		case visible[files[l.first]]:
			v.nouns[l.word] = l.tagged > 0
		case doings[files[l.first]] && l.tagged > 0:
			v.acts[l.word] = true
		}
	}
	return lines.Err()
}

// readFiles gives the number of the lexicographers' file of each sense in WordNet's data, by its place.
func readFiles(path string) (map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	files := map[string]string{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if s, ok := dataLine(lines.Text()); ok {
			files[s.place] = s.file
		}
	}
	return files, lines.Err()
}

// usual says whether a noun or its singular is usual.
func (v *vocabulary) usual(name string) bool { return v.nouns[name] || v.nouns[singularName(name)] }

func (v *vocabulary) has(name string) bool {
	if _, ok := v.nouns[name]; ok {
		return true
	}
	_, ok := v.nouns[singularName(name)]
	return ok
}

// act is the word in the singular if it is one for a person or what people do, else "".
func (v *vocabulary) act(word string) string {
	if one := things.Singular(word); v.acts[one] || v.acts[word] {
		return one
	}
	return ""
}

// longest is the longest run of words that is a noun; atEnd asks for one that ends the words, which must be usual then.
func (v *vocabulary) longest(words []string, atEnd bool) string {
	for n := min(3, len(words)); n > 0; n-- {
		for i := len(words) - n; i >= 0; i-- {
			name := strings.Join(words[i:i+n], " ")
			if len(name) > 2 && v.has(name) && (n > 1 || v.usual(name)) {
				return singularName(name)
			}
			if atEnd {
				break
			}
		}
	}
	return ""
}

// singularName is a name with its last word in the singular.
func singularName(name string) string {
	i := strings.LastIndexByte(name, ' ') + 1
	return name[:i] + things.Singular(name[i:])
}
