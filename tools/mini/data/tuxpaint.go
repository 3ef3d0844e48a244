package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// stamps adds tuxpaint's stamps: photographs cut out and drawings, each with a sentence in many languages.
func (c *collection) stamps() error {
	dir, err := c.open("tuxpaint")
	if err != nil {
		return err
	}
	root := filepath.Join(dir, "usr/share/tuxpaint/stamps")
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".txt" {
			return err
		}
		return c.stamp(root, strings.TrimSuffix(path, ".txt"))
	})
}

func (c *collection) stamp(root, stem string) error {
	text, err := os.ReadFile(stem + ".txt")
	if err != nil {
		return err
	}
	relative, err := filepath.Rel(root, stem)
	if err != nil {
		return err
	}
	relative = filepath.ToSlash(relative)
	p := picture{ID: "tuxpaint/" + relative, Source: "tuxpaint", Alpha: true, Tags: strings.Split(filepath.ToSlash(filepath.Dir(relative)), "/")}
	p.Names, p.Caption = stampNames(string(text))
	if len(p.Names["en"]) == 0 {
		return nil
	}
	png, svg := exists(stem+".png"), exists(stem+".svg")
	switch {
	case strings.HasPrefix(relative, "symbols/"):
		p.Domain = "symbol"
	case png && !svg && !strings.Contains(relative, "cartoon"):
		p.Domain = "cutout"
	default:
		p.Domain = "drawing"
	}
	if png {
		return c.file(p, stem+".png", nil)
	}
	if !svg {
		return nil
	}
	content, err := os.ReadFile(stem + ".svg")
	if err != nil {
		return err
	}
	c.vector(p, content)
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// stampNames reads a stamp's text: its names by language, and the English sentence.
func stampNames(text string) (names map[string][]string, caption string) {
	names, sentences := stampTexts(text)
	return names, sentences["en"]
}

// stampTexts reads a stamp's text: a sentence in English, then lines of language.utf8=sentence. A name is the first sentence without its
// article, in English, and full stop.
func stampTexts(text string) (names map[string][]string, sentences map[string]string) {
	names, sentences = map[string][]string{}, map[string]string{}
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
			continue
		case len(sentences) == 0:
			sentences["en"] = line
			names["en"] = []string{englishName(line)}
			continue
		}
		key, sentence, ok := strings.Cut(line, "=")
		language, utf := strings.CutSuffix(key, ".utf8")
		tag := languageTag(language)
		if !ok || !utf || sentences[tag] != "" || strings.HasPrefix(language, "en_") {
			continue
		}
		sentences[tag] = strings.TrimSpace(sentence)
		if name := firstSentence(sentence); name != "" {
			names[tag] = []string{name}
		}
	}
	return names, sentences
}

// firstSentence is what stands before the first full stop.
func firstSentence(s string) string {
	if i := strings.IndexAny(s, ".。!！;；।"); i > 0 {
		s = s[:i]
	}
	return strings.Trim(strings.TrimSpace(s), "“”\"«»")
}

// englishName is the subject of the first sentence in lower case (names of people and places stay as they are) without an article in front.
func englishName(sentence string) string {
	s := firstSentence(sentence)
	for _, article := range []string{"A ", "An ", "The ", "Some ", "This is a ", "This is an "} {
		if rest, ok := strings.CutPrefix(s, article); ok {
			s = rest
			break
		}
	}
	if s != "" && strings.ToLower(s[1:]) == s[1:] {
		s = strings.ToLower(s)
	}
	for _, verb := range []string{" is ", " are ", " was ", " can ", " stands for ", "—", " – ", " ("} {
		if i := strings.Index(s, verb); i > 2 {
			s = s[:i]
		}
	}
	return s
}
