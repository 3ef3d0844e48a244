package main

import (
	"bufio"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/chiasm/chiasm/tools/internal/fetch"
)

// voices are the folders of the prompts in each language.
var voices = map[string]string{"en": "en_US_f_Allison", "es": "es_MX_f_Allison", "fr": "fr_CA_f_June", "it": "it_IT_m_Carlo", "ru": "ru_RU_f_IvrvoiceRU"}

// clips lays out sounds with their texts: clips.tsv has a line for each, language, file and text.
func clips(dir string, packages []string) error {
	tree := filepath.Join(dir, "tree")
	for _, file := range packages {
		if err := fetch.UnpackDeb(file, tree); err != nil {
			return err
		}
	}
	share := filepath.Join(tree, "usr/share")
	list := &clipList{dir: dir}
	for _, language := range sorted(voices) {
		texts := filepath.Join(share, "doc/asterisk-core-sounds-"+language, "core-sounds-"+language+".txt.gz")
		if err := list.prompts(language, texts, filepath.Join(share, "asterisk/sounds", voices[language])); err != nil {
			return err
		}
	}
	read := filepath.Join(share, "pocketsphinx/test/data")
	for folder, texts := range map[string]string{"cards": "cards.transcription", "librivox": "transcription"} {
		if err := list.sentences(filepath.Join(read, folder, texts), filepath.Join(read, folder), folder); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "clips.tsv"), []byte(strings.Join(list.sorted(), "\n")+"\n"), 0o644); err != nil {
		return err
	}
	return os.RemoveAll(tree)
}

// A clipList moves sounds to their places.
type clipList struct {
	dir   string
	lines map[string]bool
}

func (l *clipList) sorted() []string { return sorted(l.lines) }

// add moves a sound to place, below dir, and lists it. One that the packages lack is left out.
func (l *clipList) add(language, sound, place, text string) error {
	to := filepath.Join(l.dir, place)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	switch err := os.Rename(sound, to); {
	case os.IsNotExist(err):
		return nil
	case err != nil:
		return err
	}
	if l.lines == nil {
		l.lines = map[string]bool{}
	}
	l.lines[language+"\t"+place+"\t"+strings.Join(strings.Fields(text), " ")] = true
	return nil
}

// prompts reads lines of "name: text"; what is in brackets is not speech.
func (l *clipList) prompts(language, texts, sounds string) error {
	f, err := os.Open(texts)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	return eachLine(r, func(line string) error {
		name, text, ok := strings.Cut(line, ":")
		if !ok || strings.HasPrefix(line, ";") || strings.ContainsAny(text, "[]<>()") || !filepath.IsLocal(name) {
			return nil
		}
		return l.add(language, filepath.Join(sounds, name+".wav"), language+"/"+name+".wav", text)
	})
}

// sentences reads lines of "<s> text </s> (name)", which are English.
func (l *clipList) sentences(texts, sounds, folder string) error {
	f, err := os.Open(texts)
	if err != nil {
		return err
	}
	defer f.Close()
	return eachLine(f, func(line string) error {
		text, name, ok := strings.Cut(strings.TrimPrefix(line, "<s>"), "</s>")
		name = strings.Trim(name, " ()")
		if !ok || !filepath.IsLocal(name) {
			return nil
		}
		return l.add("en", filepath.Join(sounds, name+".wav"), folder+"/"+name+".wav", text)
	})
}

func eachLine(r io.Reader, do func(line string) error) error {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if err := do(strings.TrimPrefix(lines.Text(), "\ufeff")); err != nil {
			return err
		}
	}
	return lines.Err()
}
