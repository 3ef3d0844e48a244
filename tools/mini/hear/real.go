package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chiasm/chiasm/media/audio"
	"github.com/chiasm/chiasm/model/mini"
)

const volunteersOf = "volunteers-"

// volunteers is the cast of tuxpaint's volunteers, who say what its pictures show: a test.
func volunteers(code string) *cast {
	return &cast{name: volunteersOf + code, by: (*cast).readOut, code: code}
}

// readOut takes the sounds of the data's folder whose text, without its article, is a word.
func (c *cast) readOut(s *speaker, w *clipWriter, words []word) error {
	list, err := os.ReadFile(filepath.Join(s.data, "sounds.jsonl"))
	if err != nil {
		return err
	}
	ids := map[string]int{}
	for i, w := range words {
		if w.language == c.code {
			ids[w.text] = i
		}
	}
	for line := range strings.Lines(string(list)) {
		var sound struct {
			Path, Kind, Language, Text string
			Caption                    bool
		}
		if err := json.Unmarshal([]byte(line), &sound); err != nil {
			return fmt.Errorf("sounds.jsonl: %w", err)
		}
		id, ok := ids[bare(sound.Text, tongue(c.code).before)]
		if sound.Kind != "speech" || sound.Language != c.code || !sound.Caption || !ok {
			continue
		}
		x, err := audio.Load(context.Background(), filepath.Join(s.data, sound.Path), mini.SoundRate, mini.SoundLimit)
		if err != nil {
			return err
		}
		if err := w.add([]int{id}, [][]float32{x}, "volunteer"); err != nil {
			return err
		}
	}
	return nil
}

// bare is a caption without its full stop and its article.
func bare(text string, articles []string) string {
	text = strings.ToLower(strings.Trim(text, " .!"))
	if first, rest, ok := strings.Cut(text, " "); ok && slices.Contains(articles, first) {
		return rest
	}
	return text
}
