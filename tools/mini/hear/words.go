package main

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A word is what is said, or played.
type word struct {
	text     string
	language string // "" for a sound that is not speech
	sounds   string // its phonemes, as espeak-ng writes them
	test     bool   // held out: never spoken in training
}

var plain = regexp.MustCompile(`^[a-z]+([ -][a-z]+){0,2}$`)

// englishWords lists what a permissive licence gives: names and tags of emoji, and WordNet's words that its texts use.
func englishWords(emojibase, wordnet string) ([]string, error) {
	seen := map[string]bool{}
	var words []string
	add := func(s string) {
		s = strings.ToLower(strings.TrimSpace(s))
		if len(s) >= 3 && len(s) <= 24 && plain.MatchString(s) && !seen[s] {
			seen[s] = true
			words = append(words, s)
		}
	}
	names, err := emojiWords(filepath.Join(emojibase, "en/data.json"))
	if err != nil {
		return nil, err
	}
	for _, s := range names {
		add(s)
	}
	f, err := os.Open(filepath.Join(wordnet, "cntlist.rev"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		lemma, rest, ok := strings.Cut(lines.Text(), "%")
		if !ok || rest[0] != '1' && (strings.HasSuffix(rest, " 1") || rest[0] == '4') { // nouns; others if used more than once
			continue
		}
		add(strings.ReplaceAll(lemma, "_", " "))
	}
	return words, lines.Err()
}

// emojiWords is the labels and tags of a language.
func emojiWords(path string) ([]string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var list []struct {
		Label string
		Tags  []string
	}
	if err := json.Unmarshal(b, &list); err != nil {
		return nil, err
	}
	var words []string
	for _, e := range list {
		words = append(words, e.Label)
		words = append(words, e.Tags...)
	}
	slices.Sort(words)
	return slices.Compact(words), nil
}
