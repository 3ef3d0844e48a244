package weights_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
)

func Example() {
	set, err := weights.Open("testdata/all.safetensors")
	if err != nil {
		panic(err)
	}
	defer set.Close()
	e, _ := set.Get("i16")
	fmt.Println(e.DType, e.Shape, e.Data, set.Metadata()["format"])
	// Output: I16 [2] [0 128 7 0] pt
}

type value struct {
	Shape  []int     `json:"shape"`
	Values []float64 `json:"values"`
}

func golden(t *testing.T) map[string]value {
	data, err := os.ReadFile("testdata/values.json")
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]value
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// numbers decodes an entry independently of the kernels.
func numbers(e tensor.Entry) (out []float64) {
	b := e.Data
	for ; len(b) > 0; b = b[e.DType.Size():] {
		switch e.DType {
		case tensor.F32:
			out = append(out, float64(math.Float32frombits(binary.LittleEndian.Uint32(b))))
		case tensor.F64:
			out = append(out, math.Float64frombits(binary.LittleEndian.Uint64(b)))
		case tensor.BF16:
			out = append(out, float64(math.Float32frombits(uint32(binary.LittleEndian.Uint16(b))<<16)))
		case tensor.F16:
			h := binary.LittleEndian.Uint16(b)
			x := math.Ldexp(1+float64(h&1023)/1024, int(h>>10&31)-15)
			out = append(out, math.Copysign(x, float64(int16(h))))
		case tensor.I8:
			out = append(out, float64(int8(b[0])))
		case tensor.U8, tensor.Bool:
			out = append(out, float64(b[0]))
		case tensor.I16:
			out = append(out, float64(int16(binary.LittleEndian.Uint16(b))))
		case tensor.I32:
			out = append(out, float64(int32(binary.LittleEndian.Uint32(b))))
		case tensor.I64:
			out = append(out, float64(int64(binary.LittleEndian.Uint64(b))))
		}
	}
	return out
}

func TestEveryForm(t *testing.T) {
	want := golden(t)
	for _, file := range []string{"all.safetensors", "zip.bin", "zip64.bin", "legacy.bin", "nested.pt", "sharded/model.safetensors.index.json"} {
		t.Run(file, func(t *testing.T) {
			set, err := weights.Open("testdata/" + file)
			if err != nil {
				t.Fatal(err)
			}
			defer set.Close()
			if set.Len() != len(want) {
				t.Errorf("got %v, want %d tensors", set.Names(), len(want))
			}
			for name, w := range want {
				e, ok := set.Get(name)
				if !ok || !slices.Equal(e.Shape, w.Shape) || !slices.Equal(numbers(e), w.Values) {
					t.Errorf("%s is %v %v %v, want %v", name, e.DType, e.Shape, numbers(e), w)
				}
				if d := strings.ToUpper(name); d == "BF16" || d == "I64" || d == "BOOL" {
					if e.DType.String() != d {
						t.Errorf("%s is stored as %v", name, e.DType)
					}
				}
				set.Forget(e) // reading it again must still work
				if !slices.Equal(numbers(e), w.Values) {
					t.Errorf("%s changed after Forget", name)
				}
			}
		})
	}
}

func TestModules(t *testing.T) {
	want := golden(t)
	for _, file := range []string{"module.pt", "script.pt"} {
		set, err := weights.Open("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for name, like := range map[string]string{"inner.weight": "f32", "inner.steps": "i64", "small": "f16"} {
			if e, ok := set.Get(name); !ok || !slices.Equal(numbers(e), want[like].Values) {
				t.Errorf("%s: %s is %v, want %v", file, name, numbers(e), want[like].Values)
			}
		}
		if set.Len() != 3 {
			t.Errorf("%s: got %v", file, set.Names())
		}
		set.Close()
	}
}

func TestSaveIsIdentity(t *testing.T) {
	set, err := weights.Open("testdata/zip.bin")
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	var entries []tensor.Entry
	for _, name := range set.Names() {
		e, _ := set.Get(name)
		entries = append(entries, e)
	}
	path := filepath.Join(t.TempDir(), "x.safetensors")
	for range 2 { // the second time over the first
		if err := weights.Save(path, entries, map[string]string{"a": "b"}); err != nil {
			t.Fatal(err)
		}
	}
	again, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if !slices.Equal(again.Names(), set.Names()) || again.Metadata()["a"] != "b" {
		t.Errorf("got %v %v", again.Names(), again.Metadata())
	}
	for _, want := range entries {
		if e, _ := again.Get(want.Name); e.DType != want.DType || !slices.Equal(e.Shape, want.Shape) || !slices.Equal(e.Data, want.Data) {
			t.Errorf("%s came back as %v %v", want.Name, e.DType, e.Shape)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if err := weights.Save(filepath.Join(t.TempDir(), "no", "x.safetensors"), entries, nil); err == nil {
		t.Error("saved into a folder that is not there")
	}
	entries[0].Shape = []int{99}
	if err := weights.Save(path, entries, nil); err == nil || !strings.Contains(err.Error(), "bytes") {
		t.Errorf("a shape that does not fit was saved: %v", err)
	}
}

// file makes a safetensors file of a header and data.
func file(header string, data int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, data)...)
}

