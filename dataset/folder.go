package dataset

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// A tree is a folder of media files with small files beside them.
type tree struct {
	root   string
	fields *fields
	items  []beside
}

// beside is the files of one item, relative to the root with / between, and its class if folders are classes.
type beside struct {
	key   string
	files []string
	class string
	label int // -1: none
}

// openTree opens a folder: media with texts beside them, or, where there are no texts and everything lies in folders, a folder for
// every class.
func openTree(root string, o *Options) (*Set, error) {
	if inner := filepath.Join(root, o.Split); o.Split != "" {
		if info, err := os.Stat(inner); err != nil || !info.IsDir() {
			return nil, fmt.Errorf("no folder for the split %q", o.Split)
		}
		root = inner
	}
	t := &tree{root: root, fields: newFields(o, filepath.Join(root, "x"))}
	t.fields.beside = true
	texts, err := t.walk()
	if err != nil {
		return nil, err
	}
	s := &Set{Name: root, Format: o.Format, r: t}
	if s.Format == "" {
		s.Format = Folder
		if !texts && len(t.items) > 0 && !slices.ContainsFunc(t.items, func(b beside) bool { return !strings.Contains(b.key, "/") }) {
			s.Format = ClassTree
		}
	}
	if s.Format == ClassTree {
		s.Classes = t.classify()
	}
	return s, nil
}

// walk finds the items, in the order of their keys. It reports whether there are texts or fields.
func (t *tree) walk() (texts bool, err error) {
	media, small := map[string][]string{}, []string{}
	err = filepath.WalkDir(t.root, func(file string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(e.Name(), ".") && file != t.root
		switch {
		case hidden && e.IsDir():
			return filepath.SkipDir
		case hidden || e.IsDir():
			return nil
		}
		rel, err := filepath.Rel(t.root, file)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		switch k := kinds[extension(rel)]; k {
		case picture, sound, video:
			stem := strings.TrimSuffix(rel, path.Ext(rel))
			media[stem] = append(media[stem], rel)
		case words, object, class:
			small = append(small, rel)
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	for _, rel := range small {
		media[t.stem(media, rel)] = append(media[t.stem(media, rel)], rel)
	}
	for _, key := range sortedKeys(media) {
		t.items = append(t.items, beside{key: key, files: media[key], label: -1})
	}
	return len(small) > 0, nil
}

// stem is the item that a small file belongs to: x of x.txt, and of x.zh.txt where zh can be a language.
func (t *tree) stem(media map[string][]string, rel string) string {
	stem := strings.TrimSuffix(rel, path.Ext(rel))
	if tag := strings.TrimPrefix(path.Ext(stem), "."); media[stem] == nil && isTag(tag) {
		return strings.TrimSuffix(stem, path.Ext(stem))
	}
	return stem
}

// classify makes the first folder of every item its class, numbered in the order of the names as torchvision's ImageFolder does.
func (t *tree) classify() []string {
	names := map[string]bool{}
	for i := range t.items {
		b := &t.items[i]
		if folder, _, ok := strings.Cut(b.key, "/"); ok {
			b.class = folder
			names[folder] = true
		}
	}
	classes := sortedKeys(names)
	for i := range t.items {
		if n, ok := slices.BinarySearch(classes, t.items[i].class); ok {
			t.items[i].label = n
		}
	}
	return classes
}

func (t *tree) Len() int     { return len(t.items) }
func (t *tree) Close() error { return nil }

func (t *tree) Item(i int) (*Item, error) {
	b := t.items[i]
	it := &Item{Key: b.key, Class: b.class}
	if b.label >= 0 {
		it.Labels = []int{b.label}
	}
	for _, rel := range b.files {
		if err := t.add(it, b.key, rel); err != nil {
			return it, fmt.Errorf("%s: %w", rel, err)
		}
	}
	t.fields.finish(it)
	it.Key = b.key
	return it, nil
}

// add gives an item one of its files.
func (t *tree) add(it *Item, stem, rel string) error {
	file := filepath.Join(t.root, filepath.FromSlash(rel))
	k := kinds[extension(rel)]
	if k == picture || k == sound || k == video {
		if it.attach(k, File(file)) {
			return errors.New("a second medium of its kind")
		}
		return nil
	}
	f, err := openFile(file, &Options{})
	if err != nil {
		return err
	}
	defer f.Close()
	b, err := f.part(0, f.size)
	if err != nil {
		return err
	}
	spoken := strings.Trim(strings.TrimSuffix(strings.TrimPrefix(rel, stem), path.Ext(rel)), ".")
	return t.fields.sidecar(it, k, spoken, b)
}
