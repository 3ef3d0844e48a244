package main

import (
	"strings"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// A pronouncer makes the key of a word from its pronunciation: from the mean of what is learnt for each run of one to three phonemes. The
// runs fall into a table by their hash (as fastText does with letters, Bojanowski et al. 2017). It is how words get keys that were never
// heard; what ships has the keys alone.
type pronouncer struct {
	Parts *tensor.Tensor `weight:"parts"` // [partRows, K]
	Key   *nn.Linear     `weight:"key"`   // [K, K]
}

const partRows = 1 << 14

func newPronouncer(key int) *pronouncer {
	return &pronouncer{Parts: tensor.Param(partRows, key), Key: nn.NewLinear(key, key, false)}
}

// start is nn.Init's values, but for Key, which changes nothing at first.
func (t *pronouncer) start(seed uint64) {
	nn.Init(t, seed)
	w := t.Key.Weight.Own()
	clear(w)
	for i := 0; i < len(w); i += t.Key.Weight.Dim(1) + 1 {
		w[i] = 1
	}
	t.Key.Weight.Changed()
}

// unstressed leaves out what espeak-ng writes of stress and pauses.
var unstressed = strings.NewReplacer("'", "", ",", "", "_", "")

// runs appends the rows of a pronunciation's runs.
func runs(rows []int32, sounds string) []int32 {
	x := []rune("<" + unstressed.Replace(sounds) + ">")
	for n := 1; n <= 3; n++ {
		for i := 0; i+n <= len(x); i++ {
			if n == 1 && (i == 0 || i == len(x)-1) {
				continue
			}
			h := uint32(2166136261) // FNV-1a
			for _, c := range x[i : i+n] {
				h = (h ^ uint32(c)) * 16777619
			}
			rows = append(rows, int32((h^h>>15)%partRows))
		}
	}
	return rows
}

// keys is the keys [n, K], of length 1, of pronunciations.
func (t *pronouncer) keys(p *tensor.Pass, sounds []string) *tensor.Tensor {
	seq := p.Spans(len(sounds), 0)
	var rows []int32
	for i, s := range sounds {
		rows = runs(rows, s)
		seq[i+1] = int32(len(rows))
	}
	x := p.Ints(rows, len(rows)).Lookup(t.Parts).MeanRows(seq, 0).Normalize(1e-12)
	return t.Key.Forward(x).Normalize(1e-12)
}
