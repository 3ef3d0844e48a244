package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/chiasm/chiasm/tools/internal/things"
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
	names, texts := things.Stamp(string(text))
	p.Names, p.Caption = names, texts["en"]
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
