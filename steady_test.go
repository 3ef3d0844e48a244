package chiasm_test

import (
	"bytes"
	"context"
	"math"
	"os"
	"runtime"
	"slices"
	"testing"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/internal/steady"
	"github.com/chiasm/chiasm/media/audio"
	"github.com/chiasm/chiasm/media/image"
)

// From the bytes of a picture and of a sound to their vectors nothing is allocated once the memory is there, and the vectors are those that
// calls without memory give.
func TestTheSteadyStateTakesNoMemory(t *testing.T) {
	if !chiasm.Ships() {
		t.Skip("no model is inside this build")
	}
	if testing.Short() && runtime.GOARCH != "amd64" {
		t.Skip("takes minutes where the processor is emulated")
	}
	for _, precision := range []string{"f32", "auto"} {
		m, err := chiasm.Open(t.Context(), chiasm.Shipped, &chiasm.Options{Precision: precision})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		photo, err := os.ReadFile("examples/collection/pictures/astronaut.jpg")
		if err != nil {
			t.Fatal(err)
		}
		file := tone(16000, 16000)
		var d image.Decoder
		var r audio.Reader
		var sound chiasm.Sound
		var seen, heard chiasm.Embedding
		ctx, in := context.Background(), bytes.NewReader(file)
		o := m.Processor().Options()
		for name, do := range map[string]func() error{
			"seeing": func() error {
				img, err := d.Decode(photo, &o)
				if err != nil {
					return err
				}
				return m.EmbedImageInto(ctx, &seen, img)
			},
			"hearing": func() error {
				in.Reset(file)
				if err := r.Reset(ctx, in); err != nil {
					return err
				}
				if err := m.HearInto(&sound, &r); err != nil {
					return err
				}
				return m.EmbedAudioInto(ctx, &heard, sound)
			},
		} {
			steady.NoAllocs(t, name+" in "+precision, func() {
				if err := do(); err != nil {
					t.Fatal(err)
				}
			})
		}
		img, err := m.OpenImage("examples/collection/pictures/astronaut.jpg")
		if err != nil {
			t.Fatal(err)
		}
		if e, err := m.EmbedImage(ctx, img); err != nil || !slices.Equal(e.Values, seen.Values) || e.Length != seen.Length || e.Space != seen.Space {
			t.Errorf("another vector of the picture, %v", err)
		}
		s, err := m.ReadAudio(ctx, bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		if e, err := m.EmbedAudio(ctx, s); err != nil || !slices.Equal(e.Values, heard.Values) {
			t.Errorf("another vector of the sound, %v", err)
		}
		was := slices.Clone(heard.Values)
		if err := m.EmbedAudioInto(ctx, &heard, chiasm.Sound{Rate: 16000}); err == nil || !slices.Equal(heard.Values, was) {
			t.Errorf("a sound without samples: %v, or the vector is another one", err)
		}
	}
}

// tone is a WAV file of n samples.
func tone(n, rate int) []byte {
	b := []byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x10\x00data\x00\x00\x00\x00")
	put := func(at, v int) { b[at], b[at+1], b[at+2], b[at+3] = byte(v), byte(v>>8), byte(v>>16), byte(v>>24) }
	put(4, 36+2*n)
	put(24, rate)
	put(28, 2*rate)
	put(40, 2*n)
	for i := range n {
		v := int16(9000*math.Sin(float64(i)/9) + 4000*math.Sin(float64(i*i)/3e6))
		b = append(b, byte(v), byte(v>>8))
	}
	return b
}
