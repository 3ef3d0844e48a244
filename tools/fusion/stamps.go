package main

import (
	"context"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	stdimage "image"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/tools/internal/things"
)

// The kinds of things that stamps show: folders of theirs with 16 pictures or more that are no vector drawings.
var kinds = strings.Fields("animals clothes food household plants seasonal space town vehicles")

// recordings is how many of a stamp are taken, at most: what it sounds like, and its sentence read aloud in some languages.
const recordings = 4

// A stamp is a picture, what it is called by language, and its recordings with their languages.
type stamp struct {
	kind    int
	path    string // without its ending
	concept string
	names   map[string][]string
	sounds  []string // endings of files: ".ogg", "_desc_fr.ogg"
}

// readStamps is pictures, a recording of each thing or of its name, and its name in the recording's language: vectors of the model inside chiasm,
// which saw none of them as it learnt.
func readStamps(packages string) (*set, error) {
	root, err := stamps.Unpack(packages)
	if err != nil {
		return nil, err
	}
	list, err := findStamps(filepath.Join(root, "usr/share/tuxpaint/stamps"))
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	model, err := chiasm.Open(ctx, chiasm.Shipped, nil)
	if err != nil {
		return nil, err
	}
	defer model.Close()
	s := newSet("stamps", "concepts", len(kinds), "picture", 1, model.Info().Dimension, "sound", 1, model.Info().Dimension, "name", 1, model.Info().Dimension)
	for _, t := range list {
		if err := t.addTo(ctx, s, model); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// findStamps is the stamps of the kinds that have a picture and a sound, those of a folder in the order of their names.
func findStamps(root string) (list []*stamp, err error) {
	r := rand.New(rand.NewPCG(2, 0x5851f42d4c957f2d))
	for kind, folder := range kinds {
		err = filepath.WalkDir(filepath.Join(root, folder), func(file string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(file) != ".txt" {
				return err
			}
			t := &stamp{kind: kind, path: strings.TrimSuffix(file, ".txt")}
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			t.names, _ = things.Stamp(string(text))
			if !exists(t.path+".png") || len(t.names["en"]) == 0 {
				return nil
			}
			t.concept = things.Concept(t.names["en"][0])
			if exists(t.path + ".ogg") {
				t.sounds = append(t.sounds, ".ogg")
			}
			read, err := filepath.Glob(t.path + "_desc_*.ogg")
			if err != nil {
				return err
			}
			r.Shuffle(len(read), func(i, j int) { read[i], read[j] = read[j], read[i] })
			for _, sound := range read[:min(len(read), recordings-len(t.sounds))] {
				t.sounds = append(t.sounds, strings.TrimPrefix(sound, t.path))
			}
			if len(t.sounds) > 0 {
				list = append(list, t)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (t *stamp) addTo(ctx context.Context, s *set, model *chiasm.Model) error {
	img, err := image.Open(t.path+".png", &image.Options{White: true})
	if err != nil {
		return err
	}
	picture, err := model.EmbedImages(ctx, []stdimage.Image{img})
	if err != nil {
		return fmt.Errorf("%s: %w", t.path, err)
	}
	for _, ending := range t.sounds {
		sound, err := model.OpenAudio(ctx, t.path+ending)
		if err != nil {
			return err
		}
		voice, err := model.EmbedAudio(ctx, sound)
		if err != nil {
			return fmt.Errorf("%s%s: %w", t.path, ending, err)
		}
		text, err := model.EmbedText(ctx, t.name(ending))
		if err != nil {
			return fmt.Errorf("%s: %w", t.path, err)
		}
		s.add(sideOf(t.concept), t.kind, t.concept, slices.Clone(picture[0].Values), voice.Values, text.Values)
	}
	return nil
}

// name is what a stamp is called in the language of one of its recordings.
func (t *stamp) name(ending string) string {
	if language, ok := strings.CutPrefix(strings.TrimSuffix(ending, ".ogg"), "_desc_"); ok {
		if own := t.names[things.Tag(language)]; own != nil {
			return own[0]
		}
	}
	return t.names["en"][0]
}

// sideOf is the side of a concept, by its hash: of 20, 11 to learn from, 3 to look at, 6 to test on.
func sideOf(concept string) int {
	sum := sha1.Sum([]byte("fusion " + concept))
	switch part := binary.BigEndian.Uint32(sum[:]) % 20; {
	case part < 11:
		return learn
	case part < 14:
		return valid
	}
	return test
}
