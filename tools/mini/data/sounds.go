package main

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/chiasm/chiasm/tools/internal/things"
)

// A sound is a line of sounds.jsonl. All of them are tests.
type sound struct {
	ID       string              `json:"id"`
	Source   string              `json:"source"`
	Path     string              `json:"path"` // below the folder of the list
	Kind     string              `json:"kind"` // speech, effect or note
	Language string              `json:"language,omitempty"`
	Text     string              `json:"text"`  // what is said, or what sounds, in English for effects and notes
	Names    map[string][]string `json:"names"` // of the thing, by language
	Caption  bool                `json:"caption,omitempty"`
	Licence  string              `json:"licence"`
	Concept  string              `json:"concept"`
	Held     bool                `json:"held"`
	Use      string              `json:"use"`
}

// sounds gathers the sounds of tuxpaint and gcompris.
func (c *collection) sounds() ([]sound, error) {
	stamps, err := c.stampSounds()
	if err != nil {
		return nil, fmt.Errorf("tuxpaint: %w", err)
	}
	games, err := c.gameSounds()
	if err != nil {
		return nil, fmt.Errorf("gcompris: %w", err)
	}
	all := append(stamps, games...)
	for i := range all {
		s := &all[i]
		s.Licence, s.Use = sources[s.Source].licence, test
		s.Concept = things.Concept(s.Names["en"][0])
		s.Held = heldOut(s.Concept)
	}
	return all, nil
}

// A stamp's sounds are NAME.ogg, what the thing sounds like; NAME_desc_LANGUAGE.ogg, its sentence read aloud; NAME_LANGUAGE.ogg, the name
// of a digit or letter spoken.
var (
	stampCaption = regexp.MustCompile(`^(.+)_desc(?:_([a-z]{2,3}(?:_[A-Za-z]{2})?))?$`)
	stampSpoken  = regexp.MustCompile(`^(.+)_([a-z]{2}(?:_[A-Za-z]{2})?)$`)
)

func (c *collection) stampSounds() ([]sound, error) {
	dir, err := c.open("tuxpaint")
	if err != nil {
		return nil, err
	}
	root := filepath.Join(dir, "usr/share/tuxpaint/stamps")
	var all []sound
	err = filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(file) != ".ogg" {
			return err
		}
		relative, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		s, ok := stampSound(strings.TrimSuffix(file, ".ogg"))
		if !ok {
			return nil
		}
		s.ID = "tuxpaint/" + strings.TrimSuffix(filepath.ToSlash(relative), ".ogg")
		s.Path, err = c.keep("sounds/tuxpaint/"+filepath.ToSlash(relative), file)
		all = append(all, s)
		return err
	})
	return all, err
}

// stampSound is a sound of the stamp whose text lies beside; false if there is none in the sound's language.
func stampSound(stem string) (sound, bool) {
	base := filepath.Base(stem)
	s := sound{Source: "tuxpaint", Kind: "effect"}
	name := base
	if m := stampCaption.FindStringSubmatch(base); m != nil {
		s.Kind, s.Language, s.Caption, name = "speech", m[2], true, m[1]
	} else if m := stampSpoken.FindStringSubmatch(base); m != nil && !exists(stem+".txt") {
		s.Kind, s.Language, name = "speech", m[2], m[1]
	} else if strings.Contains(stem, "/symbols/") {
		s.Kind, s.Language = "speech", "en"
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(stem), name+".txt"))
	if err != nil {
		return s, false
	}
	names, sentences := things.Stamp(string(text))
	if len(names["en"]) == 0 {
		return s, false
	}
	s.Names = map[string][]string{"en": names["en"]}
	if s.Kind == "effect" {
		s.Text = names["en"][0]
		return s, true
	}
	if s.Language == "" {
		s.Language = "en"
	}
	s.Language = things.Tag(s.Language)
	if spoken := names[s.Language]; spoken != nil {
		s.Names[s.Language] = spoken
	}
	s.Text = sentences[s.Language]
	if s.Text == "" && strings.HasPrefix(s.Language, "en") {
		s.Text = sentences["en"]
	}
	return s, s.Text != ""
}

// gameSounds gives gcompris' instruments and animals with their names.
func (c *collection) gameSounds() ([]sound, error) {
	dir, err := c.open("gcompris")
	if err != nil {
		return nil, err
	}
	var all []sound
	for folder, kind := range map[string]string{"instruments": "note", "memory-sound": "note", "explore_farm_animals": "effect"} {
		data, err := os.ReadFile(filepath.Join(dir, "usr/share/gcompris-qt/rcc", folder+".rcc"))
		if err != nil {
			return nil, err
		}
		isSound := func(p string) bool { return path.Ext(p) == ".ogg" }
		if err := walkResources(data, isSound, func(file string, content []byte) error {
			stem := strings.TrimSuffix(path.Base(file), ".ogg")
			name, kind := gameSoundName(stem), kind
			if strings.HasPrefix(stem, "LR") {
				kind = "effect"
			}
			if name == "" {
				return nil
			}
			s := sound{ID: "gcompris/" + folder + "/" + stem, Source: "gcompris", Kind: kind, Text: name, Names: map[string][]string{"en": {name}}}
			s.Path = "sounds/gcompris/" + folder + "/" + stem + ".ogg"
			if err := writeFile(filepath.Join(c.dir, s.Path), content); err != nil {
				return err
			}
			all = append(all, s)
			return nil
		}); err != nil {
			return nil, fmt.Errorf("%s: %w", folder, err)
		}
	}
	return all, nil
}

// effectNames are what the effects of gcompris' memory game are of; the rest are songs or cannot be named.
var effectNames = map[string]string{
	"LRApplauses_1_LA_cut": "applause", "LRBark_1_LA_cut": "dog barking", "LRBark_3_LA_cut": "dog barking", "LRBuddhist_gong_05_LA": "gong",
	"LRDoor_Open_2_LA": "door opening", "LRFactory_noise_01_LA": "factory noise", "LRFactory_noise_02_LA": "factory noise",
	"LRFactory_noise_03_LA": "factory noise", "LRFactory_noise_04_LA": "factory noise", "LRFactory_noise_05_LA": "factory noise",
	"LRFactory_noise_06_LA": "factory noise", "LRFireballs_01_LA": "fire", "LRFrogsInPondDuringStormLACut": "frogs",
	"LRHeart_beat_01_LA": "heartbeat", "LRObject_falling_01_LA": "falling object", "LRObject_falling_02_LA": "falling object",
	"LRRain_in_garden_01_LA_cut": "rain", "LRRing_01_LA": "bell", "LRStartAndStopCarEngine1LACut": "car engine",
	"LRTrain_slowing_down_01_LA_cut": "train", "chickens": "chicken", "flute_traversiere": "flute", "guitar_melody": "guitar",
	"guitar_son1": "guitar", "guitar_son2": "guitar", "guitar_son3": "guitar", "guitar_son4": "guitar",
}

func gameSoundName(stem string) string {
	if name, ok := effectNames[stem]; ok {
		return name
	}
	if strings.HasPrefix(stem, "LR") || stem == "beethoven" {
		return ""
	}
	return strings.ReplaceAll(stem, "_", " ")
}

// keep copies a file to a place below the collection's folder, which it returns.
func (c *collection) keep(place, file string) (string, error) {
	to := filepath.Join(c.dir, filepath.FromSlash(place))
	if exists(to) {
		return place, nil
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	return place, writeFile(to, content)
}
