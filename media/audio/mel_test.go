package audio

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"
)

type melCase struct {
	Front, Style  string
	Bands         int
	Long, Fusion  bool
	Samples       int
	Longer        bool
	Valid, Frames int
	At            []int
	Values        string
	Sum           float64
}

func melGolden(t testing.TB) []melCase {
	t.Helper()
	data, err := os.ReadFile("testdata/mel.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct{ Cases []melCase }
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden.Cases) < 40 {
		t.Fatalf("testdata holds %d cases", len(golden.Cases))
	}
	return golden.Cases
}

// features computes a case, and says where the values of a frame lie: groups of bands, groups and bands step apart.
func (c *melCase) features(t *testing.T) (all []float32, frame func(int) []float32) {
	switch c.Front {
	case "whisper":
		w := NewWhisper(c.Bands)
		x := sound(c.Style, c.Samples, WhisperRate)
		all = make([]float32, c.Bands*c.Frames)
		if c.Long {
			w.Long(all, x)
		} else {
			w.Window(all, x)
		}
		return all, func(at int) (v []float32) {
			for band := range c.Bands {
				v = append(v, all[band*c.Frames+at])
			}
			return v
		}
	case "clap":
		p := NewCLAP(c.Fusion, 0)
		all = make([]float32, p.Images()*CLAPFrames*CLAPBands)
		if longer := p.Features(all, sound(c.Style, c.Samples, CLAPRate)); longer != c.Longer {
			t.Errorf("longer: got %v, want %v", longer, c.Longer)
		}
		return all, func(at int) (v []float32) {
			for image := range p.Images() {
				i := (image*CLAPFrames + at) * CLAPBands
				v = append(v, all[i:i+CLAPBands]...)
			}
			return v
		}
	}
	g := NewGemma()
	frames, valid := g.Frames(c.Samples)
	if frames != c.Frames || valid != c.Valid {
		t.Fatalf("got %d frames of which %d are valid, want %d and %d", frames, valid, c.Frames, c.Valid)
	}
	all = make([]float32, frames*GemmaBands)
	g.Features(all, sound(c.Style, c.Samples, GemmaRate))
	return all, func(at int) []float32 { return all[at*GemmaBands : (at+1)*GemmaBands] }
}

// Features must be the reference's within 1e-4.
func TestFeaturesEqualReference(t *testing.T) {
	for i, c := range melGolden(t) {
		t.Run(fmt.Sprintf("%d-%s-%s-%d", i, c.Front, c.Style, c.Samples), func(t *testing.T) {
			all, frame := c.features(t)
			data, err := base64.StdEncoding.DecodeString(c.Values)
			if err != nil {
				t.Fatal(err)
			}
			worst := 0.0
			for _, at := range c.At {
				for _, got := range frame(at) {
					want := math.Float32frombits(binary.LittleEndian.Uint32(data))
					data = data[4:]
					if d := math.Abs(float64(got - want)); !(d <= worst) {
						worst = d
					}
				}
			}
			var sum float64
			for _, v := range all {
				sum += float64(v)
			}
			if d := math.Abs(sum-c.Sum) / float64(max(len(all), 1)); !(worst <= 1e-4) || !(d <= 1e-5) || len(data) > 0 {
				t.Errorf("off by %.2g, mean by %.2g; %d bytes left", worst, d, len(data))
			}
			t.Logf("off by %.2g", worst)
		})
	}
}
