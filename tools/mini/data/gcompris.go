package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/chiasm/chiasm/tools/internal/things"
)

// photoNames names the photographs of gcompris in five languages: a line for each name, with the files that show it.
//
//go:embed photos.tsv
var photoNames string

// photoFolders are the resource files with photographs.
var photoFolders = []string{"categorization", "erase", "explore_farm_animals", "explore_world_animals", "explore_monuments"}

// photos adds the photographs of gcompris: natural ones, and monuments as what else a gallery may hold.
func (c *collection) photos() error {
	dir, err := c.open("gcompris")
	if err != nil {
		return err
	}
	names := readPhotoNames(photoNames)
	for _, folder := range photoFolders {
		data, err := os.ReadFile(filepath.Join(dir, "usr/share/gcompris-qt/rcc", folder+".rcc"))
		if err != nil {
			return err
		}
		isPhoto := func(p string) bool { return strings.Contains(p, "/resource/") && path.Ext(p) == ".webp" }
		if err := walkResources(data, isPhoto, func(file string, content []byte) error {
			stem := strings.TrimSuffix(path.Base(file), ".webp")
			p := picture{ID: "gcompris/" + folder + "/" + stem, Source: "gcompris", Domain: "photo", Names: names[folder+"/"+stem]}
			if strings.Contains(file, "monuments/") {
				p.Domain = "monument"
				p.Names = map[string][]string{"en": {monumentName(stem)}}
			}
			if p.Names == nil {
				return nil // not a photograph, or none that can be named
			}
			return c.file(p, stem+".webp", content)
		}); err != nil {
			return fmt.Errorf("%s: %w", folder, err)
		}
	}
	return nil
}

// readPhotoNames gives the names of each photograph by folder and file, which the table's last column lists.
func readPhotoNames(table string) map[string]map[string][]string {
	all := map[string]map[string][]string{}
	for _, names := range readNameRows(table) {
		files := names["files"]
		delete(names, "files")
		for _, file := range files {
			all[file] = names
		}
	}
	return all
}

// monumentName is a file's name as words: leaningTowerOfPisa.
func monumentName(stem string) string {
	var b strings.Builder
	for i, r := range stem {
		switch {
		case i == 0:
			r = unicode.ToUpper(r)
		case unicode.IsUpper(r) || unicode.IsDigit(r):
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// wordPictures adds the word pictures of art4apps, with translations of the words as gcompris has them.
func (c *collection) wordPictures() error {
	dir, err := c.open("art4apps")
	if err != nil {
		return err
	}
	words, err := c.wordTranslations()
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(dir, "usr/share/games/pysiogame/res/images/art4apps/*/*.jpg"))
	if err != nil {
		return err
	}
	for _, file := range files {
		topic, word := filepath.Base(filepath.Dir(file)), strings.TrimSuffix(filepath.Base(file), ".jpg")
		p := picture{ID: "art4apps/" + topic + "/" + word, Source: "art4apps", Domain: "wordpicture", Tags: []string{topic}}
		p.Names = map[string][]string{"en": {strings.ReplaceAll(word, "_", " ")}}
		for language, t := range words {
			if w := t[strings.ToLower(word)]; w != "" && language != "en" {
				p.Names[language] = []string{w}
			}
		}
		if err := c.file(p, file, nil); err != nil {
			return err
		}
	}
	return nil
}

// wordTranslations reads gcompris' lists of words: by language, then by the English word with underscores.
func (c *collection) wordTranslations() (map[string]map[string]string, error) {
	dir, err := c.open("gcompris")
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(dir, "usr/share/gcompris-qt/rcc/lang.rcc"))
	if err != nil {
		return nil, err
	}
	all := map[string]map[string]string{}
	isList := func(p string) bool { return strings.HasPrefix(path.Base(p), "content-") && path.Ext(p) == ".json" }
	err = walkResources(data, isList, func(file string, content []byte) error {
		var list map[string]string
		if err := json.Unmarshal(content, &list); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		words := map[string]string{}
		for sound, word := range list {
			words[strings.ToLower(strings.TrimSuffix(sound, ".ogg"))] = word
		}
		all[things.Tag(strings.TrimSuffix(strings.TrimPrefix(path.Base(file), "content-"), ".json"))] = words
		return nil
	})
	return all, err
}
