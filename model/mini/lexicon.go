package mini

import (
	"fmt"
	"strings"
	"sync"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// A Lexicon has the keys of words and of instruments' names. A sound means the mean of what it may be, weighted by how likely that is: so
// a spoken word lies where the written one does (for pictures and their classes: Norouzi et al. 2014, "ConSE").
type Lexicon struct {
	Keys *nn.Linear `weight:"keys"` // [W, K]; the longer they are, the surer the choice

	words []string
}

// NewLexicon makes a lexicon without values for words, whose keys have that many values. The words may share one string: see [Words].
func NewLexicon(words []string, key int) *Lexicon {
	return &Lexicon{nn.NewLinear(key, len(words), false), words}
}

// Words reads the lines of a file of words, of which there may be up to most.
func Words(file string, most int) ([]string, error) {
	words := strings.Split(strings.TrimSuffix(file, "\n"), "\n")
	if len(words) > most {
		return nil, fmt.Errorf("mini: a lexicon of %d words, want up to %d", len(words), most)
	}
	for i, w := range words {
		if strings.TrimSpace(w) == "" {
			return nil, fmt.Errorf("mini: word %d of %d of the lexicon is empty", i+1, len(words))
		}
	}
	return words, nil
}

// candidates is how many words a sound may mean at once.
const candidates = 32

// Meaning is the vectors [n, D], of length 1, of texts, computed in the pass.
type Meaning func(p *tensor.Pass, texts []string) (*tensor.Tensor, error)

// Forward maps keys [n, K] to vectors [n, D] of length 1: the means of what their likeliest words mean. The last value is 0: sounds, as
// pictures, have no doubt (see [Text]).
func (l *Lexicon) Forward(keys *tensor.Tensor, meaning Meaning) (*tensor.Tensor, error) {
	p, n := keys.Pass(), keys.Rows()
	likely := l.Keys.Forward(keys).Softmax().Floats()
	g := guesses.Get().(*guess)
	defer guesses.Put(g)
	g.words, g.shares = g.words[:0], g.shares[:0]
	for row := range n {
		g.best(likely[row*len(l.words):][:len(l.words)], l.words)
	}
	texts, err := meaning(p, g.words)
	if err != nil {
		return nil, err
	}
	d := texts.Len() / len(g.words)
	y := p.Empty(n, d)
	clear(y.Floats())
	for i, share := range g.shares {
		sum := y.Floats()[i/candidates*d:][:d]
		for j, v := range texts.Floats()[i*d:][:d-1] { // not the doubt of the word
			sum[j] += float32(share * v)
		}
	}
	return y.Normalize(1e-12), nil
}

// A guess is what sounds may be, candidates for each, and how likely.
type guess struct {
	words  []string
	shares []float32
}

var guesses = sync.Pool{New: func() any { return new(guess) }}

// best adds the likeliest words, the first of equals first.
func (g *guess) best(likely []float32, words []string) {
	var ids [candidates]int
	n := 0
	for id, v := range likely {
		if n == candidates && v <= likely[ids[n-1]] {
			continue
		}
		at := min(n, candidates-1)
		n = at + 1
		for ; at > 0 && v > likely[ids[at-1]]; at-- {
			ids[at] = ids[at-1]
		}
		ids[at] = id
	}
	for i := range candidates { // fewer words than that: the last one again, for nothing
		share := float32(0)
		if i < n {
			share = likely[ids[i]]
		}
		g.words, g.shares = append(g.words, words[ids[min(i, n-1)]]), append(g.shares, share)
	}
}

// A Sound is the tower for sounds: an ear, and a lexicon of what it may hear.
type Sound struct {
	Ear     *Ear     `weight:"ear"`
	Lexicon *Lexicon `weight:"lexicon"`

	hearings sync.Pool
}

// Embed is the vectors [n, D], of length 1, of sounds of [SoundRate], about -1 to 1, of which it hears up to [SoundLimit].
func (s *Sound) Embed(p *tensor.Pass, sounds [][]float32, meaning Meaning) (*tensor.Tensor, error) {
	h, ok := s.hearings.Get().(*hearing)
	if !ok {
		h = new(hearing)
	}
	defer s.hearings.Put(h)
	return s.Lexicon.Forward(s.Ear.Keys(p, h.hear(sounds)), meaning)
}

// EmbedTokens is [Sound.Embed] with the vectors of stretches of the sounds beside those of the whole: [T, D], and where each sound's lie.
func (s *Sound) EmbedTokens(p *tensor.Pass, sounds [][]float32, meaning Meaning) (x, tokens *tensor.Tensor, seq tensor.Spans, err error) {
	h, ok := s.hearings.Get().(*hearing)
	if !ok {
		h = new(hearing)
	}
	defer s.hearings.Put(h)
	heard, patches := s.Ear.Patches(p, h.hear(sounds))
	if x, err = s.Lexicon.Forward(s.Ear.Pool(heard, patches), meaning); err != nil {
		return nil, nil, nil, err
	}
	runs, seq := nn.RunMeans(heard, patches, stretch, mostPatches)
	tokens, err = s.Lexicon.Forward(s.Ear.Key.Forward(runs).Normalize(1e-12), meaning)
	return x, tokens, seq, err
}

// stretch is how many patches are one token.
const stretch = 7

// A hearing is the memory of the spectra of some sounds.
type hearing struct {
	spectra []Spectrum
	frames  [][]float32
}

func (h *hearing) hear(sounds [][]float32) [][]float32 {
	for len(h.spectra) < len(sounds) {
		h.spectra = append(h.spectra, Spectrum{})
	}
	h.frames = h.frames[:0]
	for i, x := range sounds {
		h.spectra[i].Hear(x)
		h.frames = append(h.frames, h.spectra[i].Frames)
	}
	return h.frames
}
