package chiasm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/chiasm/chiasm/hub"
	"github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/model/chineseclip"
	"github.com/chiasm/chiasm/model/clap"
	"github.com/chiasm/chiasm/model/clip"
	"github.com/chiasm/chiasm/model/dual"
	"github.com/chiasm/chiasm/model/embeddinggemma"
	"github.com/chiasm/chiasm/model/mini"
	"github.com/chiasm/chiasm/model/sentence"
	"github.com/chiasm/chiasm/model/siglip"
	"github.com/chiasm/chiasm/model/whisper"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/token"
)

// A family is a kind of model. What it can do besides is the interfaces that follow; the verbs of one that it lacks answer
// errors.ErrUnsupported. Vectors are not normalised.
type family interface {
	Layout() string  // whose form the files have
	Params() any     // what nn.Params walks over
	Files() []string // that hold the weights
	Close() error
}

// makesVectors is a family with a space.
type makesVectors interface{ Dimension() int }

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
	EmbedImage(pixels *tensor.Tensor) *tensor.Tensor // pixels [B, 3, H, W] of a size that the processor makes
	ImageTokens(w, h int) int                        // of a picture of that size
}

// hearsAudio is a family with a sound tower.
type hearsAudio interface {
	AudioRate() int                                                        // Hz of the samples that it takes
	AudioLimit() int                                                       // samples of a sound that one vector hears; what follows is left out
	EmbedAudio(p *tensor.Pass, sounds [][]float32) (*tensor.Tensor, error) // one channel at AudioRate, each at most AudioLimit long
	AudioTokens(samples int) int                                           // tokens of a sound of so many samples
}

// scalesTexts is a family that scores sounds given a text on a scale of their own.
type scalesTexts interface {
	ScaleOfTexts() float32 // instead of Scale
}

// scoresPairs is a family whose vectors were trained to be compared: logits are Scale·cosine + Bias.
type scoresPairs interface {
	Scale() float32
	Bias() float32
	Sigmoid() bool // a logit's sigmoid is the probability of its pair; else it is one of several alternatives
}

// cutsVectors is a family whose vectors were trained so that their beginnings are vectors too (Kusupati et al. 2022, Matryoshka).
type cutsVectors interface {
	Dimensions() []int // to which they may be cut, the whole among them
}

// architectures is the one table from what a model's files say of themselves to the code that runs it.
var architectures = map[string]func(path string) (family, error){
	"CLIPModel":             openCLIP, // config.json: architectures
	"clip":                  openCLIP, // config.json: model_type
	"open_clip":             openCLIP, // open_clip_config.json
	"OpenAI's CLIP":         openCLIP, // a single file of OpenAI's
	"SiglipModel":           openSigLIP,
	"siglip":                openSigLIP,
	"Siglip2Model":          openSigLIP, // NaFlex
	"siglip2":               openSigLIP,
	"ClapModel":             openCLAP,
	"clap":                  openCLAP,
	"ChineseCLIPModel":      openChineseCLIP,
	"chinese_clip":          openChineseCLIP,
	mini.Kind:               openMini,
	"EmbeddingGemma2Model":  openEmbeddingGemma,
	"embedding_gemma2":      openEmbeddingGemma,
	dual.Kind:               openDual,
	"sentence-transformers": openSentence, // modules.json
	moduleCLIP:              openModuleCLIP,
	"bert":                  openSentence,
	"roberta":               openSentence,
	"xlm-roberta":           openSentence,
	"camembert":             openSentence,
	"distilbert":            openSentence,
	"mpnet":                 openSentence,

	"WhisperForConditionalGeneration": openWhisper,
	"whisper":                         openWhisper,
	"CTranslate2's Whisper":           openWhisper, // config.json: alignment_heads
}

var (
	openCLIP           = opens(clip.Open)
	openDual           = opens(dual.Open)
	openSigLIP         = opens(siglip.Open)
	openCLAP           = opens(clap.Open)
	openSentence       = opens(sentence.Open)
	openChineseCLIP    = opens(chineseclip.Open)
	openWhisper        = opens(whisper.Open)
	openEmbeddingGemma = opens(embeddinggemma.Open)
	openMini           = opens(mini.Open)
)

// What a family can do is found out when it is opened: these are those that would lose a verb without a word if an interface changed.
var (
	_, _, _, _ interface {
		makesVectors
		readsText
		seesImages
		scoresPairs
	} = (*clip.Bundle)(nil), (*siglip.Bundle)(nil), (*chineseclip.Bundle)(nil), (*dual.Bundle)(nil)
	_, _ interface {
		makesVectors
		readsText
		takesPrompts
	} = (*sentence.Bundle)(nil), (*embeddinggemma.Bundle)(nil)
	_ interface {
		seesImages
		hearsAudio
		joinsParts
	} = (*embeddinggemma.Bundle)(nil)
	_ interface {
		makesVectors
		readsText
		hearsAudio
		scoresPairs
	} = (*clap.Bundle)(nil)
	_ interface {
		makesVectors
		readsText
		seesImages
		hearsAudio
		scoresPairs
		calibrated
	} = (*mini.Bundle)(nil)
	_ transcribes = (*whisper.Bundle)(nil)
)

