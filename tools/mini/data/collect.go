package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/chiasm/chiasm/tools/internal/things"
)

// side is the width and height in pixels that vector pictures are rendered to fit into.
const side = "256"

// A collection gathers the pictures of a folder.
type collection struct {
	dir      string
	pictures []picture
	drawings []drawing // still to be rendered
	shapes   []shape   // whose views are still to be rendered
}

// A drawing is a vector picture on its way to a PNG file.
type drawing struct {
	svg []byte
	to  string
}

// open unpacks the package of a source and gives its folder.
func (c *collection) open(name string) (string, error) {
	s, ok := sources[name]
	if !ok {
		return "", fmt.Errorf("there is no source %q", name)
	}
	return s.pkg.Unpack(filepath.Join(c.dir, "packages"))
}

// file adds a picture whose content is a raster file with the extension of from; the content may be given, else the file is linked.
func (c *collection) file(p picture, from string, content []byte) error {
	p.Path = p.place(filepath.Ext(from))
	to := filepath.Join(c.dir, p.Path)
	if content == nil {
		var err error
		if content, err = os.ReadFile(from); err != nil {
			return err
		}
	}
	p.Hash = digest(content)
	if _, err := os.Stat(to); err != nil {
		if err := writeFile(to, content); err != nil {
			return err
		}
	}
	c.add(p)
	return nil
}

// vector adds a picture to be rendered from SVG.
func (c *collection) vector(p picture, svg []byte) {
	p.Path = p.place(".png")
	p.Hash, p.Alpha = digest(svg), true
	c.drawings = append(c.drawings, drawing{svg, filepath.Join(c.dir, p.Path)})
	c.add(p)
}

// place is where a picture's file goes, below the collection's folder.
func (p *picture) place(extension string) string {
	return path.Join("pictures", p.Source, p.ID[len(p.Source)+1:]+extension)
}

func (c *collection) add(p picture) {
	s := sources[p.Source]
	if p.Licence == "" {
		p.Licence = s.licence
	}
	if p.Use == "" {
		p.Use = s.use
	}
	if p.Concept == "" {
		p.Concept = things.Concept(p.Names["en"][0])
	}
	p.Held = heldOut(p.Concept)
	c.pictures = append(c.pictures, p)
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func writeFile(to string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	temp := to + ".part"
	if err := os.WriteFile(temp, content, 0o644); err != nil {
		return err
	}
	return os.Rename(temp, to)
}

// render makes the PNG files of all drawings that lack theirs; a picture that cannot be rendered is left out and named.
func (c *collection) render() error {
	if _, err := exec.LookPath("rsvg-convert"); err != nil {
		return fmt.Errorf("vector pictures are rendered by rsvg-convert (Debian's librsvg2-bin): %w", err)
	}
	var next atomic.Int64
	var mu sync.Mutex
	broken := map[string]bool{}
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(c.drawings) {
					return
				}
				if err := c.drawings[i].render(); err != nil {
					mu.Lock()
					fmt.Fprintf(os.Stderr, "data: %s: %v; left out\n", c.drawings[i].to, err)
					broken[c.drawings[i].to] = true
					mu.Unlock()
				}
			}
		})
	}
	workers.Wait()
	c.drawings = nil
	var good []picture
	for _, p := range c.pictures {
		if !broken[filepath.Join(c.dir, p.Path)] {
			good = append(good, p)
		}
	}
	c.pictures = good
	return nil
}

func (d drawing) render() error {
	if _, err := os.Stat(d.to); err == nil {
		return nil
	}
	cmd := exec.Command("rsvg-convert", "-w", side, "-h", side, "-a", "-f", "png")
	cmd.Stdin = bytes.NewReader(d.svg)
	png, err := cmd.Output()
	if err == nil && len(png) == 0 {
		err = fmt.Errorf("rsvg-convert wrote nothing")
	}
	if err != nil {
		return err
	}
	return writeFile(d.to, png)
}

// unique leaves out copies: of what is tested on among what may be trained on, and within a source, where the first stays and gets the names
// of the others. Sources with the same pictures keep theirs, since each is a gallery of its own.
func (c *collection) unique() (dropped int) {
	tested := map[string]bool{}
	for _, p := range c.pictures {
		tested[p.Hash] = tested[p.Hash] || p.Use != train
	}
	first := map[string]int{}
	var kept []picture
	for _, p := range c.pictures {
		key := p.Hash
		if p.Use != train {
			key += p.Source
		}
		i, again := first[key]
		if again || p.Use == train && tested[p.Hash] {
			dropped++
			if again {
				kept[i].Names = mergeNames(kept[i].Names, p.Names)
			}
			continue
		}
		first[key] = len(kept)
		kept = append(kept, p)
	}
	c.pictures = kept
	return dropped
}

// mergeNames adds the names of b that a lacks, in a map of its own.
func mergeNames(a, b map[string][]string) map[string][]string {
	all := map[string][]string{}
	for language, names := range a {
		all[language] = slices.Clone(names)
	}
	for language, names := range b {
		for _, n := range names {
			if !slices.Contains(all[language], n) {
				all[language] = append(all[language], n)
			}
		}
	}
	return all
}
