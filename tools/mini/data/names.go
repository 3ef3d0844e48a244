package main

import (
	"bufio"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/chiasm/chiasm/tools/internal/things"
)

// A naming is a line of names.jsonl: what one thing is called, for aligning languages and for learning words without pictures.
type naming struct {
	ID        string              `json:"id"` // "emoji:" and code points (a picture's ref), "imagenet:" and the class, "wordnet:" and the place of the sense, "word:" and the word
	Source    string              `json:"source"`
	Licence   string              `json:"licence"`
	Concept   string              `json:"concept"`
	Held      bool                `json:"held"`
	Usual     bool                `json:"usual"` // the word is met in everyday text
	Names     map[string][]string `json:"names"`
	Tags      map[string][]string `json:"tags,omitempty"`      // words about it
	Sentences map[string][]string `json:"sentences,omitempty"` // what it is
}

func newNaming(id, source, name string) naming {
	key := things.Concept(name)
	return naming{ID: id, Source: source, Licence: sources[source].licence, Concept: key, Held: heldOut(key), Names: map[string][]string{}}
}

// add gives it another name in a language.
func (n *naming) add(language, name string) {
	name = strings.TrimSpace(name)
	if name != "" && !slices.Contains(n.Names[language], name) {
		n.Names[language] = append(n.Names[language], name)
	}
}

// check says what is wrong with a line.
func (n *naming) check() error {
	switch {
	case len(n.Names["en"]) == 0:
		return fmt.Errorf("%s: no English name", n.ID)
	case !slices.Contains(permissive, n.Licence):
		return fmt.Errorf("%s: licence %q is not one to train on", n.ID, n.Licence)
	}
	return nil
}

// names gathers all lists of names.
func (c *collection) names(all []*emoji, nouns *vocabulary) ([]naming, error) {
	lists := []func() ([]naming, error){
		func() ([]naming, error) { return c.emojiNames(all) },
		c.classNames,
		everydayNames,
		func() ([]naming, error) { return c.wordnetNames(nouns) },
	}
	var lines []naming
	for _, list := range lists {
		more, err := list()
		if err != nil {
			return nil, err
		}
		lines = append(lines, more...)
	}
	for i := range lines {
		if err := lines[i].check(); err != nil {
			return nil, err
		}
	}
	return lines, nil
}

// everydayWords names in five languages the things that WordNet's tagged texts speak of most, and others of every day.
//
//go:embed words.tsv
var everydayWords string

func everydayNames() ([]naming, error) {
	var lines []naming
	for _, names := range readNameRows(everydayWords) {
		key := things.Concept(names["en"][0])
		lines = append(lines, naming{ID: "word:" + names["en"][0], Source: "words.tsv", Licence: "CC0-1.0", Concept: key, Held: heldOut(key), Usual: true, Names: names})
	}
	return lines, nil
}

// readNameRows reads a table of names in English, Chinese, French, German and Spanish, several joined by "|"; # begins a comment.
func readNameRows(table string) []map[string][]string {
	var rows []map[string][]string
	for line := range strings.Lines(table) {
		columns := strings.Split(strings.TrimSpace(line), "\t")
		if strings.HasPrefix(line, "#") || len(columns) < len(tableLanguages) {
			continue
		}
		names := map[string][]string{}
		for i, language := range tableLanguages {
			names[language] = strings.Split(columns[i], "|")
		}
		if len(columns) > len(tableLanguages) {
			names["files"] = strings.Fields(columns[len(tableLanguages)])
		}
		rows = append(rows, names)
	}
	return rows
}

var tableLanguages = []string{"en", "zh", "fr", "de", "es"}

// An annotations file is one language of CLDR's names of emoji.
type annotations struct {
	Annotations struct {
		Annotations map[string]struct {
			Default, TTS []string
		}
	}
}

// emojiNames joins emojibase's names with CLDR's of all its languages.
func (c *collection) emojiNames(all []*emoji) ([]naming, error) {
	dir, err := c.open("cldr")
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "package/annotations/*/annotations.json"))
	if err != nil {
		return nil, err
	}
	lines := make([]naming, len(all))
	byChar := map[string]*naming{}
	for i, e := range all {
		lines[i] = newNaming("emoji:"+e.code, "cldr", e.label)
		lines[i].Usual = e.group != groupFlags && e.group != groupSymbols
		lines[i].Tags = map[string][]string{"en": e.tags}
		lines[i].Names["en"] = []string{e.label}
		for language, names := range e.names {
			lines[i].add(language, names[0])
		}
		byChar[strings.ReplaceAll(e.char, "\ufe0f", "")] = &lines[i]
	}
	for _, file := range files {
		language := strings.ToLower(filepath.Base(filepath.Dir(file)))
		a, err := readJSON[annotations](file)
		if err != nil {
			return nil, err
		}
		for char, words := range a.Annotations.Annotations {
			n := byChar[strings.ReplaceAll(char, "\ufe0f", "")]
			if n == nil {
				continue
			}
			for _, name := range words.TTS {
				n.add(language, name)
			}
			if language != "en" && len(words.Default) > 0 {
				n.Tags[language] = words.Default
			}
		}
	}
	return lines, nil
}