// moduleCLIP is a modules.json whose module is a CLIP model.
const moduleCLIP = "sentence-transformers' CLIP"

func openModuleCLIP(path string) (family, error) {
	folder, ok := sentence.CLIPFolder(path)
	if !ok { // somebody is at work there
		return nil, errors.New("its modules.json no longer names a CLIP model")
	}
	return openCLIP(folder)
}

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

// Open loads a model. name is [Shipped], a folder or file on disk, or a hub id "org/name" or "org/name@revision", which is taken from
// the Hugging Face cache or else downloaded into it. opts may be nil.
func Open(ctx context.Context, name string, opts *Options) (*Model, error) {
	if opts == nil {
		opts = &Options{}
	}
	if err := opts.validate(); err != nil {
		return nil, err
	}
	f, m, err := find(ctx, name, opts)
	if err != nil {
		return nil, err
	}
	if v, ok := f.(makesVectors); ok {
		m.space.Dimension, err = dimension(v, opts.Dimension)
	} else if opts.Dimension != 0 {
		err = fmt.Errorf("vectors of %d dimensions, but the model makes none: %w", opts.Dimension, errors.ErrUnsupported)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("chiasm: open %s: %w", name, err)
	}
	m.name, m.opts = name, *opts
	m.openStore()
	if err := m.setPrecision(ctx); err != nil {
		m.Close()
		return nil, err
	}
	m.attach()
	if opts.TextModel != "" {
		if err := m.readBy(ctx, opts.TextModel); err != nil {
			m.Close()
			return nil, err
		}
	}
	return m, nil
}

// find opens a family by its name, and says in a model without options what it is.
func find(ctx context.Context, name string, opts *Options) (family, *Model, error) {
	if name == Shipped {
		return openShipped()
	}
	path, space, err := locate(ctx, name, opts)
	if err != nil {
		return nil, nil, err
	}
	kind, err := Recognise(path)
	if err != nil {
		return nil, nil, err
	}
	f, err := architectures[kind](path)
	if err != nil {
		return nil, nil, fmt.Errorf("chiasm: open %s: %w", name, err)
	}
	if space.Revision == "" {
		if space.Revision, err = fingerprint(path); err != nil {
			f.Close()
			return nil, nil, fmt.Errorf("chiasm: open %s: %w", name, err)
		}
	}
	m := newModel(f)
	m.path, m.kind, m.space = path, kind, space
	return f, m, nil
}

// readBy opens another model to read the texts.
func (m *Model) readBy(ctx context.Context, name string) error {
	others := slices.DeleteFunc(m.modalities(), func(modality string) bool { return modality == "text" })
	if len(others) == 0 {
		return fmt.Errorf("chiasm: %s takes nothing but text: a text model beside it has nothing to meet", m.name)
	}
	opts := m.opts
	opts.TextModel = ""
	words, err := Open(ctx, name, &opts)
	if err != nil {
		return err
	}
	if words.text == nil || words.space.Dimension != m.space.Dimension {
		words.Close()
		return fmt.Errorf("chiasm: text model %s: want a model whose texts have %d dimensions, as %s has; got %d, and it takes %s",
			name, m.space.Dimension, m.name, words.space.Dimension, strings.Join(words.modalities(), " and "))
	}
	m.words, m.space.Text = words, fmt.Sprintf("%s@%.12s", words.space.Model, words.space.Revision)
	return nil
}

// dimension is what a family's vectors have, or the part of it that is asked for.
func dimension(f makesVectors, wanted int) (int, error) {
	whole := f.Dimension()
	if wanted == 0 || wanted == whole {
		return whole, nil
	}
	if cuts, ok := f.(cutsVectors); ok && !slices.Contains(cuts.Dimensions(), wanted) {
		return 0, fmt.Errorf("vectors of %d dimensions, but the model was trained for %v", wanted, cuts.Dimensions())
	}
	if wanted < 0 || wanted > whole {
		return 0, fmt.Errorf("vectors of %d dimensions, but the model's have %d", wanted, whole)
	}
	return wanted, nil
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
			Alignment     [][2]int `json:"alignment_heads"`
		}
		if err := json.Unmarshal(data, &config); err != nil {
			return "", fmt.Errorf("chiasm: %s: %w", filepath.Join(path, "config.json"), err)
		}
		found = config.Architectures
		if config.ModelType != "" {
			found = append(found, config.ModelType)
		}
		if len(found) == 0 && len(config.Alignment) > 0 {
			found = append(found, "CTranslate2's Whisper")
		}
	}
	for _, f := range []struct{ file, kind string }{{"open_clip_config.json", "open_clip"}, {"modules.json", "sentence-transformers"}} {
		if exists(filepath.Join(path, f.file)) {
			found = append(found, f.kind)
		}
	}
	dir := path
	if folder, ok := sentence.CLIPFolder(path); ok {
		dir, found = folder, []string{moduleCLIP}
	}
	for _, name := range found {
		if architectures[name] != nil {
			if !hasWeights(dir) {
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
		return "", fmt.Errorf("chiasm: %s is not a model: want a config.json with architectures or model_type, an open_clip_config.json or a modules.json", path)
	}
	return "", fmt.Errorf("chiasm: %s is of the architecture %s, want one of %s", path, strings.Join(found, ", "), strings.Join(known, ", "))
}
