package image

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A class is what transformers takes for granted when a configuration says nothing.
type class struct {
	size      string // JSON, as a configuration would spell it
	crop      int    // side of the centre crop; 0: none unless the configuration asks
	square    bool   // whether a bare number means both sides rather than the short one
	filter    Filter
	mean, std [3]float64
	tiles     *tiling // instead of a size
}

// A tiling is how a configuration speaks of squares, and what it means where it doesn't.
type tiling struct {
	fit         Fit
	bare        bool   // no normalising unless the configuration asks
	patch, pool int    // pixels along a patch, patches along a square
	key         string // of how many squares there are at most
	many, limit int    // how many, and what a configuration may ask for
}

var (
	clipMean = [3]float64{0.48145466, 0.4578275, 0.40821073}
	clipStd  = [3]float64{0.26862954, 0.26130258, 0.27577711}
	half     = [3]float64{0.5, 0.5, 0.5}
)

// classes holds the image processors of transformers that are nothing but resize, crop, rescale and normalise, by name
// without the ending ImageProcessor.
var classes = map[string]class{
	"CLIP":        {`{"shortest_edge": 224}`, 224, false, Bicubic, clipMean, clipStd, nil},
	"ChineseCLIP": {`{"shortest_edge": 224}`, 224, false, Bicubic, clipMean, clipStd, nil},
	"Bit":         {`{"shortest_edge": 224}`, 224, false, Bicubic, clipMean, clipStd, nil},
	"Blip":        {`{"height": 384, "width": 384}`, 0, true, Bicubic, clipMean, clipStd, nil},
	"DeiT":        {`{"height": 256, "width": 256}`, 224, true, Bicubic, half, half, nil},
	"MobileNetV1": {`{"shortest_edge": 256}`, 224, false, Bilinear, half, half, nil},
	"Siglip":      {`{"height": 224, "width": 224}`, 0, false, Bicubic, half, half, nil},
	"Siglip2":     {"", 0, true, Bilinear, half, half, &tiling{FitPatches, false, 16, 1, "max_num_patches", 256, 4096}},
	"ViT":         {`{"height": 224, "width": 224}`, 0, true, Bilinear, half, half, nil},
	"Gemma4":      {"", 0, true, Bicubic, [3]float64{}, [3]float64{1, 1, 1}, &tiling{FitTiles, true, 16, 3, "max_soft_tokens", 280, 1120}},
}

// largest is the longest side that a configuration may ask for, so that a damaged one cannot ask for all memory.
const largest = 1 << 14

// ParseProcessor reads a preprocessor_config.json, or a processor_config.json that nests it under "image_processor", as
// transformers' Pillow back end understands it: sizes as numbers, lists or any set of keys, do_* flags, resample codes,
// missing values by the class that the file names (CLIP, if none), null for nothing. A class that does more than resize,
// crop, rescale and normalise is an error.
func ParseProcessor(data []byte) (*Processor, error) {
	p, err := parseProcessor(data)
	if err != nil {
		return nil, fmt.Errorf("image: processor config: %w", err)
	}
	return p, nil
}

