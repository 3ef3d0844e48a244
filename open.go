package chiasm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/chiasm/chiasm/hub"
	"github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/model/clip"
	"github.com/chiasm/chiasm/model/sentence"
	"github.com/chiasm/chiasm/model/siglip"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/token"
)

// A family is a kind of model. What it can do besides is the interfaces that follow; the verbs of one that it lacks answer
// errors.ErrUnsupported. Vectors are not normalised.
type family interface {
	Dimension() int  // of the space
	Layout() string  // whose form the files have
	Params() any     // what nn.Params walks over
	Files() []string // that hold the weights
	Close() error
}

// readsText is a family with a text tower.
type readsText interface {
	Encode(text string) *token.Encoding               // ids with special tokens, neither padded nor cut
	Fit(ids []int32) (fitted []int32, truncated bool) // cuts ids to what the model reads
	EmbedText(p *tensor.Pass, texts [][]int32) (*tensor.Tensor, error)
	Context() int // tokens of the longest text
}

// seesImages is a family with an image tower.
type seesImages interface {
	Pixels() *image.Processor
	EmbedImage(pixels *tensor.Tensor) *tensor.Tensor // pixels [B, 3, H, W]
	ImageTokens() int                                // of a picture
}

// scoresPairs is a family whose vectors were trained to be compared: logits are Scale·cosine + Bias.
type scoresPairs interface {
	Scale() float32
	Bias() float32
	Sigmoid() bool // a logit's sigmoid is the probability of its pair; else it is one of several alternatives
}

// architectures is the one table from what a model's files say of themselves to the code that runs it.
var architectures = map[string]func(path string) (family, error){
	"CLIPModel":             openCLIP, // config.json: architectures
	"clip":                  openCLIP, // config.json: model_type
	"open_clip":             openCLIP, // open_clip_config.json
	"OpenAI's CLIP":         openCLIP, // a single file of OpenAI's
	"SiglipModel":           openSigLIP,
	"siglip":                openSigLIP,
	"sentence-transformers": openSentence, // modules.json
	"bert":                  openSentence,
	"roberta":               openSentence,
	"xlm-roberta":           openSentence,
	"camembert":             openSentence,
	"distilbert":            openSentence,
	"mpnet":                 openSentence,
}

var (
	openCLIP     = opens(clip.Open)
	openSigLIP   = opens(siglip.Open)
	openSentence = opens(sentence.Open)
)

// opens makes what a package opens a family. A failed one is nil, not a family that holds a nil.
func opens[F family](open func(path string) (F, error)) func(path string) (family, error) {
	return func(path string) (family, error) {
		m, err := open(path)
		if err != nil {
			return nil, err
		}
		return m, nil
	}
}

// Open loads a model. name is a folder or file on disk, or a hub id "org/name" or "org/name@revision", which is taken from the
// Hugging Face cache or else downloaded into it. opts may be nil.
func Open(ctx context.Context, name string, opts *Options) (*Model, error) {
	if opts == nil {
		opts = &Options{}
	}
	if err := opts.validate(); err != nil {
		return nil, err
	}
	path, space, err := locate(ctx, name, opts)
	if err != nil {
		return nil, err
	}
	kind, err := Recognise(path)
	if err != nil {
		return nil, err
	}
	f, err := architectures[kind](path)
	if err != nil {
		return nil, fmt.Errorf("chiasm: open %s: %w", name, err)
	}
	space.Dimension = f.Dimension()
	if space.Revision == "" {
		if space.Revision, err = fingerprint(path); err != nil {
			f.Close()
			return nil, fmt.Errorf("chiasm: open %s: %w", name, err)
		}
	}
	m := newModel(f)
	m.name, m.path, m.kind, m.space, m.opts = name, path, kind, space, *opts
	m.openStore()
	if err := m.setPrecision(ctx); err != nil {
		m.Close()
		return nil, err
	}
	m.attach()
	return m, nil
}

// locate finds where a model lies on disk, downloading it if need be.
func locate(ctx context.Context, name string, opts *Options) (path string, space Space, err error) {
	if _, err := os.Stat(name); err == nil {
		abs, err := filepath.Abs(name)
		if err != nil {
			return "", Space{}, fmt.Errorf("chiasm: open %s: %w", name, err)
		}
		return abs, Space{Model: filepath.Base(abs)}, nil
	}
	id, err := hub.ParseID(name)
	if err != nil {
		return "", Space{}, fmt.Errorf("chiasm: open %s: there is no such folder or file, and it is not a hub id (org/name): %w", name, err)
	}
	client, err := hub.FromEnv()
	if err != nil {
		return "", Space{}, fmt.Errorf("chiasm: %w", err)
	}
	client.Offline = client.Offline || opts.Offline
	client.Progress = opts.Progress
	path, ok := client.Find(id)
	if ok {
		_, err := Recognise(path)
		ok = err == nil
	}
	if !ok {
		if path, err = client.Pull(ctx, id, Files); err != nil {
			return "", Space{}, fmt.Errorf("chiasm: open %s: %w", name, err)
		}
	}
	return path, Space{Model: id.Repo, Revision: filepath.Base(path)}, nil
}

