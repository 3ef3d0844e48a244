package mini

import (
	"embed"
	"unsafe"
)

// The files of the model that ships are made by `make mini`. Where model.safetensors is empty, none ships.
//
//go:embed weights/config.json weights/tokenizer.json weights/lexicon.txt weights/README.md
var small embed.FS

// A string is read where it lies in the program, without a copy.
//
//go:embed weights/model.safetensors
var tensors string

// Shipped is the files of the model inside the program, by their names, nil if this build has none. The weights are the program's own
// pages: they must not be written to.
func Shipped() map[string][]byte {
	if tensors == "" {
		return nil
	}
	files := map[string][]byte{WeightsFile: unsafe.Slice(unsafe.StringData(tensors), len(tensors))}
	for _, name := range []string{ConfigFile, TokenizerFile, LexiconFile, CardFile} {
		files[name], _ = small.ReadFile("weights/" + name) // they are there, or the program would not have been built
	}
	return files
}
