package chiasm_test

import (
	"context"
	stdimage "image"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/hub"
	"github.com/chiasm/chiasm/internal/golden"
	"github.com/chiasm/chiasm/media/image"
)

const (
	clipText = "model/sentence/testdata/clip-text" // 32 dimensions, as tiny
	prompted = "model/sentence/testdata/xlm-roberta"
)

// unit is a vector scaled to length 1.
func unit(v []float32) []float32 {
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	out := slices.Clone(v)
	for i := range out {
		out[i] /= float32(math.Sqrt(sum))
	}
	return out
}

// Texts go through the text model, pictures through the other, and both are of one space that names the two.
func TestTextModel(t *testing.T) {
	ctx := context.Background()
	plain, words := open(t, tiny, nil), open(t, clipText, nil)
	both := open(t, tiny, &chiasm.Options{TextModel: clipText})
	imgs := pictures(t)
	const text = "two dogs"
	got, err := both.EmbedText(ctx, text)
	if err != nil {
		t.Fatal(err)
	}
	want := unit(golden.Open(t, clipText+"/golden.safetensors").Floats("1.vector"))
	for i := range want {
		if d := got.Values[i] - want[i]; d > 1e-5 || d < -1e-5 {
			t.Fatalf("value %d of the text is %v, want %v", i, got.Values[i], want[i])
		}
	}
	seen, err := both.EmbedImages(ctx, imgs)
	if err != nil {
		t.Fatal(err)
	}
	alone, err := plain.EmbedImages(ctx, imgs)
	if err != nil {
		t.Fatal(err)
	}
	for i := range seen {
		if !slices.Equal(seen[i].Values, alone[i].Values) {
			t.Errorf("picture %d is other than without a text model", i)
		}
	}
	scores, err := both.Similarity(ctx, []string{text}, imgs)
	if err != nil {
		t.Fatal(err)
	}
	reference, err := plain.Similarity(ctx, []string{text}, imgs)
	if err != nil {
		t.Fatal(err)
	}
	if scores.Logits[0][0] == reference.Logits[0][0] {
		t.Error("similarity does not use the text model")
	}
	if space := got.Space; space != both.Space() || space != seen[0].Space || space == plain.Space() || space == words.Space() {
		t.Errorf("spaces: text %v, picture %v", space, seen[0].Space)
	}
	if s := got.Space.String(); !strings.HasPrefix(s, "transformers@") || !strings.Contains(s, "+clip-text@") || !strings.HasSuffix(s, "/32") {
		t.Errorf("the space is called %s", s)
	}
	if both.Context() != words.Context() || !slices.Equal(both.Tokenize(text).IDs, words.Tokenize(text).IDs) {
		t.Error("texts are not tokenised for the text model")
	}
	if info := both.Info(); info.Text == nil || info.Text.Name != clipText || !slices.Equal(info.Modalities, []string{"text", "image"}) {
		t.Errorf("info says %+v", info.Text)
	}
	a, err := both.Measure(ctx, "int8")
	if err != nil || a.Texts.Mean >= 1 || a.Images.Mean >= 1 || both.Precision() != "f32" {
		t.Errorf("measured %v, %v; now at %s", a, err, both.Precision())
	}
	again, err := both.EmbedText(ctx, text)
	if err != nil || !slices.Equal(again.Values, got.Values) {
		t.Errorf("measuring changed the texts (%v)", err)
	}
}

func TestTextModelsThatDoNotFit(t *testing.T) {
	for _, c := range []struct{ model, text, want string }{
		{tiny, "model/sentence/testdata/bert", "want a model whose texts have 32 dimensions, as " + tiny + " has; got 24, and it takes text"},
		{clipText, clipText, "takes nothing but text"},
		{tiny, "no/such@thing@here", "no/such@thing@here"},
		{tiny, "model/sentence", "model/sentence is not a model"},
	} {
		m, err := chiasm.Open(context.Background(), c.model, &chiasm.Options{TextModel: c.text, Offline: true})
		if err == nil {
			m.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s with %s: got %v, want it to say %q", c.model, c.text, err, c.want)
		}
	}
}

// A CLIP model as sentence-transformers keeps it gives the vectors that it gives without.
func TestModuleOfCLIP(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "0_CLIPModel"), os.DirFS(tiny)); err != nil {
		t.Fatal(err)
	}
	write := func(modules string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "modules.json"), []byte(modules), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	imgs := pictures(t)
	want, err := open(t, tiny, nil).Similarity(context.Background(), texts, imgs)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"sentence_transformers.models.CLIPModel", "sentence_transformers.models.CLIP"} {
		write(`[{"idx": 0, "name": "0", "path": "0_CLIPModel", "type": "` + kind + `"}]`)
		m := open(t, dir, nil)
		got, err := m.Similarity(context.Background(), texts, imgs)
		if err != nil || !slices.EqualFunc(got.Logits, want.Logits, slices.Equal) {
			t.Errorf("%s: other logits (%v)", kind, err)
		}
		if files := m.Info().Files; !slices.ContainsFunc(files, func(f chiasm.File) bool { return f.Name == "0_CLIPModel/model.safetensors" }) {
			t.Errorf("info lists %v", files)
		}
	}
	for modules, want := range map[string]string{
		`[{"path": "../x", "type": "a.CLIPModel"}]`:                                       "no weights",
		`[{"path": "0_CLIPModel", "type": "a.CLIPModel"}, {"path": "", "type": "Dense"}]`: "no weights",
		`[`: "no weights",
	} {
		write(modules)
		if m, err := chiasm.Open(context.Background(), dir, nil); err == nil || !strings.Contains(err.Error(), want) {
			if err == nil {
				m.Close()
			}
			t.Errorf("%s: got %v, want it to say %q", modules, err, want)
		}
	}
}

