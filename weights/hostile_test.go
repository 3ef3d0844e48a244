package weights_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/weights"
)

// archive makes a zip file as torch does, of names and contents by turns, stored or, where the name begins with *, compressed.
func archive(t testing.TB, items ...string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(items); i += 2 {
		name, method := items[i], zip.Store
		if rest, ok := strings.CutPrefix(name, "*"); ok {
			name, method = rest, zip.Deflate
		}
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(items[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// item pickles one dict item: a tensor of float32.
func item(name string, values, offset int64, shape, strides []int64) string {
	text := func(s string) string { return fmt.Sprintf("X%c\x00\x00\x00%s", len(s), s) }
	ints := func(v []int64) string {
		s := "("
		for _, n := range v {
			s += fmt.Sprintf("I%d\n", n)
		}
		return s + "t"
	}
	return text(name) + "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + "ctorch\nFloatStorage\n" + text("0") + text("cpu") +
		fmt.Sprintf("I%d\ntQI%d\n", values, offset) + ints(shape) + ints(strides) + "\x89NtRs"
}

func tensors(items ...string) string { return "\x80\x02}" + strings.Join(items, "") + "." }

func open(t testing.TB, data []byte) (*weights.Set, error) {
	path := filepath.Join(t.TempDir(), "w")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return weights.Open(path)
}

func TestHostileTorch(t *testing.T) {
	const most = 1<<63 - 1
	sixteen := strings.Repeat("abcd", 4)
	ok := tensors(item("a", 4, 1, []int64{3}, []int64{1}))
	set, err := open(t, archive(t, "x/data.pkl", ok, "x/data/0", sixteen))
	if err != nil {
		t.Fatal(err)
	}
	if e, _ := set.Get("a"); string(e.Data) != sixteen[4:] {
		t.Errorf("got %q", e.Data)
	}
	set.Close()
	one := func(values, offset int64, shape, strides []int64) []byte {
		return archive(t, "x/data.pkl", tensors(item("a", values, offset, shape, strides)), "x/data/0", sixteen)
	}
	many := make([]string, 60)
	for i := range many {
		many[i] = item(fmt.Sprint("t", i), 4, 0, []int64{1 << 20}, []int64{0})
	}
	nested := strings.Repeat("X\x01\x00\x00\x00k}", 100) + strings.Repeat("s", 99)
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"outside":         {one(4, 2, []int64{3}, []int64{1}), "inside storage"},
		"far outside":     {one(4, most, []int64{2}, []int64{1}), "inside storage"},
		"wraps":           {one(4, 0, []int64{1 << 32, 2}, []int64{1 << 31, 1}), "inside storage"},
		"wraps further":   {one(4, 3, []int64{3, 3}, []int64{most, most}), "inside storage"},
		"backwards":       {one(4, 3, []int64{2}, []int64{-1}), "inside storage"},
		"negative":        {one(4, -1, []int64{2}, []int64{1}), "expected a storage, an offset"},
		"negative size":   {one(4, 0, []int64{-2}, []int64{1}), "from 0 on"},
		"ranks differ":    {one(4, 0, []int64{2}, nil), "expected a storage, an offset"},
		"short storage":   {one(3, 0, []int64{2}, []int64{1}), "expected 12 bytes, got 16"},
		"huge storage":    {one(most, 0, []int64{2}, []int64{1}), "inside a file of"},
		"negative length": {one(-1, 0, []int64{2}, []int64{1}), "inside a file of"},
		"repeats":         {archive(t, "x/data.pkl", tensors(many...), "x/data/0", sixteen), "not far larger than the file"},
		"no storage":      {archive(t, "x/data.pkl", ok), "the archive has no x/data/0"},
		"no pickle":       {archive(t, "x/data/0", sixteen), "the archive has no data.pkl"},
		"compressed":      {archive(t, "*x/data.pkl", ok, "x/data/0", sixteen), "stored uncompressed"},
		"twice":           {archive(t, "x/data.pkl", ok, "x/data/0", sixteen, "x/data/0", "y"), "appears twice"},
		"big endian":      {archive(t, "x/data.pkl", ok, "x/data/0", sixteen, "x/byteorder", "big"), "little-endian"},
		"no end":          {archive(t, "x/data.pkl", ok[:len(ok)-1], "x/data/0", sixteen), "unexpected EOF"},
		"deep":            {archive(t, "x/data.pkl", "\x80\x02}"+nested+"s.", "x/data/0", sixteen), "nested too deeply"},
		"itself":          {archive(t, "x/data.pkl", "\x80\x02}q\x00X\x01\x00\x00\x00ah\x00s.", "x/data/0", sixteen), "nested too deeply"},
		"values":          {archive(t, "x/data.pkl", "\x80\x02"+strings.Repeat("]", 3<<20)+"."), "at most 2097152 values"},
		"calls":           {archive(t, "x/data.pkl", "\x80\x02cbuiltins\neval\nX\x01\x00\x00\x001\x85R."), "builtins.eval is not a tensor"},
		"constructs":      {archive(t, "x/data.pkl", "\x80\x02csubprocess\nPopen\n)\x81."), "subprocess.Popen is not a tensor"},
		"imports":         {archive(t, "x/data.pkl", "\x80\x04\x8c\x02os\x8c\x06system\x93X\x01\x00\x00\x001\x85R."), "os.system is not a tensor"},
		"stack":           {archive(t, "x/data.pkl", "\x80\x02s."), "the stack is empty"},
		"old calls":       {archive(t, "x/data.pkl", "(X\x01\x00\x00\x001ios\nsystem\n."), "operation 0x69"},
	} {
		t.Run(name, func(t *testing.T) {
			set, err := open(t, c.data)
			if err == nil {
				t.Fatalf("it was opened: %v", set.Names())
			}
			if !strings.Contains(err.Error(), c.want) || strings.ContainsAny(err.Error(), "\n") {
				t.Errorf("got %q, want something with %q", err, c.want)
			}
		})
	}
}

// Whatever else a checkpoint holds is passed over; what this package cannot represent is named.
func TestMixed(t *testing.T) {
	want := golden(t)
	for _, file := range []string{"mixed.pt", "mixed-legacy.pt"} {
		set, err := weights.Open("testdata/" + file)
		if err != nil {
			t.Fatal(file, err)
		}
		if !slices.Equal(set.Names(), []string{"a", "b", "ordered.c", "repeated"}) {
			t.Errorf("%s: got %v", file, set.Names())
		}
		for name, like := range map[string]string{"a": "f32", "b": "bf16", "ordered.c": "i64"} {
			if e, _ := set.Get(name); !slices.Equal(numbers(e), want[like].Values) {
				t.Errorf("%s: %s is %v, want %v", file, name, numbers(e), want[like].Values)
			}
		}
		if e, _ := set.Get("repeated"); !slices.Equal(numbers(e), []float64{1.5, 1.5, 1.5, 1.5}) {
			t.Errorf("%s: repeated is %v", file, numbers(e))
		}
		set.Close()
	}
	for file, want := range map[string]string{"unsigned.pt": "dtype torch.uint16 is not one", "complex.pt": "torch.ComplexFloatStorage is not a type"} {
		if _, err := weights.Open("testdata/" + file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// The values of a file are views of its mapping.
func TestMapped(t *testing.T) {
	set, err := weights.Open("testdata/zip.bin")
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	a, _ := set.Get("shared_a")
	b, _ := set.Get("shared_b")
	if &a.Data[2*6*4] != &b.Data[0] {
		t.Error("tensors that share a storage were copied")
	}
}
