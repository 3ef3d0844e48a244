package dataset

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// write makes files in a new folder, by name.
func write(t testing.TB, files map[string]string) string {
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// archive makes a tar file of names and contents.
func archive(t testing.TB, members ...string) string {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i < len(members); i += 2 {
		if err := w.WriteHeader(&tar.Header{Name: members[i], Size: int64(len(members[i+1])), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(members[i+1]))
	}
	w.Close()
	return b.String()
}

func zipped(content string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(content))
	w.Close()
	return b.String()
}

func mustOpen(t testing.TB, path string, o *Options) *Set {
	t.Helper()
	s, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// plain is what an item says, with the content of its media.
type plain struct {
	Key, Image, Sound string
	Texts             []Text
	Labels            []int
	Class, Group      string
	Extra             map[string]string
}

func content(t testing.TB, m *Media) string {
	if m == nil {
		return ""
	}
	b, err := m.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func read(t testing.TB, s *Set) (out []plain) {
	t.Helper()
	for i := range s.Len() {
		it, err := s.Item(i)
		if err != nil {
			t.Fatal(err)
		}
		if len(it.Extra) == 0 {
			it.Extra = nil
		}
		out = append(out, plain{it.Key, content(t, it.Image), content(t, it.Sound), it.Texts, it.Labels, it.Class, it.Group, it.Extra})
	}
	return out
}

func TestFormats(t *testing.T) {
	media := map[string]string{"img/a.png": "A", "img/b.png": "B", "a.wav": "S"}
	with := func(name, content string) map[string]string {
		files := map[string]string{name: content}
		for n, c := range media {
			files[n] = c
		}
		return files
	}
	abc := archive(t, "d/7.jpg", "J", "d/7.txt", "a dog\nthe dog\n", "d/7.zh.txt", "狗", "d/7.json", `{"caption":"a dog","url":"u","image":"x"}`,
		"../8.wav", "W", "../8.cls", "3", ".hidden", "x", "__meta__.json", "{}")
	cases := []struct {
		name  string
		files map[string]string
		path  string
		o     Options
		want  []plain
	}{
		{"open_clip's table", with("t.csv", "filepath\ttitle\ttitle_zh\tsize\nimg/a.png\ta \"quoted\" dog\t狗\t7\nimg/b.png\t\"a\ncat\"\t\t\n"), "t.csv",
			Options{ImageKey: "filepath", CaptionKey: "title", Separator: `\t`}, []plain{
				{Key: "0", Image: "A", Texts: []Text{{"", "a \"quoted\" dog"}, {"zh", "狗"}}, Extra: map[string]string{"size": "7"}},
				{Key: "1", Image: "B", Texts: []Text{{"", "a\ncat"}}}}},
		{"commas, a mark, labels and groups", with("t.csv", "\uFEFFid,image,caption,label,group\r\nx,img/a.png,dog,4,g\r\n\r\ny,img/b.png,cat,tabby,h\r\n"), "t.csv",
			Options{Language: "en"}, []plain{
				{Key: "x", Image: "A", Texts: []Text{{"en", "dog"}}, Labels: []int{4}, Group: "g"},
				{Key: "y", Image: "B", Texts: []Text{{"en", "cat"}}, Class: "tabby", Group: "h"}}},
		{"packed table", with("t.tsv.gz", zipped("path\ttext\na.wav\tbeep\n")), "t.tsv.gz", Options{}, []plain{{Key: "0", Sound: "S", Texts: []Text{{"", "beep"}}}}},
		{"a split of a table", with("t.csv", "image,text,split\nimg/a.png,dog,train\nimg/b.png,cat,test\n"), "t.csv", Options{Split: "test"},
			[]plain{{Key: "1", Image: "B", Texts: []Text{{"", "cat"}}}}},
		{"JSON lines", with("t.jsonl", `{"key":"k","image":"img/a.png","audio":"a.wav","texts":{"zh":["狗","犬"],"en":"dog"},"n":{"deep":[1,2]}}`+"\n \n"+
			`{"image":"img/b.png","text":["cat","a cat","cat"],"lang":"en","labels":[1,5]}`), "t.jsonl", Options{}, []plain{
			{Key: "k", Image: "A", Sound: "S", Texts: []Text{{"en", "dog"}, {"zh", "狗"}, {"zh", "犬"}}, Extra: map[string]string{"n": `{"deep":[1,2]}`}},
			{Key: "1", Image: "B", Texts: []Text{{"en", "cat"}, {"en", "a cat"}}, Labels: []int{1, 5}}}},
		{"tar", map[string]string{"s.tar": abc}, "s.tar", Options{}, []plain{
			{Key: "d/7", Image: "J", Texts: []Text{{"", "a dog"}, {"", "the dog"}, {"zh", "狗"}}, Extra: map[string]string{"url": "u", "image": "x"}},
			{Key: "../8", Sound: "W", Labels: []int{3}}}},
		{"packed shards by braces", map[string]string{"s-00.tar.gz": zipped(archive(t, "a.jpg", "1")), "s-01.tar.gz": zipped(archive(t, "b.jpg", "2"))},
			"s-{00..01}.tar.gz", Options{}, []plain{{Key: "a", Image: "1"}, {Key: "b", Image: "2"}}},
		{"shards of a folder", map[string]string{"10.tar": archive(t, "b.jpg", "2"), "2.tar": archive(t, "a.jpg", "1")}, "", Options{},
			[]plain{{Key: "a", Image: "1"}, {Key: "b", Image: "2"}}},
		{"texts beside", map[string]string{"d/x.jpg": "X", "d/x.txt": "one\ntwo", "d/x.zh.txt": "一", "d/y.v2.jpg": "Y", "d/y.v2.json": `{"caption":"why","k":1}`,
			"z.txt": "alone", ".git/q.jpg": "no"}, "", Options{}, []plain{
			{Key: "d/x", Image: "X", Texts: []Text{{"", "one"}, {"", "two"}, {"zh", "一"}}},
			{Key: "d/y.v2", Image: "Y", Texts: []Text{{"", "why"}}, Extra: map[string]string{"k": "1"}},
			{Key: "z", Texts: []Text{{"", "alone"}}}}},
		{"a folder for every class", map[string]string{"train/cat/1.jpg": "1", "train/ant/x/2.jpg": "2", "val/ant/3.jpg": "3"}, "", Options{Split: "train"},
			[]plain{{Key: "ant/x/2", Image: "2", Labels: []int{0}, Class: "ant"}, {Key: "cat/1", Image: "1", Labels: []int{1}, Class: "cat"}}},
		{"Hugging Face's imagefolder", with("metadata.csv", "file_name,text\nimg/a.png,dog\n"), "", Options{}, []plain{{Key: "0", Image: "A", Texts: []Text{{"", "dog"}}}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := read(t, mustOpen(t, filepath.Join(write(t, c.files), c.path), &c.o))
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestBrokenItemsAreNamed(t *testing.T) {
	dir := write(t, map[string]string{
		"t.csv":   "image,text\na.png,dog,x\nb.png,cat\nhttp://h/c.png,owl\n",
		"t.jsonl": "{\"text\":1}\n{\"text\":\n[]\n{\"text\":\"a\"} 7\n{\"image\":[1,2]}\n",
		"s.tar":   archive(t, "a.jpg", "1", "a.jpg", "2", "b.json", "{", "c.jpg", "3", "c.png", "4", "d.npy", "no", "e.txt", "fine"),
	})
	for name, want := range map[string][]string{
		"t.csv":   {"item 0 (0): expected 2 fields, got 3", "", `item 2 (2): field "image": expected a file, got the address`},
		"t.jsonl": {"", "item 1 (1): expected a JSON object", "item 2", "item 3 (3): expected one JSON object", "item 4 (4): field \"image\": expected one, got a list of 2"},
		"s.tar":   {"a.jpg: a second member", "b.json: expected a JSON object", "c.png: a second medium", "expected an array of NumPy's", ""},
	} {
		s := mustOpen(t, filepath.Join(dir, name), nil)
		if s.Len() != len(want) {
			t.Fatalf("%s: got %d items, want %d", name, s.Len(), len(want))
		}
		for i, message := range want {
			_, err := s.Item(i)
			var broken *ItemError
			if message == "" && err == nil {
				continue
			}
			if message == "" || !errors.As(err, &broken) || broken.Index != i || !strings.Contains(err.Error(), message) {
				t.Errorf("%s: item %d: got %v, want %q", name, i, err, message)
			}
		}
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	whole := archive(t, "a.jpg", "1", "b.jpg", strings.Repeat("2", 3000))
	dir := write(t, map[string]string{"a.csv": "x,y\n1,2\n", "empty.csv": "", "head.csv": "image,text\n", "list.json": "[{}]", "x.bin": "1", "cut.tar": whole[:2000],
		"no.tar": strings.Repeat("no", 600), "no.csv.gz": "no", "bench/test/nshards.txt": "0", "void/.keep": ""})
	for _, c := range []struct {
		path, want string
		o          Options
	}{
		{"none.csv", "no such file", Options{}},
		{"none", "no such file", Options{}},
		{"a.csv", "no column is known", Options{}},
		{"a.csv", `no column "filepath": there are ["x" "y"]`, Options{ImageKey: "filepath", CaptionKey: "y"}},
		{"a.csv", "expected one character", Options{Separator: "ab"}},
		{"head.csv", "no items of the split", Options{Split: "dev"}},
		{"head.csv", "no items", Options{}},
		{"empty.csv", "expected the names of columns", Options{}},
		{"list.json", "expected an object in every line", Options{}},
		{"x.bin", "can't tell the format", Options{}},
		{"x.bin", `format "xml": expected one of`, Options{Format: "xml"}},
		{"no.tar", "tar: ", Options{}},
		{"no.csv.gz", "gzip", Options{}},
		{"s-{1..", "expected a }", Options{}},
		{"s-{9..1}.tar", "expected a range that rises", Options{}},
		{"bench", "expected a number of shards", Options{}},
		{"bench", `split "train"`, Options{Split: "train"}},
		{"void", "no items", Options{}},
		{"void", "no files of the format", Options{Format: Parquet}},
	} {
		if _, err := Open(filepath.Join(dir, c.path), &c.o); err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "dataset: ") {
			t.Errorf("%s %+v: got %v, want %q", c.path, c.o, err, c.want)
		}
	}
	if _, err := Open("testdata/lz4.parquet", nil); err == nil || !strings.Contains(err.Error(), "expected pages packed by Snappy") {
		t.Errorf("LZ4: got %v", err)
	}
	s := mustOpen(t, filepath.Join(dir, "cut.tar"), nil)
	if s.Len() != 1 || len(s.Damage) != 1 || !strings.Contains(s.Damage[0].Error(), "behind 1 items") {
		t.Errorf("a shard cut off: got %d items, damage %v", s.Len(), s.Damage)
	}
}
