package main

import (
	"bufio"
	"crypto/sha1"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// A word is what is said or, in no language, the name of an instrument that is played.
type word struct {
	text     string
	language string
	spoken   string // what a voice is given to read
	sounds   string // its phonemes, as espeak-ng writes them; of an instrument one symbol that is its own
	known    bool   // to the lexicon that ships
	test     bool   // never spoken in training
}

// A language has words from emojibase, and voices of espeak-ng.
type language struct {
	code   string
	voices []string // the first one's phonemes count
	plain  *regexp.Regexp
	before []string // what may be said before a noun
}

// languages begins with English, of which WordNet has more words.
var languages = []language{
	{"en", []string{"en-us", "en-us", "en-us", "en-gb", "en-gb-x-rp", "en-gb-scotland", "en-us-nyc", "en-029", "en-gb-x-gbclan"}, regexp.MustCompile(`^[a-z]+([ -][a-z]+){0,2}$`), []string{"a", "an", "the"}},
	{"fr", []string{"fr-fr", "fr-fr", "fr-be", "fr-ch"}, regexp.MustCompile(`^[\p{Latin}']+([ -][\p{Latin}']+){0,2}$`), []string{"un", "une", "le", "la", "des"}},
	{"de", []string{"de"}, regexp.MustCompile(`^\p{Latin}+([ -]\p{Latin}+)?$`), []string{"ein", "eine", "der", "die", "das"}},
	{"es", []string{"es", "es", "es-419"}, regexp.MustCompile(`^\p{Latin}+([ -]\p{Latin}+){0,2}$`), []string{"un", "una", "el", "la"}},
	{"zh", []string{"cmn-latn-pinyin"}, regexp.MustCompile(`^\p{Han}{1,4}$`), nil},
}

// tongue is the language of a code.
func tongue(code string) *language {
	return &languages[slices.IndexFunc(languages, func(l language) bool { return l.code == code })]
}

// held reports whether a word is one of the fifth that is never spoken in training.
func held(text string) bool {
	h := sha1.Sum([]byte(text))
	return binary.BigEndian.Uint32(h[:])%5 == 0
}

// list is the words of a language, each once: names and tags of emoji and, in English, what the texts behind WordNet's counts use, which is
// for practice alone. Those that the lexicon shall know are the emoji's: all in English, in the other languages names and the tags of
// three emoji or more.
func (l *language) list(emoji, counts string) (words []word, err error) {
	seen := map[string]bool{}
	add := func(s string, known bool) {
		s = strings.ToLower(strings.TrimSpace(s))
		n := utf8.RuneCountInString(s)
		if l.plain.MatchString(s) && n <= 24 && (n >= 3 || l.code == "zh") && !seen[s] {
			seen[s] = true
			words = append(words, word{text: s, language: l.code, known: known, test: held(s)})
		}
	}
	names, err := emojiNames(filepath.Join(emoji, l.code, "data.json"))
	if err != nil {
		return nil, err
	}
	for _, s := range slices.Sorted(maps.Keys(names)) {
		add(s, l.code == "en" || names[s] >= 3)
	}
	if l.code != "en" {
		return words, nil
	}
	f, err := os.Open(counts)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		lemma, rest, ok := strings.Cut(lines.Text(), "%") // lemma%kind:…, number, count
		noun := strings.HasPrefix(rest, "1:")
		if ok && (noun || !strings.HasSuffix(rest, " 1") && !strings.HasPrefix(rest, "4:")) { // no adverbs; verbs and adjectives used twice
			add(strings.ReplaceAll(lemma, "_", " "), false)
		}
	}
	return words, lines.Err()
}

// emojiNames is the labels and tags of a language: how many emoji have each as a tag, and three for a label.
func emojiNames(path string) (map[string]int, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var list []struct {
		Label string
		Tags  []string
	}
	if err := json.Unmarshal(b, &list); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	names := map[string]int{}
	for _, e := range list {
		names[e.Label] += 3
		for _, t := range e.Tags {
			names[t]++
		}
	}
	return names, nil
}

// vocabulary is all words: English ones, instruments, then those of the other languages.
func (s *speaker) vocabulary(emoji, counts string) ([]word, error) {
	var words []word
	for i, l := range languages {
		own, err := l.list(emoji, counts)
		if err != nil {
			return nil, err
		}
		if own, err = s.pronounce(own, &l); err != nil {
			return nil, err
		}
		words = append(words, own...)
		if i == 0 {
			for i, name := range instrumentNames() {
				words = append(words, word{text: name, sounds: string(rune(0xe000 + i)), known: true})
			}
		}
	}
	return words, nil
}

// pronounce fills in how words are read; Chinese ones that no voice can read are left out.
func (s *speaker) pronounce(words []word, l *language) ([]word, error) {
	for i := range words {
		words[i].spoken = words[i].text
	}
	if l.code == "zh" {
		if err := s.pinyin(words); err != nil {
			return nil, err
		}
		words = slices.DeleteFunc(words, func(w word) bool { return w.spoken == "" })
	}
	var spoken []string
	for _, w := range words {
		spoken = append(spoken, w.spoken)
	}
	sounds, err := s.phonemes(l.voices[0], spoken)
	if err != nil {
		return nil, err
	}
	for i := range words {
		words[i].sounds = sounds[i]
	}
	return words, nil
}

const wordsFile = "words.tsv"

// saveWords writes a line for each word.
func saveWords(dir string, words []word) error {
	var b strings.Builder
	for _, w := range words {
		fmt.Fprintf(&b, "%s\t%s\t%s\t%s\t%v\n", w.text, w.language, w.spoken, w.sounds, w.known)
	}
	return os.WriteFile(filepath.Join(dir, wordsFile), []byte(b.String()), 0o644)
}

// loadWords reads what saveWords wrote.
func loadWords(dir string) (words []word, err error) {
	b, err := os.ReadFile(filepath.Join(dir, wordsFile))
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 5 {
			return nil, fmt.Errorf("%s: %q, want five fields", wordsFile, line)
		}
		words = append(words, word{f[0], f[1], f[2], f[3], f[4] == "true", f[1] != "" && held(f[0])})
	}
	return words, nil
}
