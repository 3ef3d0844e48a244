package main

import (
	"strconv"
	"strings"
)

// A lemma is a line of an index file of WordNet.
type lemma struct {
	word   string
	tagged int    // senses met in tagged texts
	first  string // place of the most usual sense
}

// indexLine reads a lemma: word, part of speech, number of senses, number of pointers, the pointers, number of senses again, number of
// senses met in tagged texts, places of the senses.
func indexLine(line string) (lemma, bool) {
	fields := strings.Fields(line)
	if strings.HasPrefix(line, " ") || len(fields) < 4 {
		return lemma{}, false
	}
	pointers, err := strconv.Atoi(fields[3])
	if err != nil || pointers < 0 || 4+pointers+2 >= len(fields) {
		return lemma{}, false
	}
	tagged, err := strconv.Atoi(fields[4+pointers+1])
	return lemma{strings.ReplaceAll(fields[0], "_", " "), tagged, fields[4+pointers+2]}, err == nil
}

// A sense is a line of a data file of WordNet.
type sense struct {
	place string
	file  string // number of the lexicographers' file
	words []string
	gloss string // the definition, without examples
}

// dataLine reads a sense: place, file, part of speech, number of words in hexadecimal, each with an identifier, pointers, "|" and the gloss.
func dataLine(line string) (sense, bool) {
	data, gloss, _ := strings.Cut(line, " | ")
	fields := strings.Fields(data)
	if strings.HasPrefix(line, " ") || len(fields) < 6 {
		return sense{}, false
	}
	count, err := strconv.ParseUint(fields[3], 16, 16)
	if err != nil || count == 0 || 4+2*int(count) > len(fields) {
		return sense{}, false
	}
	s := sense{place: fields[0], file: fields[1]}
	for i := range int(count) {
		s.words = append(s.words, strings.ReplaceAll(fields[4+2*i], "_", " "))
	}
	gloss, _, _ = strings.Cut(gloss, `; "`)
	s.gloss = strings.TrimSpace(gloss)
	return s, true
}
