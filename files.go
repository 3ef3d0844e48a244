package chiasm

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/chiasm/chiasm/hub"
)

// weightFiles are the forms that a repository may keep weights in, best first. A name that ends in .index.json brings its shards along.
var weightFiles = []string{
	"model.safetensors", "model.safetensors.index.json", "open_clip_model.safetensors", "open_clip_pytorch_model.safetensors",
	"pytorch_model.bin", "pytorch_model.bin.index.json", "open_clip_pytorch_model.bin",
	"model.bin", // of CTranslate2
}

// otherFiles are what a model needs besides weights, and its card.
var otherFiles = []string{
	"config.json", "open_clip_config.json", "preprocessor_config.json", "processor_config.json", "tokenizer.json", "tokenizer_config.json",
	"special_tokens_map.json", "vocab.json", "merges.txt", "vocab.txt", "added_tokens.json", "modules.json", "sentence_bert_config.json",
	"config_sentence_transformers.json", "generation_config.json", "normalizer.json", "vocabulary.json", "vocabulary.txt", "README.md",
}

// moduleFolder is the name of a folder in which sentence-transformers keeps a module, as 1_Pooling.
var moduleFolder = regexp.MustCompile(`^[0-9]+_[A-Za-z0-9]+$`)

// modelFolders lists the folders below path that may hold files of a model: itself, and those of modules.
func modelFolders(path string) []string {
	folders := []string{""}
	entries, _ := os.ReadDir(path) // what cannot be read is not there
	for _, e := range entries {
		if moduleFolder.MatchString(e.Name()) {
			folders = append(folders, e.Name())
		}
	}
	return folders
}

// Files chooses, of a repository's files, the ones that chiasm needs: configuration, tokenizer, card, and the best form of the weights, of
// the model and of the modules that it keeps in folders. It is what [Open] and `chiasm pull` hand to the hub's client.
func Files(files []hub.File) []hub.File {
	byName := map[string]bool{}
	for _, f := range files {
		byName[f.Name] = true
	}
	best := map[string]func(file string) bool{} // by folder: whether a file belongs to the best form of its weights
	return slices.DeleteFunc(slices.Clone(files), func(f hub.File) bool {
		folder, name := path.Split(f.Name)
		if folder != "" && !moduleFolder.MatchString(strings.TrimSuffix(folder, "/")) {
			return true
		}
		if best[folder] == nil {
			best[folder] = bestWeights(func(name string) bool { return byName[folder+name] })
		}
		return !best[folder](name) && !slices.Contains(otherFiles, name)
	})
}

// bestWeights tells which files belong to the best form of the weights in a folder that has some files.
func bestWeights(has func(name string) bool) (belongs func(file string) bool) {
	for _, name := range weightFiles {
		if !has(name) {
			continue
		}
		stem, ok := strings.CutSuffix(name, ".index.json")
		if !ok {
			return func(file string) bool { return file == name }
		}
		ext := filepath.Ext(stem)
		return func(file string) bool {
			return file == name || strings.HasPrefix(file, strings.TrimSuffix(stem, ext)+"-") && strings.HasSuffix(file, ext)
		}
	}
	return func(string) bool { return false }
}

func hasWeights(dir string) bool {
	return slices.ContainsFunc(weightFiles, func(name string) bool { return exists(filepath.Join(dir, name)) })
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// fingerprint tells the contents of a local model apart from another's: a hash of its file sizes and of samples of each file.
func fingerprint(path string) (string, error) {
	files := []string{path}
	if info, err := os.Stat(path); err != nil {
		return "", err
	} else if info.IsDir() {
		files = nil
		for _, folder := range modelFolders(path) {
			for _, name := range slices.Concat(otherFiles[:len(otherFiles)-1], weightFiles) {
				if file := filepath.Join(path, folder, name); exists(file) {
					files = append(files, file)
				}
			}
		}
	}
	sum := sha256.New()
	for _, name := range files {
		if err := sample(sum, name); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// sample writes a file's name and size and up to 32 pieces of 4 KiB, evenly spread, to w.
func sample(w io.Writer, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return sampleOf(w, filepath.Base(name), f, info.Size())
}

func sampleOf(w io.Writer, name string, from io.ReaderAt, size int64) error {
	fmt.Fprintf(w, "%s %d\n", name, size)
	const piece, pieces = 4096, 32
	step := max(size/pieces, piece)
	for at := int64(0); at < size; at += step {
		if _, err := io.Copy(w, io.NewSectionReader(from, at, piece)); err != nil {
			return err
		}
	}
	return nil
}
