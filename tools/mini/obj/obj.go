// Package obj reads 3D models in Wavefront's OBJ format with their materials and renders views of them.
package obj

import (
	"bufio"
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	_ "image/jpeg" // textures
	_ "image/png"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A Model is a mesh of triangles. Its y axis points up.
type Model struct {
	points    []vector
	textures  [][2]float64
	normals   []vector
	triangles []triangle
	materials []material
}

type vector [3]float64

// A triangle has three corners: places of their points, texture coordinates and normals (-1 if it has none).
type triangle struct {
	point, texture, normal [3]int
	material               int
}

// A material is how a surface looks.
type material struct {
	colour  [3]float64 // 0 to 1, diffuse
	opacity float64    // 0 to 1
	texture *image.NRGBA
}

// plain is the material of what has none.
var plain = material{colour: [3]float64{0.8, 0.8, 0.8}, opacity: 1}

// maxLine bounds a line of a file in bytes.
const maxLine = 1 << 20

// Load reads the model in a file, and the materials and textures that it names from the same folder. What is named and not there is left
// out.
func Load(path string) (*Model, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("obj: %w", err)
	}
	defer f.Close()
	r := reader{model: &Model{materials: []material{plain}}, dir: filepath.Dir(path), byName: map[string]int{}}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		if err := r.line(lines.Bytes()); err != nil {
			return nil, fmt.Errorf("obj: %s: line %d: %w", filepath.Base(path), n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("obj: %s: %w", filepath.Base(path), err)
	}
	if len(r.model.triangles) == 0 {
		return nil, fmt.Errorf("obj: %s has no faces", filepath.Base(path))
	}
	return r.model, nil
}

type reader struct {
	model   *Model
	dir     string
	byName  map[string]int // materials
	current int
}

// line reads a statement; those that say nothing about surfaces are passed over.
func (r *reader) line(line []byte) error {
	fields := bytes.Fields(line)
	if len(fields) < 2 {
		return nil
	}
	m := r.model
	rest := fields[1:]
	switch string(fields[0]) {
	case "v", "vn":
		v, err := numbers(rest, 3)
		if err != nil {
			return err
		}
		if point := (vector{v[0], v[1], v[2]}); fields[0][len(fields[0])-1] == 'n' {
			m.normals = append(m.normals, point)
		} else {
			m.points = append(m.points, point)
		}
	case "vt":
		v, err := numbers(rest, 2)
		if err != nil {
			return err
		}
		m.textures = append(m.textures, [2]float64{v[0], v[1]})
	case "f":
		return r.face(rest)
	case "usemtl":
		r.current = r.byName[string(rest[0])] // an unknown one is the plain material, 0
	case "mtllib":
		return r.library(string(bytes.TrimSpace(line[len("mtllib"):])))
	}
	return nil
}

// maxNumber bounds coordinates, so that sums and products of them stay finite.
const maxNumber = 1e12

func numbers(fields [][]byte, n int) (v [3]float64, err error) {
	if len(fields) < n {
		return v, fmt.Errorf("%d numbers, want %d", len(fields), n)
	}
	for i := range n {
		if v[i], err = strconv.ParseFloat(string(fields[i]), 64); err != nil {
			return v, err
		}
		if !(math.Abs(v[i]) <= maxNumber) {
			return v, fmt.Errorf("number %s is out of range", fields[i])
		}
	}
	return v, nil
}

// face adds a polygon as a fan of triangles.
func (r *reader) face(corners [][]byte) error {
	var first, last [3]int
	for i, c := range corners {
		corner, err := r.corner(c)
		if err != nil {
			return err
		}
		switch {
		case i == 0:
			first = corner
		case i > 1:
			r.model.triangles = append(r.model.triangles, triangle{
				[3]int{first[0], last[0], corner[0]}, [3]int{first[1], last[1], corner[1]}, [3]int{first[2], last[2], corner[2]}, r.current})
		}
		last = corner
	}
	return nil
}

// corner reads point/texture/normal: numbers from 1, or from the end if negative; the last two may be missing.
func (r *reader) corner(s []byte) (at [3]int, err error) {
	counts := [3]int{len(r.model.points), len(r.model.textures), len(r.model.normals)}
	at = [3]int{-1, -1, -1}
	for i := range 3 {
		var part []byte
		part, s, _ = bytes.Cut(s, []byte("/"))
		if len(part) == 0 {
			continue
		}
		n, err := strconv.Atoi(string(part))
		if err != nil {
			return at, err
		}
		if n < 0 {
			n += counts[i] + 1
		}
		if n < 1 || n > counts[i] {
			return at, fmt.Errorf("corner refers to number %d of %d", n, counts[i])
		}
		at[i] = n - 1
	}
	if at[0] < 0 {
		return at, fmt.Errorf("corner without a point")
	}
	return at, nil
}

// library reads a file of materials.
func (r *reader) library(name string) error {
	data, err := os.ReadFile(filepath.Join(r.dir, filepath.Base(name)))
	if err != nil {
		return nil
	}
	var current *material
	for line := range bytes.Lines(data) {
		fields := bytes.Fields(line)
		if len(fields) < 2 {
			continue
		}
		key := string(fields[0])
		if key == "newmtl" {
			r.byName[string(fields[1])] = len(r.model.materials)
			r.model.materials = append(r.model.materials, plain)
			current = &r.model.materials[len(r.model.materials)-1]
		}
		if current == nil {
			continue
		}
		switch key {
		case "Kd":
			if v, err := numbers(fields[1:], 3); err == nil {
				current.colour = v
			}
		case "d":
			if v, err := numbers(fields[len(fields)-1:], 1); err == nil {
				current.opacity = v[0]
			}
		case "map_Kd":
			path := strings.ReplaceAll(string(bytes.TrimSpace(line)[len("map_Kd"):]), `\`, "/")
			current.texture = loadTexture(filepath.Join(r.dir, filepath.Base(strings.TrimSpace(path))))
		}
	}
	return nil
}

// maxTexture bounds a texture in pixels.
const maxTexture = 1 << 24

// loadTexture is nil if there is none that can be read.
func loadTexture(path string) *image.NRGBA {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	size, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil || size.Width*size.Height > maxTexture {
		return nil
	}
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil
	}
	texture := image.NewNRGBA(image.Rect(0, 0, size.Width, size.Height))
	draw.Draw(texture, texture.Rect, img, img.Bounds().Min, draw.Src)
	return texture
}

// at is the colour of a material at texture coordinates, with its opacity.
func (m *material) at(u, v float64) (colour [3]float64, opacity float64) {
	if m.texture == nil {
		return m.colour, m.opacity
	}
	w, h := m.texture.Rect.Dx(), m.texture.Rect.Dy()
	x, y := wrap(u, w), wrap(1-v, h)
	c := color.NRGBA(m.texture.NRGBAAt(x, y))
	return [3]float64{float64(c.R) / 255, float64(c.G) / 255, float64(c.B) / 255}, m.opacity * float64(c.A) / 255
}
