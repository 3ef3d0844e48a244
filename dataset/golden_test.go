package dataset

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// written is what the script under tools/golden says of an item; media are given by their SHA-256.
type written struct {
	Key    string            `json:"key"`
	Image  string            `json:"image"`
	Sound  string            `json:"sound"`
	Texts  [][2]string       `json:"texts"`
	Labels []int             `json:"labels"`
	Class  string            `json:"class"`
	Extra  map[string]string `json:"extra"`
}

// TestReadsWhatOthersWrite compares with what webdataset, CLIP_benchmark, datasets and pyarrow were given to write.
func TestReadsWhatOthersWrite(t *testing.T) {
	b, err := os.ReadFile("testdata/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var expected map[string][]written
	if err := json.Unmarshal(b, &expected); err != nil {
		t.Fatal(err)
	}
	sum := func(m *Media) string {
		if m == nil {
			return ""
		}
		b := sha256.Sum256([]byte(content(t, m)))
		return hex.EncodeToString(b[:])
	}
	for name, want := range expected {
		t.Run(name, func(t *testing.T) {
			s := mustOpen(t, filepath.Join("testdata", name), nil)
			if s.Len() != len(want) {
				t.Fatalf("got %d items, want %d", s.Len(), len(want))
			}
			for n := range want {
				i := (n*5 + 2) % len(want) // by jumping about
				if len(want)%5 == 0 {
					i = len(want) - 1 - n
				}
				it, err := s.Item(i)
				if err != nil {
					t.Fatal(err)
				}
				got := written{it.Key, sum(it.Image), sum(it.Sound), [][2]string{}, append([]int{}, it.Labels...), it.Class, it.Extra}
				for _, text := range it.Texts {
					got.Texts = append(got.Texts, [2]string{text.Language, text.Text})
				}
				if got.Extra == nil {
					got.Extra = map[string]string{}
				}
				if !reflect.DeepEqual(got, want[i]) {
					t.Errorf("item %d: got %+v\nwant %+v", i, got, want[i])
				}
			}
		})
	}
	for name, task := range map[string]Task{"wds_class": Classification, "wds_multi": MultiLabel, "wds_flickr": Retrieval} {
		s := mustOpen(t, filepath.Join("testdata", name), nil)
		if s.Format != Benchmark || s.Task != task || task != Retrieval && (!reflect.DeepEqual(s.Classes, []string{"ant", "big cat", "dog"}) || len(s.Templates) != 2) {
			t.Errorf("%s: got %+v", name, s)
		}
	}
	if s := mustOpen(t, "testdata/wds_class", &Options{Split: "train"}); s.Len() != 2 {
		t.Errorf("the split train has %d items", s.Len())
	}
	if s := mustOpen(t, "testdata/wds_class/train", nil); s.Len() != 2 || len(s.Classes) != 3 {
		t.Errorf("the folder of a split has %d items", s.Len())
	}
	if s := mustOpen(t, "testdata/snappy", &Options{Split: "train"}); s.Len() != 9 || s.Format != Parquet {
		t.Errorf("the folder of Parquet has %d items", s.Len())
	}
}
