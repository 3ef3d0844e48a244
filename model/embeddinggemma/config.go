package embeddinggemma

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/chiasm/chiasm/media/audio"
	"github.com/chiasm/chiasm/model/gemma"
)

// A Config is the shape of a model.
type Config struct {
	Text    *gemma.TextConfig
	Vision  *gemma.VisionConfig // nil for a model without, as the next
	Hearing *gemma.AudioConfig
	// The ids of the tokens whose places media take, and of those before and after them.
	Image, ImageBegin, ImageEnd int32
	Audio, AudioBegin, AudioEnd int32
	Video                       int32 // a frame is between those of an image
}

// placeholder reports whether an id stands for a token of a medium.
func (c *Config) placeholder(id int32) bool { return id == c.Image || id == c.Audio || id == c.Video }

// longest is how many tokens the released model was trained to read (its card), though its positions go on.
const longest = 8192

// Context is how many tokens a sequence has at most.
func (c *Config) Context() int { return min(c.Text.Positions, longest) }

// Dimensions are the lengths to which the vectors may be cut: those that the released model was trained for (its card), and the whole.
func (c *Config) Dimensions() []int {
	list := []int{c.Text.Dimension}
	for _, d := range []int{512, 256, 128} {
		if d < c.Text.Dimension {
			list = append(list, d)
		}
	}
	return list
}

// ParseConfig reads transformers' config.json of an EmbeddingGemma2Model.
func ParseConfig(data []byte) (*Config, error) {
	file := struct {
		Text       json.RawMessage `json:"text_config"`
		Vision     json.RawMessage `json:"vision_config"`
		Hearing    json.RawMessage `json:"audio_config"`
		Image      int32           `json:"image_token_id"`
		ImageBegin int32           `json:"boi_token_id"`
		ImageEnd   int32           `json:"eoi_token_id"`
		Audio      int32           `json:"audio_token_id"`
		AudioBegin int32           `json:"boa_token_id"`
		AudioEnd   int32           `json:"eoa_token_index"` // so spelt
		Video      int32           `json:"video_token_id"`
	}{Image: 258880, ImageBegin: 255999, ImageEnd: 258882, Audio: 258881, AudioBegin: 256000, AudioEnd: 258883, Video: 258884}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("embeddinggemma: config.json: %w", err)
	}
	c := &Config{
		Image: file.Image, ImageBegin: file.ImageBegin, ImageEnd: file.ImageEnd,
		Audio: file.Audio, AudioBegin: file.AudioBegin, AudioEnd: file.AudioEnd, Video: file.Video,
	}
	var err error
	if c.Text, err = gemma.ParseTextConfig(section(file.Text)); err != nil {
		return nil, fmt.Errorf("embeddinggemma: config.json: %w", err)
	}
	if given(file.Vision) {
		if c.Vision, err = gemma.ParseVisionConfig(file.Vision); err != nil {
			return nil, fmt.Errorf("embeddinggemma: config.json: %w", err)
		}
	}
	if given(file.Hearing) {
		if c.Hearing, err = gemma.ParseAudioConfig(file.Hearing); err != nil {
			return nil, fmt.Errorf("embeddinggemma: config.json: %w", err)
		}
		if c.Hearing.Bands != audio.GemmaBands {
			return nil, fmt.Errorf("embeddinggemma: config.json: sounds of %d bands, want %d", c.Hearing.Bands, audio.GemmaBands)
		}
	}
	return c, nil
}

// section is a part of the file; one that is left out has all defaults.
func section(data json.RawMessage) json.RawMessage {
	if !given(data) {
		return json.RawMessage("{}")
	}
	return data
}

// given reports whether the file has a part.
func given(data json.RawMessage) bool { return len(data) > 0 && !slices.Equal(data, []byte("null")) }
