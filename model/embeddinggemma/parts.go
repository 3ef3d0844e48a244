package embeddinggemma

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/chiasm/chiasm/tensor"
)

// A Part is one of the texts and media of a sequence: one of its fields is set, or, for a text, none but Text.
type Part struct {
	Text   string
	Image  *tensor.Tensor // a picture [1, 3, H, W] as the processor of pictures makes it
	Frames *tensor.Tensor // those of a video that are looked at, [n, 3, H, W] as the processor of frames makes them
	Times  []float64      // of the frames in seconds, for models that are told them
	Sound  []float32      // one channel at the model's rate
}

// EmbedParts maps sequences of texts and media to vectors [B, D], not normalised.
func (b *Bundle) EmbedParts(p *tensor.Pass, sequences [][]Part) (*tensor.Tensor, error) {
	inputs := make([]Input, len(sequences))
	for i, parts := range sequences {
		var err error
		if inputs[i], err = b.Input(p, parts); err != nil {
			return nil, fmt.Errorf("embeddinggemma: sequence %d: %w", i, err)
		}
	}
	return b.Embed(p, inputs)
}

// Input is the form of a sequence that the model takes. Its parts are apart by a space, as the reference's processor sets them.
func (b *Bundle) Input(p *tensor.Pass, parts []Part) (in Input, err error) {
	var texts []string
	counts := map[int32][]int{} // tokens of each medium of a kind
	for i, part := range parts {
		id, text := int32(-1), part.Text
		switch {
		case part.Image != nil || part.Frames != nil:
			if b.Config.Vision == nil {
				return in, errors.New("a picture, but the model has no tower for it")
			}
			id = b.Config.Image
			pixels := part.Image
			if part.Frames != nil {
				id, pixels = b.Config.Video, part.Frames
			}
			for range pixels.Dim(0) {
				counts[id] = append(counts[id], b.Config.Vision.Tokens(pixels.Dim(3), pixels.Dim(2)))
			}
			if part.Frames != nil {
				in.Videos = append(in.Videos, pixels)
				text, err = b.videoText(part)
			} else {
				in.Images = append(in.Images, pixels)
				text = b.tags[id].text
			}
		case part.Sound != nil:
			if b.Config.Hearing == nil {
				return in, errors.New("a sound, but the model has no tower for it")
			}
			id = b.Config.Audio
			features := b.features(p, part.Sound)
			in.Sounds = append(in.Sounds, features)
			counts[id] = append(counts[id], b.Config.Hearing.Tokens(features.Dim(0)))
			text = b.tags[id].text
		default:
			err = b.plain(text)
		}
		if err != nil {
			return in, fmt.Errorf("part %d: %w", i, err)
		}
		texts = append(texts, text)
	}
	for _, id := range b.Tokenizer.Encode(strings.Join(texts, " "), true).IDs {
		if n := counts[id]; len(n) > 0 {
			t := b.tags[id]
			in.IDs, counts[id] = t.expand(in.IDs, n[0]), n[1:]
		} else {
			in.IDs = append(in.IDs, id)
		}
	}
	return in, nil
}

// videoText is what stands for a video: a placeholder for every frame, behind its time if the model is told.
func (b *Bundle) videoText(part Part) (string, error) {
	n, tag := part.Frames.Dim(0), b.tags[b.Config.Video].text
	if !b.Stamped {
		return strings.Repeat(tag, n), nil
	}
	if len(part.Times) != n {
		return "", fmt.Errorf("the times of %d frames, want those of all %d: the model is told them", len(part.Times), n)
	}
	stamped := make([]string, n)
	for i, t := range part.Times {
		seconds := int(math.RoundToEven(t))
		stamped[i] = fmt.Sprintf("%02d:%02d %s", seconds/60, seconds%60, tag)
	}
	return strings.Join(stamped, " "), nil
}

// plain refuses a text that holds a placeholder: beside media it would be taken for one of them.
func (b *Bundle) plain(text string) error {
	for _, t := range b.tags {
		if strings.Contains(text, t.text) {
			return fmt.Errorf("a text with %s, which stands for a medium", t.text)
		}
	}
	return nil
}