func TestBadFiles(t *testing.T) {
	whole, err := os.ReadFile("testdata/all.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	torch, err := os.ReadFile("testdata/zip.bin")
	if err != nil {
		t.Fatal(err)
	}
	legacy, err := os.ReadFile("testdata/legacy.bin")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"short":            {[]byte("abc"), "expected at least 8 bytes, got 3"},
		"not weights":      {[]byte("hello, this is a text file"), "not a safetensors file"},
		"cut":              {whole[:len(whole)-5], "cut off"},
		"longer":           {append(slices.Clone(whole), 1), "something behind"},
		"cut header":       {whole[:100], "header length"},
		"no shape":         {file(`{"a":{"dtype":"U8","data_offsets":[0,1]}}`, 1), "a list of dimensions"},
		"two headers":      {file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}{}`, 1), "more behind it"},
		"huge header":      {append([]byte{255, 255, 255, 255, 255, 255, 255, 127}, "{}"...), "header length"},
		"twice":            {file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 2), `"a" appears twice`},
		"overlap":          {file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, 3), "expected its data at 2"},
		"gap":              {file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 2), "expected its data at 0"},
		"outside":          {file(`{"a":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}}`, 2), "2 bytes of data"},
		"backwards":        {file(`{"a":{"dtype":"U8","shape":[0],"data_offsets":[2,0]}}`, 2), "data_offsets"},
		"wrong size":       {file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`, 4), "expected 8 bytes for F32[2], got 4"},
		"overflow":         {file(`{"a":{"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,4]}}`, 4), "too large"},
		"negative":         {file(`{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}`, 4), "shape"},
		"unknown dtype":    {file(`{"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}`, 1), `dtype "F8_E4M3"`},
		"cut zip":          {torch[:len(torch)/2], "torch: zip"},
		"cut legacy":       {legacy[:len(legacy)-3], "expected"},
		"cut legacy early": {legacy[:60], "expected"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "w")
			if err := os.WriteFile(path, c.data, 0o600); err != nil {
				t.Fatal(err)
			}
			set, err := weights.Open(path)
			if err == nil {
				set.Close()
				t.Fatal("it was opened")
			}
			if !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "weights: ") || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %q, want something with %q", err, c.want)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	for file, want := range map[string]string{
		"evil.bin":    "posix.system is not a tensor or a container: chiasm never runs what a file asks for",
		"pickled.pt":  "__main__.Outer is not a tensor",
		"nameless.pt": "no named tensors",
		"missing":     "no such file",
	} {
		set, err := weights.Open("testdata/" + file)
		if err == nil {
			set.Close()
			t.Errorf("%s was opened", file)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %q, want something with %q", file, err, want)
		}
	}
}

func TestBadIndexes(t *testing.T) {
	dir := t.TempDir()
	data, err := os.ReadFile("testdata/all.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a.safetensors"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		`{"weight_map": {"x": "../a.safetensors"}}`:   "a file beside the index",
		`{"weight_map": {"x": "/etc/passwd"}}`:        "a file beside the index",
		`{"weight_map": {"x": "a.safetensors"}}`:      `expected tensor "x" in a.safetensors`,
		`{"weight_map": {"f32": "gone.safetensors"}}`: "no such file",
		`{"weight_map": {}}`:                          "expected a weight_map",
		`not json`:                                    "invalid character",
		`{"weight_map": {"f32": "a.safetensors", "f16": "a.safetensors", "y": ".."}}`: "a file beside the index",
	} {
		path := filepath.Join(dir, "model.safetensors.index.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := weights.Open(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want something with %q", text, err, want)
		}
	}
}

// fuzz opens data as a file: it must not panic, nor allocate far more than the file holds.
func fuzz(t *testing.T, data []byte) {
	path := filepath.Join(t.TempDir(), "w")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	set, err := weights.Open(path)
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > uint64(len(data))*200+4<<20 {
		t.Errorf("a file of %d bytes made it allocate %d", len(data), grown)
	}
	if err != nil {
		return
	}
	for _, name := range set.Names() {
		e, _ := set.Get(name)
		n := e.DType.Size()
		for _, d := range e.Shape {
			n *= d
		}
		if n != len(e.Data) {
			t.Errorf("%s has %d bytes for %v%v", name, len(e.Data), e.DType, e.Shape)
		}
	}
	set.Close()
}

func seed(f *testing.F, files ...string) {
	for _, name := range files {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
}

func FuzzSafetensors(f *testing.F) {
	seed(f, "all.safetensors", "sharded/model-00001-of-00002.safetensors")
	f.Fuzz(fuzz)
}

func FuzzTorch(f *testing.F) {
	seed(f, "zip.bin", "legacy.bin", "nested.pt", "script.pt", "evil.bin", "mixed.pt", "mixed-legacy.pt")
	f.Fuzz(fuzz)
}

// What a killed Save left goes; what only looks like it stays.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.safetensors")
	for _, name := range []string{"a.safetensors", ".a.safetensors.123", ".a.safetensors.", ".a.safetensors.12x", ".b.safetensors.123", "a.safetensors.1"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	weights.Sweep(path)
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 5 {
		t.Errorf("got %v, %v", left, err)
	}
	if _, err := os.Stat(filepath.Join(dir, ".a.safetensors.123")); err == nil {
		t.Error("what a killed Save left is still there")
	}
	weights.Sweep(filepath.Join(dir, "none", "a"))
}
