package mini

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// What a spectrum heard before changes nothing.
func TestSpectrumForgets(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var used Spectrum
	for i := range 200 {
		sound := make([]float32, r.IntN(SoundLimit))
		for j := range sound {
			sound[j] = float32(r.NormFloat64()) * float32(j%1000) / 1000
		}
		var fresh Spectrum
		used.Hear(sound)
		fresh.Hear(sound)
		if !slices.Equal(used.Frames, fresh.Frames) {
			t.Fatalf("sound %d, %d samples: frames differ", i, len(sound))
		}
	}
}
