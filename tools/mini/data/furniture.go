package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/chiasm/chiasm/tools/internal/things"

	"github.com/chiasm/chiasm/tools/internal/fetch"
)

// furniture adds the rendered icons of sweethome3d's libraries of models; the models stay unpacked beside, for more views of them.
func (c *collection) furniture() error {
	dir, err := c.open("sweethome3d")
	if err != nil {
		return err
	}
	libraries, err := filepath.Glob(filepath.Join(dir, "usr/share/sweethome3d/furniture/*.sh3f"))
	if err != nil {
		return err
	}
	for _, file := range libraries {
		if err := c.library(file); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
	}
	return nil
}

// library adds one library: a zip archive with a catalogue, its translations, icons and models.
func (c *collection) library(file string) error {
	name := strings.TrimSuffix(filepath.Base(file), ".sh3f")
	dir := filepath.Join(c.dir, "models", name)
	if _, err := os.Stat(dir); err != nil {
		if err := fetch.Unzip(file, dir, func(member string) string { return member }); err != nil {
			return err
		}
	}
	const catalogue = "PluginFurnitureCatalog"
	main, err := readProperties(filepath.Join(dir, catalogue+".properties"))
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(dir, catalogue+"_*.properties"))
	if err != nil {
		return err
	}
	translations := map[string]map[string]string{}
	for _, file := range files {
		language := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), catalogue+"_"), ".properties")
		if translations[language], err = readProperties(file); err != nil {
			return err
		}
	}
	licence := "CC-BY-3.0"
	if strings.Contains(main["license"], "Public domain") {
		licence = "CC0-1.0"
	}
	for i := 1; main[fmt.Sprintf("name#%d", i)] != ""; i++ {
		of := func(key string) string { return main[fmt.Sprintf("%s#%d", key, i)] }
		p := picture{ID: fmt.Sprintf("sweethome3d/%s/%d", name, i), Source: "sweethome3d", Domain: "render", Alpha: true, Licence: licence}
		p.Names = map[string][]string{"en": {of("name")}}
		for language, t := range translations {
			if n := t[fmt.Sprintf("name#%d", i)]; n != "" && n != of("name") {
				p.Names[things.Tag(language)] = []string{n}
			}
		}
		p.Tags = append(p.Tags, of("category"))
		p.Model = filepath.ToSlash(filepath.Join("models", name, of("model")))
		if err := c.file(p, filepath.Join(dir, of("icon")), nil); err != nil {
			return err
		}
		c.shapes = append(c.shapes, newShape(p, of))
	}
	return nil
}

// newShape reads how the catalogue wants a model turned and sized.
func newShape(p picture, of func(key string) string) shape {
	s := shape{of: p, matrix: [9]float64{1, 0, 0, 0, 1, 0, 0, 0, 1}}
	if turned := strings.Fields(of("modelRotation")); len(turned) == len(s.matrix) {
		for i, n := range turned {
			s.matrix[i], _ = strconv.ParseFloat(n, 64)
		}
	}
	for i, key := range []string{"width", "height", "depth"} {
		s.size[i], _ = strconv.ParseFloat(of(key), 64)
	}
	return s
}

// readProperties reads a Java properties file: lines of key=value, comments after #, \uXXXX for what is not ASCII.
func readProperties(path string) (map[string]string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	m := map[string]string{}
	for line := range strings.Lines(latin1(data)) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || strings.HasPrefix(key, "#") && !strings.Contains(key, "name") {
			continue
		}
		m[strings.TrimSpace(key)] = strings.TrimSpace(unescape(value))
	}
	return m, nil
}

// latin1 is text in ISO 8859-1, which properties files are in.
func latin1(data []byte) string {
	var b strings.Builder
	for _, c := range data {
		b.WriteRune(rune(c))
	}
	return b.String()
}

// unescape resolves \uXXXX and other escaped characters.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == '\\' && i+1 < len(s) {
			var code rune
			if s[i+1] == 'u' && i+6 <= len(s) {
				if _, err := fmt.Sscanf(s[i+2:i+6], "%04x", &code); err == nil {
					r, n = code, 6
				}
			} else {
				r, n = rune(s[i+1]), 2
			}
		}
		b.WriteRune(r)
		i += n
	}
	return b.String()
}
