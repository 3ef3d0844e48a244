package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chiasm/chiasm/tools/internal/things"
)

// noThings are the folders of openclipart with signs, patterns, playing cards and parts of desktops instead of things.
var noThings = []string{"computer/icons", "computer/buttons", "computer/diagrams", "shapes", "special", "buttons", "logos", "decorations", "recreation/games/cards",
	"signs_and_symbols/flags", "signs_and_symbols/led", "signs_and_symbols/map_symbols", "transportation/roadsigns", "unsorted/duplicates"}

// clipArt adds the pictures of openclipart that can be named: its titles are often an author's or a collection's name, or Italian, so that
// a name needs an English noun on which the title or the keywords and the file's name agree.
func (c *collection) clipArt(nouns *vocabulary) error {
	pngs, err := c.open("openclipart-png")
	if err != nil {
		return err
	}
	svgs, err := c.open("openclipart-svg")
	if err != nil {
		return err
	}
	root := filepath.Join(pngs, "usr/share/openclipart/png")
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || filepath.Ext(path) != ".png" {
			return err
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		stem := strings.TrimSuffix(filepath.ToSlash(relative), ".png")
		if slices.ContainsFunc(noThings, func(f string) bool { return strings.HasPrefix(stem, f+"/") }) {
			return nil
		}
		svg, err := os.ReadFile(filepath.Join(svgs, "usr/share/openclipart/svg", stem+".svg"))
		if err != nil || bytes.Contains(svg, []byte("<image")) {
			return nil // without its vector form a picture has no title; one that refers to another file was rendered without that
		}
		description, err := readDescription(svg)
		if err != nil {
			return nil
		}
		name := description.name(filepath.Base(stem), nouns)
		if name == "" {
			return nil
		}
		tags := append(description.keywords, strings.Split(filepath.ToSlash(filepath.Dir(stem)), "/")...)
		p := picture{ID: "openclipart-png/" + stem, Source: "openclipart-png", Domain: "clipart", Alpha: true, Names: map[string][]string{"en": {name}}, Tags: tags}
		content, err := os.ReadFile(filepath.Join(c.dir, p.place(".png")))
		if err != nil {
			content, err = trimmed(path)
		}
		if err != nil {
			return nil // too large, or empty
		}
		return c.file(p, path, content)
	})
}

// A description is what an SVG file's metadata say.
type description struct {
	title    string
	keywords []string
}

// readDescription reads the first title and the keywords (rdf:li) of an SVG file.
func readDescription(svg []byte) (description, error) {
	var d description
	decoder := xml.NewDecoder(bytes.NewReader(svg))
	decoder.Strict = false
	for inMetadata := false; ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return d, nil
		}
		if err != nil {
			return d, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			var text string
			switch {
			case t.Name.Local == "metadata":
				inMetadata = true
			case inMetadata && (t.Name.Local == "title" && d.title == "" || t.Name.Local == "li"):
				inner, err := decoder.Token()
				if chars, ok := inner.(xml.CharData); ok && err == nil {
					text = strings.TrimSpace(string(chars))
				}
				if t.Name.Local == "title" {
					d.title = text
				} else if text != "" && !strings.HasPrefix(text, "hash(") && text != "hash" && text != "unsorted" {
					d.keywords = append(d.keywords, strings.ToLower(text))
				}
			}
		case xml.EndElement:
			if t.Name.Local == "metadata" {
				return d, nil
			}
		}
	}
}

// styles are words that say how a thing is drawn rather than what it is.
var styles = things.Set("bw black white simple cartoon alt clipart clip art menu example colour color icon symbol small big large grey gray b w v2 version drawing sketch outline silhouette hand drawn v")

// name is an English name for a picture with the file's stem, "" if none is sure.
func (d description) name(stem string, nouns *vocabulary) string {
	if strings.Contains(stem, "archit") {
		return "" // one author's files, with Italian titles
	}
	file := contentWords(stem)
	title := contentWords(strings.ReplaceAll(d.title, "Clipart by Nicu Buculei", ""))
	if i := slices.IndexFunc(title, func(w string) bool { return things.Tails[w] }); i > 0 {
		title = title[:i]
	}
	if shares(title, file) && len(title) <= 4 {
		if name := nouns.longest(title, true); name != "" {
			return name
		}
	}
	for n := min(3, len(file)); n > 0; n-- {
		if name := nouns.longest(file[:n], false); name != "" && (nouns.usual(name) || slices.Contains(d.keywords, name)) {
			return name
		}
	}
	return ""
}

// contentWords are the words of a title or a file's name in lower case, without numbers and words of style.
func contentWords(s string) []string {
	if i := strings.IndexByte(s, '('); i > 0 {
		s = s[:i]
	}
	words := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !(r >= 'a' && r <= 'z' || r >= 0xc0) })
	return slices.DeleteFunc(words, func(w string) bool { return styles[w] })
}

func shares(a, b []string) bool {
	return slices.ContainsFunc(a, func(w string) bool { return slices.Contains(b, w) })
}
