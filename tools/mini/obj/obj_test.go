package obj

import (
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// write puts a model and its materials into a folder and gives the model's path.
func write(t testing.TB, model, materials string) string {
	dir := t.TempDir()
	for name, content := range map[string]string{"a.obj": model, "a.mtl": materials} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "a.obj")
}

// square is one in the plane z=0, towards the camera.
const square = `# a comment
mtllib a.mtl
v -1 -1 0
v 1 -1 0
v 1 1 0
v -1 1 0
vt 0 0
vt 1 0
vt 1 1
vt 0 1
usemtl paint
f 1/1 2/2 3/3 -1/-1
`

func load(t *testing.T, model, materials string) *Model {
	m, err := Load(write(t, model, materials))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func near(a, b color.NRGBA, by int) bool {
	for _, d := range []int{int(a.R) - int(b.R), int(a.G) - int(b.G), int(a.B) - int(b.B), int(a.A) - int(b.A)} {
		if d < -by || d > by {
			return false
		}
	}
	return true
}

func TestLambert(t *testing.T) {
	m := load(t, square, "newmtl paint\nKd 1 0.5 0\nd 1\n")
	img := m.Render(0, 0, 32)
	shade := ambient + (1-ambient)*light[2] // the square looks at the camera
	want := color.NRGBA{uint8(255*shade + 0.5), uint8(127.5*shade + 0.5), 0, 255}
	if got := img.NRGBAAt(16, 16); !near(got, want, 1) {
		t.Errorf("middle is %v, want %v", got, want)
	}
	if got := img.NRGBAAt(0, 0); got.A != 0 {
		t.Errorf("corner is %v, want it transparent", got)
	}
	if img.Rect != image.Rect(0, 0, 32, 32) {
		t.Errorf("picture is %v", img.Rect)
	}
}

func TestTurned(t *testing.T) {
	m := load(t, square, "")
	if got := m.Render(math.Pi/2, 0, 16).NRGBAAt(2, 8); got.A != 0 {
		t.Errorf("seen from the side the square covers %v", got)
	}
	m.Turn([9]float64{0, 0, 1, 0, 1, 0, -1, 0, 0}, [3]float64{0, 4, 1})
	low, high := m.bounds()
	if high[2]-low[2] != 1 || high[1]-low[1] != 4 || high[0] != low[0] {
		t.Errorf("turned and sized it spans %v to %v, want 0×4×1", low, high)
	}
}

func TestDepthAndGlass(t *testing.T) {
	two := square + "v -1 -1 -1\nv 1 -1 -1\nv 1 1 -1\nv -1 1 -1\nusemtl back\nf 5 6 7 8\n"
	m := load(t, two, "newmtl paint\nKd 1 0 0\nd 0.5\nnewmtl back\nKd 0 0 1\n")
	got := m.Render(0, 0, 16).NRGBAAt(8, 8)
	if got.R == 0 || got.B == 0 || got.A != 255 || int(got.R)-int(got.B) > 1 || int(got.B)-int(got.R) > 1 {
		t.Errorf("blue behind half red glass is %v", got)
	}
	m.materials[m.triangles[0].material].opacity = 1
	if got := m.Render(0, 0, 16).NRGBAAt(8, 8); got.B != 0 {
		t.Errorf("blue behind red is %v", got)
	}
	if got := m.Render(math.Pi, 0, 16).NRGBAAt(8, 8); got.R != 0 {
		t.Errorf("seen from behind it is %v", got)
	}
}

func TestTexture(t *testing.T) {
	path := write(t, square, "newmtl paint\nmap_Kd C:\\somewhere\\t.png\n")
	texture := image.NewNRGBA(image.Rect(0, 0, 2, 2))
	texture.Set(0, 0, color.NRGBA{255, 0, 0, 255}) // top left; the others stay transparent
	f, err := os.Create(filepath.Join(filepath.Dir(path), "t.png"))
	if err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(f, texture); err != nil {
		t.Fatal(err)
	}
	f.Close()
	m, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	img := m.Render(0, 0, 32)
	if a, b := img.NRGBAAt(8, 8), img.NRGBAAt(24, 24); a.R == 0 || a.A != 255 || b.A != 0 {
		t.Errorf("top left is %v, bottom right %v, want red and nothing", a, b)
	}
}

func TestBadModels(t *testing.T) {
	for model, want := range map[string]string{
		"":                         "no faces",
		"v 1 2\n":                  "2 numbers, want 3",
		"v 1 2 nan\n":              "out of range",
		"v 1 2 x\n":                "line 1",
		"v 1 2 3\nf 1 2 3\n":       "number 2 of 1",
		"v 1 2 3\nf 0 0 0\n":       "number 0 of 1",
		"v 1 2 3\nf /1 /1 /1\n":    "number 1 of 0",
		"v 1 2 3\nf // // //\n":    "without a point",
		"v 1 2 3\nf 1/9 1/9 1/9\n": "number 9 of 0",
	} {
		_, err := Load(write(t, model, ""))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", model, err, want)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(square, "newmtl paint\nKd 1 0.5 0\nd 1\nmap_Kd x.png\n")
	f.Add("v 0 0 0\nv 1 nan 0\nv inf 1 0\nvn 0 0 0\nf 1//1 2//1 3//1\n", "newmtl")
	f.Fuzz(func(t *testing.T, model, materials string) {
		if m, err := Load(write(t, model, materials)); err == nil {
			m.Render(0.3, 0.2, 8)
		}
	})
}
