// The program data lays out what the shipped model is trained and tested on: pictures with names in many languages, and lists of names. It
// fetches packages of Debian and npm in pinned versions through apt-get and npm, checks their hashes, and renders vector pictures by
// rsvg-convert.
//
//	go run ./tools/mini/data [-views N] DIR
//
// DIR gets manifest.jsonl, a line for each picture, and the pictures in pictures/SOURCE; names.jsonl, what things are called in many
// languages; sounds.jsonl and sounds/SOURCE, sounds to test on; and in models the 3D models that some pictures show. What is there already
// is not made again. Nothing of it is part of the repository.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	views := flag.Int("views", 0, fmt.Sprintf("pictures to render of each 3D model, at most %d", maxViews))
	flag.Parse()
	if flag.NArg() != 1 || *views < 0 || *views > maxViews {
		fmt.Fprintln(os.Stderr, "usage: data [-views N] DIR")
		flag.PrintDefaults()
		os.Exit(2)
	}
	if err := run(flag.Arg(0), *views); err != nil {
		fmt.Fprintln(os.Stderr, "data:", err)
		os.Exit(1)
	}
}

func run(dir string, views int) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	c := &collection{dir: dir}
	all, err := c.readEmoji()
	if err != nil {
		return err
	}
	nouns, err := c.readVocabulary(all)
	if err != nil {
		return err
	}
	if err := errors.Join(c.writeNames(all, nouns), c.writeSounds()); err != nil {
		return err
	}
	if err := c.gather(all, nouns); err != nil {
		return err
	}
	if err := c.render(); err != nil {
		return err
	}
	c.views(views)
	fmt.Fprintln(os.Stderr, "data: copies left out:", c.unique())
	c.onlyKnownEmoji()
	return c.writeManifest()
}

func (c *collection) writeNames(all []*emoji, nouns *vocabulary) error {
	names, err := c.names(all, nouns)
	if err != nil {
		return fmt.Errorf("names: %w", err)
	}
	return writeLines(filepath.Join(c.dir, "names.jsonl"), names)
}

func (c *collection) writeSounds() error {
	sounds, err := c.sounds()
	if err != nil {
		return fmt.Errorf("sounds: %w", err)
	}
	return writeLines(filepath.Join(c.dir, "sounds.jsonl"), sounds)
}

// writeManifest checks and writes the pictures' lines, and says how many there are of each kind.
func (c *collection) writeManifest() error {
	slices.SortFunc(c.pictures, func(a, b picture) int { return strings.Compare(a.ID, b.ID) })
	var errs []error
	counts := map[string]int{}
	for i := range c.pictures {
		p := &c.pictures[i]
		errs = append(errs, p.check())
		counts[p.Use+" "+p.Source+"/"+p.Domain]++
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, kind := range sortedKeys(counts) {
		fmt.Fprintf(os.Stderr, "data: %5d %s\n", counts[kind], kind)
	}
	return writeLines(filepath.Join(c.dir, "manifest.jsonl"), c.pictures)
}

// gather collects the pictures of all sources.
func (c *collection) gather(all []*emoji, nouns *vocabulary) error {
	var errs []error
	step := func(name string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	step("gcompris", c.photos())
	step("tuxpaint", c.stamps())
	step("spots", c.spots())
	step("art4apps", c.wordPictures())
	step("openmoji", c.emojiFiles(all, "openmoji", "package/color/svg"))
	step("fluent-3d", c.emojiFiles(all, "fluent-3d", "package/assets"))
	step("twemoji", c.emojiFiles(all, "twemoji", "package"))
	for _, name := range []string{"noto", "fluent-flat", "noto-blob", "emojione", "fxemoji", "streamline"} {
		step(name, c.emojiIcons(all, name))
	}
	for _, name := range iconSets {
		step(name, c.icons(name, nouns))
	}
	step("sweethome3d", c.furniture())
	step("openclipart", c.clipArt(nouns))
	c.borrowNames(all)
	return errors.Join(errs...)
}

// borrowNames gives pictures to train on, whose English name is an emoji's or an everyday word, its names in languages that they lack.
func (c *collection) borrowNames(all []*emoji) {
	known := map[string]map[string][]string{}
	for _, names := range readNameRows(everydayWords) {
		for _, name := range names["en"] {
			known[name] = names
		}
	}
	for _, e := range all {
		known[strings.ToLower(e.label)] = e.names
	}
	for _, p := range c.pictures {
		if p.Use != train || p.Ref != "" {
			continue
		}
		for language, names := range known[strings.ToLower(p.Names["en"][0])] {
			if p.Names[language] == nil {
				p.Names[language] = names
			}
		}
	}
}

// onlyKnownEmoji takes out of the gallery of the drawing style that is only tested on what no trained style shows.
func (c *collection) onlyKnownEmoji() {
	known := map[string]bool{}
	for _, p := range c.pictures {
		if p.Use == train && p.Ref != "" {
			known[p.Ref] = true
		}
	}
	for i := range c.pictures {
		if p := &c.pictures[i]; p.Source == "openmoji" && p.Domain == "emoji" && !known[p.Ref] {
			p.Domain = "unknown-emoji"
		}
	}
}
