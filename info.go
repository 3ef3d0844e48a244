package chiasm

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"strings"

	"github.com/chiasm/chiasm/model/mini"
	"github.com/chiasm/chiasm/nn"
)

// Info is what a model's files say of it.
type Info struct {
	Name         string         `json:"name"`
	Path         string         `json:"path"`            // "" for what is inside the program
	Architecture string         `json:"architecture"`    // as the files name it
	Layout       string         `json:"layout"`          // transformers, open_clip, openai or sentence-transformers
	Space        string         `json:"space,omitempty"` // of its vectors, if it makes any
	Modalities   []string       `json:"modalities"`
	Dimension    int            `json:"dimension"` // of the space, 0 for none
	Parameters   int            `json:"parameters"`
	DTypes       map[string]int `json:"dtypes"`                  // stored number formats, with how many parameters each
	Context      int            `json:"context"`                 // tokens of the longest text, 0 for none
	ImageSize    [2]int         `json:"image_size"`              // width and height that pictures are brought to, 0 for none
	AudioRate    int            `json:"audio_rate,omitempty"`    // samples a second that sounds are brought to, 0 for none
	AudioSeconds float64        `json:"audio_seconds,omitempty"` // of a sound that one vector hears at most
	Licence      string         `json:"licence,omitempty"`       // as the model's card states it
	Files        []File         `json:"files"`
	Kept         []File         `json:"kept,omitempty"` // what makes the next start faster, by path: see Options.Cache
	// Prompts are what is put before texts of a kind, by the name of the kind.
	Prompts map[string]string `json:"prompts,omitempty"`
	Text    *Info             `json:"text_model,omitempty"` // of the model that reads the texts, where it is another
}

// A File is one of a model's files.
type File struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
}

// Info describes the model.
func (m *Model) Info() Info {
	card, names := m.shipped[mini.CardFile], shippedFiles(m.shipped)
	if m.shipped == nil {
		card, _ = os.ReadFile(filepath.Join(m.path, "README.md")) // one without a card says nothing
		names = files(m.path)
	}
	info := Info{
		Name: m.name, Path: m.path, Architecture: m.kind, Layout: m.family.Layout(), Modalities: m.modalities(),
		Dimension: m.space.Dimension, Parameters: nn.Count(m.family.Params()), DTypes: map[string]int{},
		Context: m.Context(), Prompts: m.Prompts(), Licence: licence(card), Files: names,
	}
	if m.space.Dimension > 0 {
		info.Space = m.space.String()
	}
	if m.image != nil {
		info.ImageSize[0], info.ImageSize[1] = m.image.Pixels().Size()
	}
	if rate, samples := m.Hears(); rate > 0 {
		info.AudioRate, info.AudioSeconds = rate, float64(samples)/float64(rate)
	}
	for _, folder := range m.store.folders {
		info.Kept = append(info.Kept, keptIn(folder)...)
	}
	if m.words != nil {
		text := m.words.Info()
		info.Text = &text
	}
	for _, t := range nn.Params(m.family.Params()) {
		info.DTypes[t.DType().String()] += t.Len()
	}
	return info
}

// files lists a model's files with their sizes, those of its modules' folders too.
func files(path string) (out []File) {
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	if !info.IsDir() {
		return []File{{filepath.Base(path), info.Size()}}
	}
	for _, folder := range modelFolders(path) {
		entries, err := os.ReadDir(filepath.Join(path, folder))
		if err != nil {
			continue
		}
		for _, e := range entries {
			name := filepath.Join(folder, e.Name())
			if info, err := os.Stat(filepath.Join(path, name)); err == nil && !info.IsDir() { // through the cache's links
				out = append(out, File{filepath.ToSlash(name), info.Size()})
			}
		}
	}
	return out
}

// licence reads the license field of a model card's front matter, "" where there is none.
func licence(card []byte) string {
	lines := bufio.NewScanner(bytes.NewReader(card))
	if !lines.Scan() || strings.TrimSpace(lines.Text()) != "---" {
		return ""
	}
	for lines.Scan() && strings.TrimSpace(lines.Text()) != "---" {
		if v, ok := strings.CutPrefix(lines.Text(), "license:"); ok {
			return strings.Trim(strings.TrimSpace(v), `"'`)
		}
	}
	return ""
}
