package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/chiasm/chiasm/model/mini"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
)

const sound = "sound." // where a model keeps the tower

// into puts the tower and its lexicon into the folder of a model, in place of those that it had. Large matrices become bytes.
func into(dir string, s *mini.Sound, lexicon string) error {
	config, err := os.ReadFile(filepath.Join(dir, mini.ConfigFile))
	if err != nil {
		return err
	}
	c, err := mini.ParseConfig(config)
	if err != nil {
		return err
	}
	set, err := weights.Open(filepath.Join(dir, mini.WeightsFile))
	if err != nil {
		return err
	}
	defer set.Close()
	var entries []tensor.Entry
	for _, name := range set.Names() {
		if e, _ := set.Get(name); !strings.HasPrefix(name, sound) {
			entries = append(entries, e)
		}
	}
	for _, e := range nn.Entries(s) {
		if e.Name = sound + e.Name; len(e.Shape) >= 2 && len(e.Floats()) >= 4096 {
			e = weights.Quantise(e)
		}
		entries = append(entries, e)
	}
	c.Ear = &shape
	if config, err = json.MarshalIndent(c, "", " "); err != nil {
		return err
	}
	if err := weights.Save(filepath.Join(dir, mini.WeightsFile), entries, set.Metadata()); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, mini.LexiconFile), []byte(lexicon), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, mini.ConfigFile), append(config, '\n'), 0o644); err != nil {
		return err
	}
	b, err := mini.Open(dir) // what was written is a model
	if err != nil {
		return fmt.Errorf("%s, with its ear: %w", dir, err)
	}
	return b.Close()
}