// OpenProcessor reads the processor of a model's folder: preprocessor_config.json, else processor_config.json. Where there is neither,
// the error is fs.ErrNotExist.
func OpenProcessor(dir string) (*Processor, error) {
	var data []byte
	var err error
	for _, name := range []string{"preprocessor_config.json", "processor_config.json"} {
		if data, err = os.ReadFile(filepath.Join(dir, name)); err == nil {
			p, err := ParseProcessor(data)
			if err != nil {
				return nil, fmt.Errorf("%w, in %s", err, name)
			}
			return p, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("image: %s has no preprocessor_config.json: %w", dir, fs.ErrNotExist)
	}
	return nil, fmt.Errorf("image: %w", err)
}

func parseProcessor(data []byte) (*Processor, error) {
	var outer struct {
		Inner json.RawMessage `json:"image_processor"`
	}
	if err := json.Unmarshal(data, &outer); err != nil {
		return nil, err
	}
	if given(outer.Inner) {
		data = outer.Inner
	}
	var file struct {
		Type      string          `json:"image_processor_type"`
		Extractor string          `json:"feature_extractor_type"`
		Resize    flag            `json:"do_resize"`
		Size      json.RawMessage `json:"size"`
		Square    flag            `json:"default_to_square"`
		Resample  json.RawMessage `json:"resample"`
		Crop      flag            `json:"do_center_crop"`
		CropSize  json.RawMessage `json:"crop_size"`
		Rescale   flag            `json:"do_rescale"`
		Factor    json.RawMessage `json:"rescale_factor"`
		Normalize flag            `json:"do_normalize"`
		Mean      json.RawMessage `json:"image_mean"`
		Std       json.RawMessage `json:"image_std"`
		Pad       flag            `json:"do_pad"`
		PadSize   json.RawMessage `json:"pad_size"`
		tilesFile
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, err
	}
	c, err := findClass(file.Type, file.Extractor)
	if err != nil {
		return nil, err
	}
	p := &Processor{Filter: c.filter}
	if file.Pad.on && given(file.PadSize) {
		return nil, errors.New("do_pad with a pad_size is not supported")
	}
	if file.Resize.or(true) {
		if len(file.Size) == 0 {
			file.Size = json.RawMessage(c.size)
		}
		if c.tiles != nil {
			err = p.setTiles(*c.tiles, file.tilesFile)
		} else {
			err = p.setSize(file.Size, file.Square.or(c.square))
		}
		if err != nil {
			return nil, err
		}
		if len(file.Resample) > 0 {
			code := -1
			if json.Unmarshal(file.Resample, &code) != nil || code < 0 || code > int(Hamming) {
				return nil, fmt.Errorf("resample: expected a code from 0 to 5, got %s", short(file.Resample))
			}
			p.Filter = Filter(code)
		}
	}
	if file.Crop.or(c.crop > 0) {
		s := sides{Height: c.crop, Width: c.crop}
		if len(file.CropSize) > 0 {
			if s, err = parseSides("crop_size", file.CropSize, true); err != nil {
				return nil, err
			}
		}
		if s.Width == 0 || s.Height == 0 {
			return nil, fmt.Errorf("crop_size: expected a height and a width, got %q", short(file.CropSize))
		}
		p.CropW, p.CropH = s.Width, s.Height
	}
	if file.Rescale.or(true) {
		p.Rescale = 1 / 255.0
		if len(file.Factor) > 0 {
			if json.Unmarshal(file.Factor, &p.Rescale) != nil || !given(file.Factor) || p.Rescale == 0 {
				return nil, fmt.Errorf("rescale_factor: expected a number other than 0, got %s", short(file.Factor))
			}
		}
	}
	if file.Normalize.or(c.tiles == nil || !c.tiles.bare) {
		if p.Mean, err = parseChannels("image_mean", file.Mean, c.mean); err != nil {
			return nil, err
		}
		if p.Std, err = parseChannels("image_std", file.Std, c.std); err != nil {
			return nil, err
		}
		if p.Std[0] == 0 || p.Std[1] == 0 || p.Std[2] == 0 {
			return nil, fmt.Errorf("image_std: expected numbers other than 0, got %v", p.Std)
		}
	}
	return p, nil
}

// A flag is a do_* key. An explicit null switches off, as in transformers; a missing key is the class's choice.
type flag struct{ given, on bool }

// UnmarshalJSON reads true, false or null.
func (f *flag) UnmarshalJSON(b []byte) error {
	f.given = true
	return json.Unmarshal(b, &f.on)
}

func (f flag) or(otherwise bool) bool {
	if f.given {
		return f.on
	}
	return otherwise
}

// findClass resolves the names under which a file may mention its class.
func findClass(kind, extractor string) (class, error) {
	if kind == "" {
		kind = strings.Replace(extractor, "FeatureExtractor", "ImageProcessor", 1)
	}
	if kind == "" {
		return classes["CLIP"], nil
	}
	name := strings.TrimSuffix(strings.TrimSuffix(kind, "Fast"), "Pil")
	c, ok := classes[strings.TrimSuffix(name, "ImageProcessor")]
	if !ok {
		known := make([]string, 0, len(classes))
		for name := range classes {
			known = append(known, name+"ImageProcessor")
		}
		slices.Sort(known)
		return c, fmt.Errorf("image_processor_type: expected one of %s, got %q", strings.Join(known, ", "), kind)
	}
	return c, nil
}

// sides is a size in any of its spellings.
type sides struct {
	Height    int `json:"height"`
	Width     int `json:"width"`
	Shortest  int `json:"shortest_edge"`
	Longest   int `json:"longest_edge"`
	MaxHeight int `json:"max_height"`
	MaxWidth  int `json:"max_width"`
}

// tilesFile is what a configuration says of squares instead of a size.
type tilesFile struct {
	Patch   *int `json:"patch_size"`
	Pool    *int `json:"pooling_kernel_size"`
	Tokens  *int `json:"max_soft_tokens"`
	Patches *int `json:"max_num_patches"`
}

// setTiles reads it; what it leaves out is as t has it.
func (p *Processor) setTiles(t tiling, f tilesFile) error {
	many := f.Patches
	if t.fit == FitTiles {
		many = f.Tokens
	} else {
		f.Pool = nil
	}
	for _, n := range []struct {
		key  string
		from *int
		to   *int
		most int
	}{{"patch_size", f.Patch, &t.patch, 64}, {"pooling_kernel_size", f.Pool, &t.pool, 8}, {t.key, many, &t.many, t.limit}} {
		if n.from != nil {
			*n.to = *n.from
		}
		if *n.to < 1 || *n.to > n.most {
			return fmt.Errorf("%s: expected 1 to %d, got %d", n.key, n.most, *n.to)
		}
	}
	p.Fit, p.Tile, p.Tiles = t.fit, t.patch*t.pool, t.many
	return nil
}

func (p *Processor) setSize(data json.RawMessage, square bool) error {
	s, err := parseSides("size", data, square)
	if err != nil {
		return err
	}
	switch {
	case s.Shortest > 0:
		p.Fit, p.W, p.H, p.Longest = FitShortest, s.Shortest, s.Shortest, s.Longest
	case s.MaxHeight > 0 && s.MaxWidth > 0:
		p.Fit, p.W, p.H = FitInside, s.MaxWidth, s.MaxHeight
	case s.Height > 0 && s.Width > 0:
		p.Fit, p.W, p.H = FitExact, s.Width, s.Height
	default:
		return fmt.Errorf("size: expected height and width, max_height and max_width, or shortest_edge, got %s", short(data))
	}
	return nil
}

// parseSides reads a size: a number (both sides if square, else the short one), [height, width], or a set of keys.
func parseSides(key string, data json.RawMessage, square bool) (sides, error) {
	var s sides
	var number float64
	var list []float64
	var keys map[string]*float64
	switch {
	case !given(data):
		return s, fmt.Errorf("%s: expected a number, [height, width] or an object of numbers, got null", key)
	case json.Unmarshal(data, &number) == nil:
		keys = map[string]*float64{"shortest_edge": &number}
		if square {
			keys = map[string]*float64{"height": &number, "width": &number}
		}
	case json.Unmarshal(data, &list) == nil && len(list) == 2:
		keys = map[string]*float64{"height": &list[0], "width": &list[1]}
	case json.Unmarshal(data, &keys) == nil:
	default:
		return s, fmt.Errorf("%s: expected a number, [height, width] or an object of numbers, got %s", key, short(data))
	}
	into := map[string]*int{"height": &s.Height, "width": &s.Width, "shortest_edge": &s.Shortest,
		"longest_edge": &s.Longest, "max_height": &s.MaxHeight, "max_width": &s.MaxWidth}
	for k, v := range keys {
		to, ok := into[k]
		if !ok {
			return s, fmt.Errorf("%s: unknown key %q", key, k)
		}
		if v == nil {
			continue
		}
		if *v != math.Trunc(*v) || *v < 1 || *v > largest {
			return s, fmt.Errorf("%s: expected whole pixels from 1 to %d, got %v", key, largest, *v)
		}
		*to = int(*v)
	}
	return s, nil
}

// parseChannels reads one number per channel, or one for all.
func parseChannels(key string, data json.RawMessage, fallback [3]float64) ([3]float32, error) {
	v := fallback
	if len(data) > 0 {
		var one float64
		var list []float64
		switch {
		case given(data) && json.Unmarshal(data, &one) == nil:
			v = [3]float64{one, one, one}
		case json.Unmarshal(data, &list) == nil && len(list) == 3:
			v = [3]float64(list)
		default:
			return [3]float32{}, fmt.Errorf("%s: expected a number or three, got %s", key, short(data))
		}
	}
	return [3]float32{float32(v[0]), float32(v[1]), float32(v[2])}, nil
}

// given reports whether a key was there with a value.
func given(data json.RawMessage) bool { return len(data) > 0 && string(data) != "null" }

// short cuts a value for an error message.
func short(data []byte) string {
	if len(data) > 60 {
		return string(data[:60]) + "…"
	}
	return string(data)
}