// classTranslations names most classes of ImageNet in French, German and Spanish, several names joined by "|"; # begins a comment.
//
//go:embed classes.tsv
var classTranslations string

// translateClasses adds them to the lines of the classes.
func translateClasses(lines []naming) error {
	for line := range strings.Lines(classTranslations) {
		columns := strings.Split(strings.TrimSpace(line), "\t")
		if strings.HasPrefix(line, "#") {
			continue
		}
		k, err := strconv.Atoi(columns[0])
		if err != nil || k < 0 || k >= len(lines) || len(columns) != 4 {
			return fmt.Errorf("classes.tsv: %q, want a class and its names in three languages", line)
		}
		for i, language := range []string{"fr", "de", "es"} {
			for name := range strings.SplitSeq(columns[i+1], "|") {
				lines[k].add(language, name)
			}
		}
	}
	return nil
}

// classNames gives the 1,000 classes of ImageNet in English, Chinese, Japanese, Italian and Arabic, most in French, German and Spanish too,
// with WordNet's synonyms and definition.
func (c *collection) classNames() ([]naming, error) {
	timm, err := c.open("timm")
	if err != nil {
		return nil, err
	}
	benchmark, err := c.open("clip-benchmark")
	if err != nil {
		return nil, err
	}
	info := filepath.Join(timm, "timm/data/_info")
	synsets, err := readTable(filepath.Join(info, "imagenet_synsets.txt"))
	if err != nil {
		return nil, err
	}
	lemmas, err := readTable(filepath.Join(info, "imagenet_synset_to_lemma.txt"))
	if err != nil {
		return nil, err
	}
	definitions, err := readTable(filepath.Join(info, "imagenet_synset_to_definition.txt"))
	if err != nil {
		return nil, err
	}
	lemma, definition := map[string]string{}, map[string]string{}
	for _, l := range lemmas {
		lemma[l[0]] = l[len(l)-1]
	}
	for _, l := range definitions {
		definition[l[0]] = l[len(l)-1]
	}
	names := map[string][]string{}
	for language, file := range map[string]string{"en": "en", "zh": "cn", "ja": "jp", "it": "it", "ar": "ar"} {
		sets, err := readJSON[map[string][]string](filepath.Join(benchmark, "clip_benchmark/datasets", file+"_classnames.json"))
		if err != nil {
			return nil, err
		}
		if names[language] = sets["imagenet1k"]; len(names[language]) != len(synsets) {
			return nil, fmt.Errorf("%s has %d names of ImageNet's classes, want %d", file, len(names[language]), len(synsets))
		}
	}
	var lines []naming
	for i, synset := range synsets {
		n := newNaming(fmt.Sprintf("imagenet:%d", i), "clip-benchmark", names["en"][i])
		n.Usual = true
		for _, language := range sortedKeys(names) {
			name := names[language][i]
			if language == "it" {
				name = withoutArticle(name)
			}
			n.add(language, name)
		}
		for name := range strings.SplitSeq(lemma[synset[0]], ", ") {
			n.add("en", name)
		}
		n.Sentences = map[string][]string{"en": {definition[synset[0]]}}
		lines = append(lines, n)
	}
	return lines, translateClasses(lines)
}

// withoutArticle leaves out an Italian article in front.
func withoutArticle(name string) string {
	for _, article := range []string{"un ", "uno ", "una ", "un'", "il ", "la ", "lo ", "i ", "le ", "gli ", "l'", "dei ", "delle ", "degli "} {
		if rest, ok := strings.CutPrefix(name, article); ok {
			return rest
		}
	}
	return name
}

// wordnetNames gives the nouns of WordNet that are things one can see: synonyms and the definition of each sense.
func (c *collection) wordnetNames(nouns *vocabulary) ([]naming, error) {
	dir, err := c.open("wordnet")
	if err != nil {
		return nil, err
	}
	f, err := os.Open(filepath.Join(dir, "package/dict/data.noun"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var all []naming
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		s, ok := dataLine(lines.Text())
		if !ok || !visible[s.file] {
			continue
		}
		n := newNaming("wordnet:"+s.place, "wordnet", s.words[0])
		for _, w := range s.words {
			n.add("en", w)
			n.Usual = n.Usual || nouns.nouns[w]
		}
		n.Sentences = map[string][]string{"en": {s.gloss}}
		all = append(all, n)
	}
	return all, lines.Err()
}

// readTable reads lines of columns separated by tabs.
func readTable(path string) ([][]string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var rows [][]string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			rows = append(rows, strings.Split(line, "\t"))
		}
	}
	return rows, nil
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
