package chiasm

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/chiasm/chiasm/model/mini"
)

// Shipped is the name of the model that is inside the program: texts in many languages, pictures and sounds, with nothing to download. A
// folder of that name is meant by ./mini.
const Shipped = "mini"

// errNoneShipped is why [Shipped] does not open.
var errNoneShipped = errors.New("this build of chiasm has no model inside: name another, a folder or a hub id such as openai/clip-vit-base-patch32")

// shippedModel is the files of the shipped model, a variable for tests.
var shippedModel = mini.Shipped

// openShipped opens the model inside the program, which touches no file.
func openShipped() (family, *Model, error) {
	files := shippedModel()
	if files == nil {
		return nil, nil, fmt.Errorf("chiasm: open %s: %w", Shipped, errNoneShipped)
	}
	f, err := mini.Parse(files)
	if err != nil {
		return nil, nil, fmt.Errorf("chiasm: open %s: %w", Shipped, err)
	}
	sum := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if name == mini.CardFile {
			continue
		}
		if err := sampleOf(sum, name, bytes.NewReader(files[name]), int64(len(files[name]))); err != nil {
			f.Close()
			return nil, nil, fmt.Errorf("chiasm: open %s: %w", Shipped, err)
		}
	}
	m := newModel(f)
	m.kind, m.shipped = mini.Kind, files
	m.space = Space{Model: Shipped, Revision: hex.EncodeToString(sum.Sum(nil))}
	return f, m, nil
}

// Ships reports whether [Shipped] is inside this build.
func Ships() bool { return shippedModel() != nil }

// shippedFiles lists files with their sizes.
func shippedFiles(files map[string][]byte) (list []File) {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		list = append(list, File{name, int64(len(files[name]))})
	}
	return list
}

// instead names a model that can do what the shipped one cannot.
func instead(verb string) string {
	switch verb {
	case "transcribe":
		return "; openai/whisper-base can"
	case "see videos", "embed videos", "embed sequences":
		return "; an EmbeddingGemma 2 can"
	}
	return ""
}
