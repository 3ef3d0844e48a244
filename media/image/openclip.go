package image

import (
	"encoding/json"
	"errors"
	"fmt"
)

// ParseOpenCLIP reads open_clip's preprocess_cfg, the transform that open_clip uses for inference: mean, std,
// interpolation (bicubic, bilinear), resize_mode (shortest, longest, squash) and fill_color, each with open_clip's default
// where it is missing. Empty data means all defaults. w and h are the tower's image size, which wins over the file's size;
// 0 takes the file's (224 if it has none).
func ParseOpenCLIP(data []byte, w, h int) (*Processor, error) {
	p, err := parseOpenCLIP(data, w, h)
	if err != nil {
		return nil, fmt.Errorf("image: open_clip preprocess_cfg: %w", err)
	}
	return p, nil
}

func parseOpenCLIP(data []byte, w, h int) (*Processor, error) {
	file := struct {
		Size          json.RawMessage `json:"size"`
		Mode          string          `json:"mode"`
		Mean          json.RawMessage `json:"mean"`
		Std           json.RawMessage `json:"std"`
		Interpolation string          `json:"interpolation"`
		ResizeMode    string          `json:"resize_mode"`
		Fill          *float64        `json:"fill_color"`
	}{}
	if len(data) > 0 {
		if err := json.Unmarshal(data, &file); err != nil {
			return nil, err
		}
	}
	if file.Mode != "" && file.Mode != "RGB" {
		return nil, fmt.Errorf("mode: expected RGB, got %q", file.Mode)
	}
	if w == 0 && h == 0 {
		size := file.Size
		if !given(size) {
			size = json.RawMessage("224")
		}
		var list []json.RawMessage
		if json.Unmarshal(size, &list) == nil && len(list) == 1 {
			size = list[0]
		}
		s, err := parseSides("size", size, true)
		if err != nil {
			return nil, err
		}
		w, h = s.Width, s.Height
	}
	if w < 1 || h < 1 || w > largest || h > largest {
		return nil, fmt.Errorf("size: expected from 1 to %d pixels, got %d x %d", largest, w, h)
	}
	p := &Processor{W: w, H: h, CropW: w, CropH: h, Torchvision: true, Rescale: 1 / 255.0}
	switch file.Interpolation {
	case "", "bicubic", "random":
		p.Filter = Bicubic
	case "bilinear":
		p.Filter = Bilinear
	default:
		return nil, fmt.Errorf("interpolation: expected bicubic or bilinear, got %q", file.Interpolation)
	}
	switch file.ResizeMode {
	case "", "shortest":
		p.Fit = FitShortest
		if w != h { // open_clip forgets the interpolation here
			p.Fit, p.Filter = FitCover, Bicubic
		}
	case "longest":
		p.Fit = FitContain
		if file.Fill != nil {
			if *file.Fill < 0 || *file.Fill > 255 {
				return nil, fmt.Errorf("fill_color: expected 0 to 255, got %v", *file.Fill)
			}
			p.Fill = uint8(*file.Fill)
		}
	case "squash":
		p.Fit, p.CropW, p.CropH = FitExact, 0, 0
	default:
		return nil, fmt.Errorf("resize_mode: expected shortest, longest or squash, got %q", file.ResizeMode)
	}
	var err error
	for _, v := range []*json.RawMessage{&file.Mean, &file.Std} { // open_clip overlooks null
		if !given(*v) {
			*v = nil
		}
	}
	if p.Mean, err = parseChannels("mean", file.Mean, clipMean); err != nil {
		return nil, err
	}
	if p.Std, err = parseChannels("std", file.Std, clipStd); err != nil {
		return nil, err
	}
	if p.Std[0] == 0 || p.Std[1] == 0 || p.Std[2] == 0 {
		return nil, errors.New("std: expected numbers other than 0")
	}
	return p, nil
}
