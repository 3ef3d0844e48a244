package chiasm

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"runtime/debug"
	"strings"

	"github.com/chiasm/chiasm/hub"
	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"

	stdimage "image"
)

// The pictures are photographs in the public domain or under CC0 (docs/licenses.md), the texts our own, some of which fit a picture.
//
//go:embed accuracy
var accuracyFiles embed.FS

// An Accuracy says how near a model's vectors at one precision come to those at f32, on 32 texts, 16 photographs and 8 sounds, as far
// as it takes them.
type Accuracy struct {
	Precision string    `json:"precision"`
	Texts     Agreement `json:"texts"`
	Images    Agreement `json:"images"`
	Sounds    Agreement `json:"sounds,omitzero"`
	// Rank is the share of pairs of pictures (of sounds, for a model without pictures; of texts, for one without either) that a text puts in the same order, over all
	// texts; pairs that f32 cannot tell apart (similarities within 1e-6) are left out.
	Rank float64 `json:"rank"`
}

// An Agreement is the cosine of vectors with their f32 twins.
type Agreement struct {
	Count int     `json:"count"`
	Mean  float64 `json:"mean"`
	Worst float64 `json:"worst"`
}

// reaches reports whether the mean is high enough; nothing measured is nothing missed.
func (a Agreement) reaches(least float64) bool { return a.Count == 0 || a.Mean >= least }

// gates holds the mean cosine that a precision must reach for Precision "auto" to choose it.
var gates = map[tensor.Format]float64{tensor.FormatF32: 1 - 1e-6, tensor.FormatBF16: 0.9995, tensor.FormatW8: 0.995, tensor.FormatI8: 0.995}

// Passes reports whether the texts, the pictures and the sounds reach the mean cosine that Precision "auto" asks for: 0.9995 for bf16, 0.995 for
// w8 and int8.
func (a Accuracy) Passes() bool {
	f, err := tensor.ParseFormat(a.Precision)
	return err == nil && a.Texts.reaches(gates[f]) && a.Images.reaches(gates[f]) && a.Sounds.reaches(gates[f])
}

// String is one line.
func (a Accuracy) String() string {
	s := fmt.Sprintf("%s: cosine to f32 of %d texts %.5f mean, %.5f worst", a.Precision, a.Texts.Count, a.Texts.Mean, a.Texts.Worst)
	if a.Images.Count > 0 || a.Sounds.Count == 0 {
		s += fmt.Sprintf("; of %d pictures %.5f, %.5f", a.Images.Count, a.Images.Mean, a.Images.Worst)
	}
	if a.Sounds.Count > 0 {
		s += fmt.Sprintf("; of %d sounds %.5f, %.5f", a.Sounds.Count, a.Sounds.Mean, a.Sounds.Worst)
	}
	return fmt.Sprintf("%s; %.1f %% of rankings alike", s, 100*a.Rank)
}

// probe is the vectors of the texts, pictures and sounds at the present precision.
type probe struct{ texts, images, sounds []Embedding }

func (m *Model) probe(ctx context.Context) (p probe, err error) {
	texts, images, err := accuracyData()
	if err != nil {
		return p, err
	}
	if m.reader().text != nil {
		if p.texts, err = m.EmbedTexts(ctx, texts); err != nil {
			return p, err
		}
	}
	if m.image != nil {
		if p.images, err = m.EmbedImages(ctx, images); err != nil {
			return p, err
		}
	}
	if m.sound != nil {
		p.sounds, err = m.EmbedAudios(ctx, accuracySounds())
	}
	return p, err
}

func accuracyData() (texts []string, images []stdimage.Image, err error) {
	list, err := accuracyFiles.ReadFile("accuracy/texts.txt")
	if err != nil {
		return nil, nil, fmt.Errorf("chiasm: %w", err)
	}
	names, err := fs.Glob(accuracyFiles, "accuracy/*.jpg")
	if err != nil {
		return nil, nil, fmt.Errorf("chiasm: %w", err)
	}
	for _, name := range names {
		f, err := accuracyFiles.Open(name)
		if err != nil {
			return nil, nil, fmt.Errorf("chiasm: %w", err)
		}
		img, err := image.Read(f, nil)
		if err != nil {
			return nil, nil, fmt.Errorf("chiasm: %s: %w", path.Base(name), err)
		}
		images = append(images, img)
	}
	return strings.Split(strings.TrimSpace(string(list)), "\n"), images, nil
}

// Measure compares the model at a precision ("f32", "bf16", "w8", "int8") with itself at f32. It computes with the model's weights in
// both: no other method may be running, and the model is afterwards at the precision that it had before.
func (m *Model) Measure(ctx context.Context, precision string) (Accuracy, error) {
	f, err := tensor.ParseFormat(precision)
	if err != nil {
		return Accuracy{}, fmt.Errorf("chiasm: precision: %w", err)
	}
	if m.words != nil {
		defer m.words.use(m.words.format) // after the other, which is for both
	}
	if m.space.Dimension == 0 {
		return Accuracy{}, m.lacks("be measured, for want of vectors")
	}
	defer m.use(m.format)
	m.use(tensor.FormatF32)
	exact, err := m.probe(ctx)
	if err != nil {
		return Accuracy{}, err
	}
	m.use(f)
	return m.compare(ctx, exact)
}