// The fingerprint of a folder feels the weights of its modules.
func TestRevisionOfModules(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "clip-text")
	if err := os.CopyFS(dir, os.DirFS(clipText)); err != nil {
		t.Fatal(err)
	}
	before := open(t, dir, nil).Space()
	if before != open(t, clipText, nil).Space() {
		t.Error("a copy is of another space")
	}
	file := filepath.Join(dir, "1_Pooling", "config.json")
	if err := os.WriteFile(file, []byte(`{"pooling_mode": "cls"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if before == open(t, dir, nil).Space() {
		t.Error("another way to pool is of the same space")
	}
}

func TestPrompts(t *testing.T) {
	ctx := context.Background()
	m := open(t, prompted, nil)
	if p := m.Prompts(); p["query"] != "query: " || p["document"] != "passage: " {
		t.Fatalf("prompts are %v", p)
	}
	embed := func(f func(context.Context, []string) ([]chiasm.Embedding, error)) []float32 {
		t.Helper()
		e, err := f(ctx, []string{"two dogs"})
		if err != nil {
			t.Fatal(err)
		}
		return e[0].Values
	}
	behind := func(prompt string) []float32 {
		return embed(func(ctx context.Context, texts []string) ([]chiasm.Embedding, error) {
			return m.EmbedPrompted(ctx, prompt, texts)
		})
	}
	query, document, none := behind("query: "), behind("passage: "), behind("")
	if slices.Equal(query, document) || slices.Equal(query, none) {
		t.Error("the prompt changes nothing")
	}
	if !slices.Equal(embed(m.EmbedTexts), query) { // the default of this model
		t.Error("EmbedTexts leaves out the default prompt")
	}
	if !slices.Equal(embed(m.EmbedQueries), query) || !slices.Equal(embed(m.EmbedDocuments), document) {
		t.Error("queries or documents have another prompt")
	}
	if got, want := m.TokenizePrompted("passage: ", "two dogs").IDs, m.TokenizePrompted("", "passage: two dogs").IDs; !slices.Equal(got, want) {
		t.Errorf("tokens are %v, want %v", got, want)
	}
	if !slices.Equal(m.Tokenize("two dogs").IDs, m.TokenizePrompted("query: ", "two dogs").IDs) {
		t.Error("Tokenize leaves out the default prompt")
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(prompted)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config_sentence_transformers.json"), []byte(`{"prompts": {"corpus": "passage: "}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	m = open(t, dir, nil)
	if !slices.Equal(embed(m.EmbedDocuments), document) || !slices.Equal(embed(m.EmbedQueries), none) || !slices.Equal(embed(m.EmbedTexts), none) {
		t.Error("with a prompt for the corpus alone, documents lack it or others have it")
	}
	m = open(t, tiny, nil) // it has none
	if m.Prompts() != nil || !slices.Equal(embed(m.EmbedQueries), embed(m.EmbedTexts)) || !slices.Equal(embed(m.EmbedDocuments), embed(m.EmbedTexts)) {
		t.Error("a model without prompts has some")
	}
}

func TestFilesOfModules(t *testing.T) {
	var files []hub.File
	for _, name := range []string{
		"README.md", "modules.json", "config.json", "vocab.txt", "pytorch_model.bin", "model.safetensors", "sentence_bert_config.json", "tf_model.h5",
		"1_Pooling/config.json", "2_Dense/config.json", "2_Dense/pytorch_model.bin", "0_CLIPModel/model.safetensors", "0_CLIPModel/pytorch_model.bin",
		"0_CLIPModel/merges.txt", "onnx/model.onnx", "onnx/config.json", "2_Dense/onnx/config.json", ".gitattributes",
	} {
		files = append(files, hub.File{Name: name})
	}
	var got []string
	for _, f := range chiasm.Files(files) {
		got = append(got, f.Name)
	}
	want := []string{
		"README.md", "modules.json", "config.json", "vocab.txt", "model.safetensors", "sentence_bert_config.json",
		"1_Pooling/config.json", "2_Dense/config.json", "2_Dense/pytorch_model.bin", "0_CLIPModel/model.safetensors", "0_CLIPModel/merges.txt",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// Chinese-CLIP through the facade gives the reference's logits of a picture that tools/golden/chineseclip.py makes.
func TestChineseCLIP(t *testing.T) {
	const dir = "model/chineseclip/testdata/vocab"
	m := open(t, dir, nil)
	picture := image.NewRGB(37, 23)
	for i := range picture.Pix {
		picture.Pix[i] = byte(i * 7)
	}
	texts := golden.Strings(t, "model/chineseclip/testdata/texts.json.gz")[:4]
	scores, err := m.Similarity(context.Background(), texts, []stdimage.Image{picture})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range golden.Open(t, dir+"/golden.safetensors").Floats("logits_per_image")[:4] {
		if d := scores.Logits[0][i] - want; d > 1e-4 || d < -1e-4 {
			t.Errorf("%q: logit %v, want %v", texts[i], scores.Logits[0][i], want)
		}
	}
}