// Recognise says what kind of model a folder or file holds, by its small files alone: its architecture, or its publisher's format. The
// error says why chiasm cannot run it.
func Recognise(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("chiasm: %w", err)
	}
	if !info.IsDir() {
		return "OpenAI's CLIP", nil
	}
	var found []string
	data, err := os.ReadFile(filepath.Join(path, "config.json"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("chiasm: %w", err)
	}
	if err == nil {
		var config struct {
			Architectures []string `json:"architectures"`
			ModelType     string   `json:"model_type"`
		}
		if err := json.Unmarshal(data, &config); err != nil {
			return "", fmt.Errorf("chiasm: %s: %w", filepath.Join(path, "config.json"), err)
		}
		found = config.Architectures
		if config.ModelType != "" {
			found = append(found, config.ModelType)
		}
	}
	for file, kind := range map[string]string{"open_clip_config.json": "open_clip", "modules.json": "sentence-transformers"} {
		if _, err := os.Stat(filepath.Join(path, file)); err == nil {
			found = append(found, kind)
		}
	}
	for _, name := range found {
		if architectures[name] != nil {
			if !hasWeights(path) {
				return "", fmt.Errorf("chiasm: %s has no weights, want one of %s", path, strings.Join(weightFiles, ", "))
			}
			return name, nil
		}
	}
	var known []string
	for name := range architectures {
		known = append(known, name)
	}
	sort.Strings(known)
	if len(found) == 0 {
		return "", fmt.Errorf("chiasm: %s is not a model: want a config.json with architectures or model_type, or an open_clip_config.json", path)
	}
	return "", fmt.Errorf("chiasm: %s is of the architecture %s, want one of %s", path, strings.Join(found, ", "), strings.Join(known, ", "))
}

// weightFiles are the forms that a repository may keep weights in, best first. A name that ends in .index.json brings its shards along.
var weightFiles = []string{
	"model.safetensors", "model.safetensors.index.json", "open_clip_model.safetensors", "open_clip_pytorch_model.safetensors",
	"pytorch_model.bin", "pytorch_model.bin.index.json", "open_clip_pytorch_model.bin",
}

// otherFiles are what a model needs besides weights, and its card.
var otherFiles = []string{
	"config.json", "open_clip_config.json", "preprocessor_config.json", "processor_config.json", "tokenizer.json", "tokenizer_config.json",
	"special_tokens_map.json", "vocab.json", "merges.txt", "added_tokens.json", "README.md",
}

// Files chooses, of a repository's files, the ones that chiasm needs: configuration, tokenizer, card, and the best form of the weights.
// It is what [Open] and `chiasm pull` hand to the hub's client.
func Files(files []hub.File) []hub.File {
	byName := map[string]bool{}
	for _, f := range files {
		byName[f.Name] = true
	}
	want := func(string) bool { return false }
	for _, name := range weightFiles {
		if !byName[name] {
			continue
		}
		want = func(file string) bool { return file == name }
		if stem, ok := strings.CutSuffix(name, ".index.json"); ok {
			ext := filepath.Ext(stem)
			want = func(file string) bool {
				return file == name || strings.HasPrefix(file, strings.TrimSuffix(stem, ext)+"-") && strings.HasSuffix(file, ext)
			}
		}
		break
	}
	return slices.DeleteFunc(slices.Clone(files), func(f hub.File) bool {
		return !want(f.Name) && !slices.Contains(otherFiles, f.Name)
	})
}

func hasWeights(dir string) bool {
	return slices.ContainsFunc(weightFiles, func(name string) bool {
		_, err := os.Stat(filepath.Join(dir, name))
		return err == nil
	})
}

// fingerprint tells the contents of a local model apart from another's: a hash of its file sizes and of samples of each file.
func fingerprint(path string) (string, error) {
	files := []string{path}
	if info, err := os.Stat(path); err != nil {
		return "", err
	} else if info.IsDir() {
		files = nil
		for _, name := range slices.Concat(otherFiles[:len(otherFiles)-1], weightFiles) {
			if _, err := os.Stat(filepath.Join(path, name)); err == nil {
				files = append(files, filepath.Join(path, name))
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
	fmt.Fprintf(w, "%s %d\n", filepath.Base(name), info.Size())
	const piece, pieces = 4096, 32
	step := max(info.Size()/pieces, piece)
	for at := int64(0); at < info.Size(); at += step {
		if _, err := io.Copy(w, io.NewSectionReader(f, at, piece)); err != nil {
			return err
		}
	}
	return nil
}