// compare measures the present precision against vectors at f32.
func (m *Model) compare(ctx context.Context, exact probe) (Accuracy, error) {
	p, err := m.probe(ctx)
	if err != nil {
		return Accuracy{}, err
	}
	return Accuracy{
		Precision: m.format.String(), Texts: agreement(p.texts, exact.texts), Images: agreement(p.images, exact.images),
		Sounds: agreement(p.sounds, exact.sounds), Rank: ranks(p, exact),
	}, nil
}

func agreement(got, want []Embedding) Agreement {
	a := Agreement{Count: len(got)}
	for i := range got {
		c := float64(got[i].Cosine(want[i]))
		a.Mean += c / float64(len(got))
		if i == 0 || c < a.Worst {
			a.Worst = c
		}
	}
	return a
}

// ranks is the share of pairs of what texts search that come in the same order.
func ranks(got, want probe) float64 {
	found, wanted := got.images, want.images
	if len(wanted) == 0 {
		found, wanted = got.sounds, want.sounds
	}
	if len(wanted) == 0 {
		found, wanted = got.texts, want.texts
	}
	same, pairs := 0, 0
	for t := range want.texts {
		for i := range wanted {
			for j := range i {
				w := want.texts[t].Cosine(wanted[i]) - want.texts[t].Cosine(wanted[j])
				if w > -1e-6 && w < 1e-6 {
					continue
				}
				pairs++
				if g := got.texts[t].Cosine(found[i]) - got.texts[t].Cosine(found[j]); (g > 0) == (w > 0) {
					same++
				}
			}
		}
	}
	if pairs == 0 {
		return 1
	}
	return float64(same) / float64(pairs)
}

// use makes the model compute in a format from now on.
func (m *Model) use(f tensor.Format) {
	nn.SetFormat(m.family.Params(), f)
	m.format = f
	if m.words != nil {
		m.words.use(f)
	}
}

// setPrecision brings the model to the precision of its options.
func (m *Model) setPrecision(ctx context.Context) error {
	f, auto, err := m.opts.format()
	if err != nil {
		return err
	}
	if auto {
		return m.choose(ctx)
	}
	m.use(f)
	return nil
}

// choose finds the fastest precision that this processor has kernels for and that passes the gate on this model.
func (m *Model) choose(ctx context.Context) error {
	candidates := tensor.NativeFormats()
	if m.space.Dimension == 0 {
		candidates = []tensor.Format{tensor.FormatF32} // the gate compares vectors, and there are none
	}
	if len(candidates) == 1 || m.shipped != nil && m.words == nil { // whose vectors pass in every precision, as a test sees
		m.use(candidates[0])
		return nil
	}
	circumstances, err := m.circumstances(candidates)
	if err != nil {
		return err
	}
	if f, ok := m.chosen(circumstances); ok {
		m.use(f)
		return nil
	}
	m.use(tensor.FormatF32)
	if len(m.store.folders) == 0 && m.small() { // not worth it at every start
		return nil
	}
	if m.opts.Progress != nil {
		m.opts.Progress(hub.Event{Note: m.name + ": measuring once which precision is fast here and stays accurate"})
	}
	exact, err := m.probe(ctx)
	if err != nil {
		return err
	}
	for _, f := range candidates {
		m.use(f)
		a, err := m.compare(ctx, exact)
		if err != nil {
			return err
		}
		if a.Passes() {
			break // f32 passes always
		}
	}
	m.keepChosen(circumstances)
	return nil
}

// circumstances is a hash of all that the gate's verdict depends on.
func (m *Model) circumstances(candidates []tensor.Format) (string, error) {
	sum := sha256.New()
	fmt.Fprintln(sum, m.store.source, version(), gates)
	for _, f := range candidates {
		fmt.Fprintln(sum, f, kernel.Signature(f))
	}
	fmt.Fprintln(sum, kernel.QuantSignature())
	if m.sound != nil {
		for _, s := range accuracySounds() {
			if err := binary.Write(sum, binary.LittleEndian, s.Samples); err != nil {
				return "", fmt.Errorf("chiasm: %w", err)
			}
		}
	}
	err := fs.WalkDir(accuracyFiles, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := accuracyFiles.ReadFile(name)
		sum.Write(data)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("chiasm: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// version is which chiasm this is, as far as the build tells.
func version() (v string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == "github.com/chiasm/chiasm" {
			v += m.Version + m.Sum
		}
	}
	for _, s := range info.Settings {
		if strings.HasPrefix(s.Key, "vcs.") {
			v += " " + s.Value
		}
	}
	return v
}
