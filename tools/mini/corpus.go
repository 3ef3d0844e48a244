package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A picture is a line of manifest.jsonl, see tools/mini/data.
type picture struct {
	ID      string              `json:"id"`
	Source  string              `json:"source"`
	Domain  string              `json:"domain"`
	Path    string              `json:"path"`
	Licence string              `json:"licence"`
	Names   map[string][]string `json:"names"`
	Tags    []string            `json:"tags"`
	Concept string              `json:"concept"`
	Held    bool                `json:"held"`
	Use     string              `json:"use"`
	Hash    string              `json:"hash"`
}

// A thing is a line of names.jsonl.
type thing struct {
	ID        string              `json:"id"`
	Concept   string              `json:"concept"`
	Held      bool                `json:"held"`
	Usual     bool                `json:"usual"`
	Names     map[string][]string `json:"names"`
	Tags      map[string][]string `json:"tags"`
	Sentences map[string][]string `json:"sentences"`
}

// A corpus is all that is learnt from and measured on.
type corpus struct {
	dir      string
	pictures []picture
	classes  []thing // ImageNet's, by number
	emoji    []thing
	everyday []thing // everyday things, named by hand
	words    []thing // of WordNet
}

// languages are those whose names teach: what the model is measured in, and their relatives.
var languages = []string{"en", "zh", "zh-hant", "ja", "ko", "fr", "de", "es", "it", "pt", "ru"}

func readCorpus(dir string) (*corpus, error) {
	c := &corpus{dir: dir}
	var err error
	if c.pictures, err = readLines[picture](filepath.Join(dir, "manifest.jsonl")); err != nil {
		return nil, err
	}
	things, err := readLines[thing](filepath.Join(dir, "names.jsonl"))
	if err != nil {
		return nil, err
	}
	for _, t := range things {
		kind, rest, _ := strings.Cut(t.ID, ":")
		switch kind {
		case "imagenet":
			var number int
			if _, err := fmt.Sscan(rest, &number); err != nil || number != len(c.classes) {
				return nil, fmt.Errorf("names.jsonl: %s, want imagenet:%d", t.ID, len(c.classes))
			}
			c.classes = append(c.classes, t)
		case "emoji":
			if names := t.Names["en"]; len(names) > 0 && !strings.HasPrefix(names[0], "flag:") {
				c.emoji = append(c.emoji, t)
			}
		case "word":
			c.everyday = append(c.everyday, t)
		case "wordnet":
			c.words = append(c.words, t)
		}
	}
	if len(c.classes) != 1000 {
		return nil, fmt.Errorf("names.jsonl has %d classes of ImageNet, want 1000", len(c.classes))
	}
	return c, nil
}

func readLines[T any](path string) (list []T, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for d := json.NewDecoder(f); ; {
		var v T
		if err := d.Decode(&v); errors.Is(err, io.EOF) {
			return list, nil
		} else if err != nil {
			return nil, fmt.Errorf("%s: entry %d: %w", path, len(list), err)
		}
		list = append(list, v)
	}
}

// learnt are the pictures that the model learns from.
func (c *corpus) learnt() (list []picture) {
	for _, p := range c.pictures {
		if p.Use == "train" && p.Domain != "flag" && p.Source != validation.source && !strings.Contains(p.ID, "/view") {
			list = append(list, p)
		}
	}
	return list
}

// A gallery is pictures that are searched together.
type gallery struct {
	name     string
	source   string
	domains  []string
	queries  string // the domain whose names are asked for
	language []string
}

var galleries = []gallery{
	{"photos", "gcompris", []string{"photo", "monument"}, "photo", []string{"en", "zh", "fr", "de", "es"}},
	{"cutouts", "tuxpaint", []string{"cutout"}, "cutout", []string{"en", "zh", "fr", "de", "es", "ja"}},
	{"drawings", "tuxpaint", []string{"drawing"}, "drawing", []string{"en", "zh"}},
	{"art4apps", "art4apps", []string{"wordpicture"}, "wordpicture", []string{"en", "zh"}},
	{"openmoji", "openmoji", []string{"emoji"}, "emoji", []string{"en", "zh", "fr", "de", "es", "ja"}},
}

// validation is a style of drawing that nothing is learnt from, under a licence that would allow it: what is chosen is chosen by it.
var validation = gallery{"validation", "noto-blob", []string{"emoji"}, "emoji", []string{"en", "zh"}}

// spots are photographs, few, of several sources, that nothing is learnt from either.
var spots = gallery{"spots", "", []string{"photo"}, "photo", []string{"en", "zh"}}

func (c *corpus) gallery(g gallery) (list []picture) {
	for _, p := range c.pictures {
		if (p.Source == g.source || g.source == "" && p.Use == "spot") && slices.Contains(g.domains, p.Domain) {
			list = append(list, p)
		}
	}
	return list
}

// A query is a name and which pictures of the gallery bear it.
type query struct {
	text     string
	relevant []int32
}

// ask makes the queries of a gallery in a language: the usual name of each picture in question, once.
func (g gallery) ask(pictures []picture, language string) (list []query) {
	at := map[string]int{}
	for _, p := range pictures {
		if names := p.Names[language]; p.Domain == g.queries && len(names) > 0 {
			if _, ok := at[names[0]]; !ok {
				at[names[0]] = len(list)
				list = append(list, query{text: names[0]})
			}
		}
	}
	for i, p := range pictures {
		for _, name := range p.Names[language] {
			if k, ok := at[name]; ok {
				list[k].relevant = append(list[k].relevant, int32(i))
			}
		}
	}
	return list
}
