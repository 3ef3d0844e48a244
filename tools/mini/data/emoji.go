package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// An emoji is a record of emojibase with its names in all languages.
type emoji struct {
	code  string // code points in lower case, joined by "-", without variation selectors
	char  string
	label string // English
	tags  []string
	group int
	names map[string][]string
}

type emojibaseRecord struct {
	Label   string   `json:"label"`
	Hexcode string   `json:"hexcode"`
	Tags    []string `json:"tags"`
	Emoji   string   `json:"emoji"`
	Group   *int     `json:"group"`
}

// Groups of emojibase whose pictures are not things.
const (
	groupComponents = 2
	groupSymbols    = 8
	groupFlags      = 9
)

// emojiCode is the key that sets of emoji are joined by.
func emojiCode(hex string) string {
	return strings.ReplaceAll(strings.ToLower(hex), "-fe0f", "")
}

// readEmoji gives the emoji of emojibase with skin tones left out, in its order, with their names by language.
func (c *collection) readEmoji() ([]*emoji, error) {
	dir, err := c.open("emojibase")
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "package/*/data.json"))
	if err != nil {
		return nil, err
	}
	english, err := readJSON[[]emojibaseRecord](filepath.Join(dir, "package/en/data.json"))
	if err != nil {
		return nil, err
	}
	var all []*emoji
	byCode := map[string]*emoji{}
	for _, r := range english {
		if r.Group == nil || *r.Group == groupComponents {
			continue
		}
		e := &emoji{emojiCode(r.Hexcode), r.Emoji, r.Label, r.Tags, *r.Group, map[string][]string{}}
		all = append(all, e)
		byCode[e.code] = e
	}
	for _, file := range files {
		language := filepath.Base(filepath.Dir(file))
		records, err := readJSON[[]emojibaseRecord](file)
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			if e := byCode[emojiCode(r.Hexcode)]; e != nil && r.Label != "" {
				e.names[language] = []string{r.Label}
			}
		}
	}
	return all, nil
}

// slug is a name as icon sets write it.
func slug(name string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(strings.NewReplacer("’", "", "'", "", "“", "", "”", "", "ñ", "n", "é", "e", "ô", "o", "ã", "a", "í", "i", "ç", "c", "å", "a").Replace(name)),
		func(r rune) bool { return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9') }), "-")
}

// picture is the manifest's line for an emoji in a style.
func (e *emoji) picture(source string) picture {
	domain := "emoji"
	switch e.group {
	case groupFlags:
		domain = "flag"
	case groupSymbols:
		domain = "sign"
	}
	return picture{ID: source + "/" + e.code, Source: source, Domain: domain, Alpha: true, Names: e.names, Tags: e.tags, Ref: "emoji:" + e.code}
}

// emojiFiles adds the pictures of an emoji set that is a folder of files named by code points.
func (c *collection) emojiFiles(all []*emoji, source, folder string) error {
	dir, err := c.open(source)
	if err != nil {
		return err
	}
	files, err := os.ReadDir(filepath.Join(dir, folder))
	if err != nil {
		return err
	}
	byCode := map[string]string{}
	for _, f := range files {
		byCode[emojiCode(strings.TrimSuffix(f.Name(), filepath.Ext(f.Name())))] = filepath.Join(dir, folder, f.Name())
	}
	for _, e := range all {
		file, ok := byCode[e.code]
		switch {
		case !ok:
		case filepath.Ext(file) == ".svg":
			svg, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			c.vector(e.picture(source), svg)
		default:
			if err := c.file(e.picture(source), file, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// An iconSet is the JSON of an icon set: bodies of SVG files by name.
type iconSet struct {
	Icons map[string]struct {
		Body          string
		Width, Height float64
		Left, Top     float64
	}
	Aliases       map[string]struct{ Parent string }
	Width, Height float64
}

// svg is the whole file of an icon.
func (s *iconSet) svg(name string) ([]byte, bool) {
	if a, ok := s.Aliases[name]; ok {
		name = a.Parent
	}
	icon, ok := s.Icons[name]
	if !ok {
		return nil, false
	}
	w, h := icon.Width, icon.Height
	if w == 0 {
		w = s.Width
	}
	if h == 0 {
		h = s.Height
	}
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="%g %g %g %g">%s</svg>`, icon.Left, icon.Top, w, h, icon.Body), true
}

// emojiIcons adds the pictures of an emoji set that is one icon file: joined by code points where the set tells them, else by name.
func (c *collection) emojiIcons(all []*emoji, source string) error {
	dir, err := c.open(source)
	if err != nil {
		return err
	}
	icons, err := readJSON[iconSet](filepath.Join(dir, "package/icons.json"))
	if err != nil {
		return err
	}
	chars := map[string]string{}
	if data, err := os.ReadFile(filepath.Join(dir, "package/chars.json")); err == nil {
		if err := json.Unmarshal(data, &chars); err != nil {
			return fmt.Errorf("%s: %w", source, err)
		}
	}
	byCode := map[string]string{}
	for code, name := range chars {
		byCode[emojiCode(code)] = name
	}
	joined := map[string]bool{}
	for _, e := range all {
		names := []string{byCode[e.code], slug(e.label), strings.ReplaceAll(slug(e.label), "-", ""), strings.TrimSuffix(slug(e.label), "-face")}
		i := slices.IndexFunc(names, func(n string) bool {
			_, ok := icons.svg(n)
			return ok && !joined[n]
		})
		if i < 0 {
			continue
		}
		joined[names[i]] = true
		svg, _ := icons.svg(names[i])
		c.vector(e.picture(source), svg)
	}
	return nil
}
