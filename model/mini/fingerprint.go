package mini

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Fingerprint is a hash of all that the model's vectors of pictures ("image") or sounds ("audio") are made by, so that two models with the
// same one make the same vectors: of pictures the image tower and what maps it into the space; of sounds also the lexicon and the text
// tower, whose vectors of words they are mixed of. It is "" for what the model does not take.
func (b *Bundle) Fingerprint(modality string) string {
	if made, ok := b.prints.Load(modality); ok {
		return made.(string)
	}
	made := b.fingerprint(modality)
	b.prints.Store(modality, made)
	return made
}

func (b *Bundle) fingerprint(modality string) string {
	c := b.Config
	c.Scale, c.Bias, c.SoundScale, c.SoundBias = 0, 0, 0, 0 // what a cosine means changes no vector
	var towers []string
	sum := sha256.New()
	switch {
	case modality == "image":
		c = Config{ModelType: c.ModelType, Dimension: c.Dimension, Image: c.Image, Classes: c.Classes, ImageWidth: c.ImageWidth, ImageHead: c.ImageHead,
			HeadHidden: c.HeadHidden, Sight: c.Sight}
		towers = []string{"image.", "sight."}
	case modality == "audio" && b.Sound != nil:
		c.Image, c.Classes, c.ImageWidth, c.ImageHead, c.HeadHidden, c.Sight = "", 0, 0, 0, 0, SightConfig{}
		towers = []string{"text.", "sound."}
		for _, name := range []string{TokenizerFile, LexiconFile} {
			fmt.Fprintf(sum, "%s %d\n", name, len(b.files[name]))
			sum.Write(b.files[name])
		}
	default:
		return ""
	}
	shape, err := json.Marshal(c)
	if err != nil {
		panic(err) // numbers and words
	}
	sum.Write(shape)
	for _, name := range b.Weights.Names() {
		for _, tower := range towers {
			if strings.HasPrefix(name, tower) {
				b.write(sum, name)
			}
		}
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// write writes a tensor as it is stored: a line of text, with scales as fmt writes them, then its data.
func (b *Bundle) write(to io.Writer, name string) {
	e, _ := b.Weights.Get(name)
	line := fmt.Append(nil, e.Name, " ", e.DType, " ", e.Shape, " [")
	for i, s := range e.Scale {
		if i > 0 {
			line = append(line, ' ')
		}
		line = strconv.AppendFloat(line, float64(s), 'g', -1, 32)
	}
	_, _ = to.Write(fmt.Appendln(append(line, "] "...), len(e.Data))) // a hash takes all
	_, _ = to.Write(e.Data)
}
