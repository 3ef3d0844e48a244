package library

import (
	"encoding/binary"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// wave writes a sound of so many seconds, whose pitch changes after the first ten.
func wave(t *testing.T, path string, seconds int) {
	t.Helper()
	const rate = 16000
	data := make([]byte, 44+2*rate*seconds)
	copy(data, "RIFF")
	binary.LittleEndian.PutUint32(data[4:], uint32(len(data)-8))
	copy(data[8:], "WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00")
	binary.LittleEndian.PutUint32(data[24:], rate)
	binary.LittleEndian.PutUint32(data[28:], 2*rate)
	copy(data[32:], "\x02\x00\x10\x00data")
	binary.LittleEndian.PutUint32(data[40:], uint32(2*rate*seconds))
	for i := range rate * seconds {
		pitch := 300.0
		if i >= 10*rate {
			pitch = 2500 + float64(i%rate)/10
		}
		binary.LittleEndian.PutUint16(data[44+2*i:], uint16(int16(9000*math.Sin(2*math.Pi*pitch*float64(i)/rate))))
	}
	must(t, os.WriteFile(path, data, 0o644))
}

// A sound is found by its moments.
func TestSounds(t *testing.T) {
	dir := t.TempDir()
	long := filepath.Join(dir, "long.wav")
	wave(t, long, 25)
	whole, err := os.ReadFile(long)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "cut.wav"), whole[:len(whole)/2], 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "no.wav"), whole[:20], 0o644))
	m := model(t, omni)
	l := open(t, t.TempDir(), Options{})
	if s := run(t, l, m, IndexOptions{Paths: []string{dir}}); s.Added != 2 || s.Failed != 1 {
		list, _ := l.Errors(t.Context())
		t.Fatalf("%+v %+v", s, list)
	}
	first := filepath.Join(t.TempDir(), "first.wav")
	wave(t, first, 10)
	r := find(t, l, m, `like:"`+first+`"`)
	if len(r.Hits) != 2 {
		t.Fatalf("%+v", r)
	}
	for _, h := range r.Hits {
		if h.Kind != Audio || h.Start == nil || *h.Start != 0 || *h.End != 10 || h.Score < 0.999 {
			t.Errorf("%+v", h)
		}
		if want := map[string]int{"long.wav": 3, "cut.wav": 2}[filepath.Base(h.Path)]; len(h.Moments) != want {
			t.Errorf("%s: %d moments, want %d", h.Path, len(h.Moments), want)
		}
	}
	if got := find(t, l, m, "x duration:>20s"); len(got.Hits) != 1 || got.Hits[0].Path != long {
		t.Errorf("duration: %+v", got)
	}
	// A model that hears nothing leaves sounds to their names.
	seeing := model(t, seer)
	if s := run(t, l, seeing, IndexOptions{}); s.Failed > 0 || !s.Complete {
		t.Errorf("%+v", s)
	}
	if got := find(t, l, seeing, "long"); len(got.Hits) != 1 || got.Hits[0].Path != long || got.Hits[0].Score != 0 {
		t.Errorf("by its name: %+v", got.Hits)
	}
}

// film makes a video of a second of black, three of one picture and four of another, with a sound.
func film(t *testing.T, path string) {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed")
	}
	out, err := exec.Command("ffmpeg", "-hide_banner", "-loglevel", "error", "-f", "lavfi", "-i", "color=black:s=64x48:d=1,format=rgb24",
		"-f", "lavfi", "-i", "smptebars=s=64x48:d=3", "-f", "lavfi", "-i", "testsrc=s=64x48:d=4",
		"-f", "lavfi", "-i", "sine=d=8", "-filter_complex", "[0][1][2]concat=n=3[v]", "-map", "[v]", "-map", "3", "-c:v", "mpeg4", "-c:a", "aac", path).CombinedOutput()
	if err != nil {
		t.Skipf("ffmpeg makes no video here: %v: %s", err, out)
	}
}

// A video is found by its scenes, and by what is heard in it.
func TestVideo(t *testing.T) {
	dir := t.TempDir()
	film(t, filepath.Join(dir, "clip.mp4"))
	m := model(t, omni)
	l := open(t, t.TempDir(), Options{})
	if s := run(t, l, m, IndexOptions{Paths: []string{dir}}); s.Added != 1 || s.Failed != 0 {
		list, _ := l.Errors(t.Context())
		t.Fatalf("%+v %+v", s, list)
	}
	r := find(t, l, m, "x")
	if len(r.Hits) != 1 || r.Hits[0].Kind != Video {
		t.Fatalf("%+v", r)
	}
	begins := map[float64]bool{}
	for _, moment := range r.Hits[0].Moments {
		if moment.End <= moment.Start && moment.End != 0 || moment.End > 8.6 {
			t.Errorf("%+v", moment)
		}
		begins[moment.Start] = true
	}
	if !begins[0] || !begins[4] || len(begins) > 8 {
		t.Errorf("scenes and sounds begin at %v, want 0 and 4 among few", begins)
	}
	it, err := l.Item(t.Context(), r.Hits[0].ID)
	must(t, err)
	if math.Abs(it.Duration-8) > 0.3 || it.Width != 64 || it.Height != 48 {
		t.Errorf("%+v", it)
	}
}
