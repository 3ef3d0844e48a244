package mini_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/model/mini"
	"github.com/chiasm/chiasm/weights"
)

// What is changed in a model changes the fingerprints of the vectors that it makes others, and no more.
func TestFingerprint(t *testing.T) {
	good := files(t, tiny)
	of := func(files map[string][]byte) [2]string {
		m, err := mini.Parse(files)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		return [2]string{m.Fingerprint("image"), m.Fingerprint("audio")}
	}
	before := of(good)
	if before[0] == "" || before[1] == "" || before[0] == before[1] || before != of(good) {
		t.Fatalf("%q", before)
	}
	set, err := weights.Parse(good[mini.WeightsFile])
	if err != nil {
		t.Fatal(err)
	}
	changed := map[string]func(map[string][]byte){
		"scale": func(f map[string][]byte) {
			f[mini.ConfigFile] = bytes.Replace(f[mini.ConfigFile], []byte(`"scale": `), []byte(`"scale": 1`), 1)
		},
		"sight": func(f map[string][]byte) {
			f[mini.ConfigFile] = bytes.Replace(f[mini.ConfigFile], []byte(`"likeliest": 3`), []byte(`"likeliest": 2`), 1)
		},
		"tokenizer": func(f map[string][]byte) { f[mini.TokenizerFile] = append(f[mini.TokenizerFile], '\n') },
	}
	for _, prefix := range []string{"image.", "sight.", "text.", "sound."} {
		changed[prefix] = func(f map[string][]byte) {
			for _, name := range set.Names() {
				if e, _ := set.Get(name); strings.HasPrefix(name, prefix) && bytes.Count(f[mini.WeightsFile], e.Data) == 1 {
					f[mini.WeightsFile][bytes.Index(f[mini.WeightsFile], e.Data)] ^= 1
					return
				}
			}
			t.Errorf("no weight begins with %s", prefix)
		}
	}
	for what, want := range map[string][2]bool{
		"scale": {}, "sight": {true, false}, "image.": {true, false}, "sight.": {true, false},
		"tokenizer": {false, true}, "text.": {false, true}, "sound.": {false, true},
	} {
		f := map[string][]byte{}
		for name, data := range good {
			f[name] = bytes.Clone(data)
		}
		changed[what](f)
		after := of(f)
		if got := [2]bool{after[0] != before[0], after[1] != before[1]}; got != want {
			t.Errorf("%s: changed the fingerprint of pictures %v, of sounds %v; want %v", what, got[0], got[1], want)
		}
	}
}
