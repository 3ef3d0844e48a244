package efficientnet

import (
	"fmt"
	"math"
	"strings"

	"github.com/chiasm/chiasm/media/image"
)

// A Config is the shape of a tower.
type Config struct {
	Width, Depth float64 // by what channels and layers of Lite0 are multiplied
	Stem, Head   int     // channels of the first and the last convolution, which Width does not scale: 32 and 1280
	Classes      int     // 0 for a tower that does not classify
	Size         int     // pixels along the side of a picture
	Same         bool    // padding as TensorFlow's, with the odd row and column at the end; else symmetric
	Eps          float32
	Momentum     float32 // of the batch norms
	Original     bool    // pictures are prepared as for the original weights rather than as timm does
}

// A stage is blocks of one shape, of which the first may take steps of 2.
type stage struct{ blocks, channels, kernel, stride, expand int }

var lite0 = []stage{{1, 16, 3, 1, 1}, {2, 24, 3, 2, 6}, {2, 40, 5, 2, 6}, {3, 80, 3, 2, 6}, {3, 112, 5, 1, 6}, {4, 192, 5, 2, 6}, {1, 320, 3, 1, 6}}

// variants are Lite0 to Lite4: their factors, the sides of pictures of the original and of timm's, and the part of its side that timm crops.
var variants = []struct {
	width, depth   float64
	original, timm int
	crop           float64
}{{1, 1, 224, 224, 0.875}, {1, 1.1, 240, 240, 0.882}, {1.1, 1.2, 260, 260, 0.890}, {1.2, 1.4, 280, 300, 0.904}, {1.4, 1.8, 300, 380, 0.920}}

// Named is the shape of efficientnet_lite0 to efficientnet_lite4 or of tf_efficientnet_lite0 to tf_efficientnet_lite4, as timm calls those
// with symmetric padding and those with TensorFlow's; efficientnet-lite0 and so on are the original ones, which are like the latter.
func Named(name string) (Config, error) {
	rest, tf := strings.CutPrefix(name, "tf_")
	number, timm := strings.CutPrefix(rest, "efficientnet_lite")
	if !timm {
		var original bool
		if number, original = strings.CutPrefix(rest, "efficientnet-lite"); !original || tf {
			number = ""
		}
	}
	if len(number) != 1 || number[0] < '0' || number[0] > '4' {
		return Config{}, fmt.Errorf("efficientnet: unknown architecture %q, want efficientnet_lite0 to 4, tf_efficientnet_lite0 to 4 or efficientnet-lite0 to 4", name)
	}
	v := variants[number[0]-'0']
	c := Config{Width: v.width, Depth: v.depth, Stem: 32, Head: 1280, Classes: 1000, Size: v.timm, Same: tf || !timm, Eps: 1e-5, Momentum: 0.1}
	if !timm {
		c.Size, c.Original = v.original, true
	}
	if c.Same {
		c.Eps, c.Momentum = 1e-3, 0.01
	}
	return c, nil
}

// Validate says what makes c impossible.
func (c *Config) Validate() error {
	for _, f := range []struct {
		name            string
		value, min, max int
	}{{"channels of the stem", c.Stem, 1, 1 << 12}, {"channels of the head", c.Head, 1, 1 << 16}, {"classes", c.Classes, 0, 1 << 20}, {"picture size", c.Size, 1, 1 << 13}} {
		if f.value < f.min || f.value > f.max {
			return fmt.Errorf("efficientnet: %s is %d, want %d to %d", f.name, f.value, f.min, f.max)
		}
	}
	if !(c.Width > 0 && c.Width <= 16) || !(c.Depth > 0 && c.Depth <= 16) {
		return fmt.Errorf("efficientnet: factors are %v and %v, want more than 0 and at most 16", c.Width, c.Depth)
	}
	return nil
}

// stages are those of Lite0 with the factors applied: channels to the nearest multiple of 8, though not less than nine tenths; layers
// rounded up, those of the first and last stage as they are.
func (c *Config) stages() []stage {
	var list []stage
	for i, s := range lite0 {
		wide := float64(s.channels) * c.Width
		s.channels = max(8, int(wide+4)/8*8)
		if float64(s.channels) < 0.9*wide {
			s.channels += 8
		}
		if i > 0 && i < len(lite0)-1 {
			s.blocks = int(math.Ceil(c.Depth * float64(s.blocks)))
		}
		list = append(list, s)
	}
	return list
}

// Operations is the floating-point operations of the features of a picture.
func (c *Config) Operations() float64 {
	area := func(side int) float64 { return float64(side * side) }
	side, in := (c.Size+1)/2, c.Stem
	n := area(side) * 27 * float64(in)
	for _, s := range c.stages() {
		for i := range s.blocks {
			wide := in * s.expand
			if s.expand > 1 {
				n += area(side) * float64(in*wide)
			}
			if i == 0 {
				side = (side + s.stride - 1) / s.stride
			}
			n += area(side) * float64(wide*(s.kernel*s.kernel+s.channels))
			in = s.channels
		}
	}
	return 2 * (n + area(side)*float64(in*c.Head))
}

// Processor makes pictures into the tower's input. The original weights want (x - 127)/128 of the middle of a picture whose short side
// has 32 pixels more than what is seen, timm's what its configurations of the same names say.
func (c *Config) Processor() *image.Processor {
	p := &image.Processor{Fit: image.FitShortest, W: c.Size + 32, Filter: image.Bicubic, CropW: c.Size, CropH: c.Size, Torchvision: true}
	if c.Original {
		p.Mean, p.Std = [3]float32{127, 127, 127}, [3]float32{128, 128, 128}
		return p
	}
	for _, v := range variants {
		if v.timm == c.Size {
			p.W = int(float64(c.Size) / v.crop)
		}
	}
	p.Rescale, p.Mean, p.Std = 1/255.0, [3]float32{0.485, 0.456, 0.406}, [3]float32{0.229, 0.224, 0.225}
	if c.Same {
		p.Mean, p.Std = [3]float32{0.5, 0.5, 0.5}, [3]float32{0.5, 0.5, 0.5}
	}
	return p
}
