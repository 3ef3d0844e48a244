package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chiasm/chiasm/media/audio"
	"github.com/chiasm/chiasm/model/mini"
	"github.com/chiasm/chiasm/tools/internal/fetch"
)

// A voice is one person who says digits, or two of the same language where nobody knows whether they are one.
type voice struct {
	name  string
	side  int
	pkg   fetch.Package
	files string // of digits: %d is the digit
}

const (
	stampDigits    = "usr/share/tuxpaint/stamps/symbols/math/%d"
	asteriskDigits = "usr/share/asterisk/sounds/"
)

// voices is who speaks. Each language of a side to test or to look at has other voices to learn from. Allison speaks two languages and is one.
func voices() []voice {
	list := []voice{
		{"Allison", learn, allison, asteriskDigits + "en_US_f_Allison/digits/%d.wav"},
		{"Allison", learn, mexico, asteriskDigits + "es_MX_f_Allison/digits/%d.wav"},
		{"Armelle", learn, armelle, asteriskDigits + "fr/digits/%d.gsm"},
		{"stamps-en", learn, stamps, stampDigits + ".ogg"},
		{"Carlo", valid, carlo, asteriskDigits + "it_IT_m_Carlo/digits/%d.wav"},
		{"captcha", valid, captcha, "captcha/data/%d/default.wav"},
		{"stamps-es", valid, stamps, stampDigits + "_es.ogg"},
		{"Bogotá", test, bogota, asteriskDigits + "es/digits/%d.gsm"},
		{"June", test, june, asteriskDigits + "fr_CA_f_June/digits/%d.wav"},
		{"Menardi", test, menardi, asteriskDigits + "it_IT_f_Menardi/digits/%d.wav"},
		{"Ivrvoice", test, moscow, asteriskDigits + "ru_RU_f_IvrvoiceRU/digits/%d.wav"},
		{"stamps-en-GB", test, stamps, stampDigits + "_en_GB.ogg"},
	}
	for _, language := range strings.Fields("be bg ca de el fr it ja ko lt nb nl pt ro ru sl sv zh_tw") {
		list = append(list, voice{"stamps-" + language, learn, stamps, stampDigits + "_" + language + ".ogg"})
	}
	for _, language := range strings.Fields("fr ro ru") {
		list = append(list, voice{"stamps-" + language, learn, stamps, stampDigits + "_desc_" + language + ".ogg"})
	}
	return append(list, voice{"stamps-nb", learn, stamps, stampDigits + "_nn.ogg"})
}

// spoken is the recordings of each digit by the voices of a side.
func spoken(packages string, side int) (clips [10][][]float32, err error) {
	for _, v := range voices() {
		if v.side != side {
			continue
		}
		root, err := v.pkg.Unpack(packages)
		if err != nil {
			return clips, err
		}
		for digit := range clips {
			file := filepath.Join(root, fmt.Sprintf(v.files, digit))
			if !exists(file) {
				continue // some volunteers of the stamps left one or more out
			}
			x, err := recording(file)
			if err != nil {
				return clips, fmt.Errorf("%s: %w", v.name, err)
			}
			clips[digit] = append(clips[digit], x)
		}
	}
	return clips, nil
}

// recording is a file's samples, [mini.SoundRate] a second; files of GSM have no header and go through ffmpeg.
func recording(file string) ([]float32, error) {
	if filepath.Ext(file) != ".gsm" {
		return audio.Load(context.Background(), file, mini.SoundRate, mini.SoundLimit)
	}
	out, err := exec.Command("ffmpeg", "-v", "error", "-f", "gsm", "-i", file, "-f", "f32le", "-ac", "1", "-ar", fmt.Sprint(mini.SoundRate), "pipe:1").Output()
	if err != nil {
		return nil, fmt.Errorf("%s: ffmpeg: %w", file, err)
	}
	x := make([]float32, len(out)/4)
	for i := range x {
		x[i] = math.Float32frombits(binary.LittleEndian.Uint32(out[4*i:]))
	}
	return x, nil
}

// What is heard of a digit: so many tokens from its beginning to its end, of so many bands.
const (
	soundTokens = 8
	soundWidth  = mini.SoundBands
)

// heard is the spectrum of a sound in tokens, each the mean of an eighth of its frames.
func heard(x []float32) []float32 {
	var s mini.Spectrum
	n := s.Hear(x)
	out := make([]float32, soundTokens*soundWidth)
	for t := range soundTokens {
		first := min(t*n/soundTokens, n-1)
		end := max(first+1, (t+1)*n/soundTokens)
		for f := first; f < end; f++ {
			for b, v := range s.Frames[f*mini.SoundBands:][:mini.SoundBands] {
				out[t*soundWidth+b] += v / float32(end-first)
			}
		}
	}
	return out
}

// loud is a copy of a sound without silence around it: of its samples above a hundredth of the loudest, and those between.
func loud(x []float32) []float32 {
	top := float32(0)
	for _, v := range x {
		top = max(top, v, -v)
	}
	is := func(v float32) bool { return max(v, -v) > top/100 }
	first := slices.IndexFunc(x, is)
	if first < 0 {
		return slices.Clone(x)
	}
	end := len(x)
	for !is(x[end-1]) {
		end--
	}
	return slices.Clone(x[first:end])
}
