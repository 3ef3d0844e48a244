package obj

import (
	"image"
	"math"
)

// oversampling is how many samples a pixel has along each side.
const oversampling = 2

// ambient is the share of light that comes from everywhere.
const ambient = 0.45

// light points towards the lamp, in the camera's space: from above, a little from the left, behind the camera.
var light = vector{-0.35, 0.65, 0.67}

// Turn applies a 3×3 matrix in row order to the model, and then scales it to a width (x), height (y) and depth (z). Nothing is scaled along
// an axis in which the size is not positive.
func (m *Model) Turn(matrix [9]float64, size [3]float64) {
	turn := func(v vector) vector {
		var t vector
		for i := range t {
			t[i] = matrix[3*i]*v[0] + matrix[3*i+1]*v[1] + matrix[3*i+2]*v[2]
		}
		return t
	}
	for i, p := range m.points {
		m.points[i] = turn(p)
	}
	low, high := m.bounds()
	var scale vector
	for i := range scale {
		scale[i] = 1
		if size[i] > 0 && high[i] > low[i] {
			scale[i] = size[i] / (high[i] - low[i])
		}
	}
	for i := range m.points {
		for j := range scale {
			m.points[i][j] *= scale[j]
		}
	}
	for i, n := range m.normals {
		n = turn(n)
		for j := range scale {
			n[j] /= scale[j]
		}
		m.normals[i] = unit(n)
	}
}

// bounds are the corners of the box around all faces.
func (m *Model) bounds() (low, high vector) {
	low = vector{math.Inf(1), math.Inf(1), math.Inf(1)}
	high = vector{math.Inf(-1), math.Inf(-1), math.Inf(-1)}
	for _, t := range m.triangles {
		for _, p := range t.point {
			for i, x := range m.points[p] {
				low[i], high[i] = min(low[i], x), max(high[i], x)
			}
		}
	}
	return low, high
}

// A canvas holds samples: colours multiplied by their opacity, and depths.
type canvas struct {
	side   int
	colour [][4]float64
	depth  []float64 // of the nearest opaque sample; the camera looks along -z, so that larger is nearer
}

// Render draws the model on a transparent background, side×side pixels, seen by a far camera from the direction that yaw turns around the
// vertical axis and pitch lifts above the floor, both in radians. Surfaces are lit by one lamp from both sides (Lambert).
func (m *Model) Render(yaw, pitch float64, side int) *image.NRGBA {
	c := canvas{side: side * oversampling}
	c.colour = make([][4]float64, c.side*c.side)
	c.depth = make([]float64, c.side*c.side)
	for i := range c.depth {
		c.depth[i] = math.Inf(-1)
	}
	sy, cy := math.Sincos(yaw)
	sp, cp := math.Sincos(pitch)
	look := func(v vector) vector {
		x, z := cy*v[0]-sy*v[2], sy*v[0]+cy*v[2]
		return vector{x, cp*v[1] - sp*z, sp*v[1] + cp*z}
	}
	points := make([]vector, len(m.points))
	for i, p := range m.points {
		points[i] = look(p)
	}
	m.fit(points, float64(c.side))
	normals := make([]vector, len(m.normals))
	for i, n := range m.normals {
		normals[i] = look(n)
	}
	for _, clear := range []bool{false, true} { // what one sees through comes after what lies behind it
		for i := range m.triangles {
			if t := &m.triangles[i]; (m.materials[t.material].opacity < 1) == clear {
				c.draw(m, t, points, normals)
			}
		}
	}
	return c.picture()
}

// fit moves and scales what the camera sees into the middle of a square, y downwards, with a small margin.
func (m *Model) fit(points []vector, side float64) {
	seen := Model{points: points, triangles: m.triangles}
	low, high := seen.bounds()
	extent := max(high[0]-low[0], high[1]-low[1], 1e-12)
	scale := side * 0.94 / extent
	for i, p := range points {
		points[i] = vector{
			side/2 + (p[0]-(low[0]+high[0])/2)*scale,
			side/2 - (p[1]-(low[1]+high[1])/2)*scale,
			p[2] * scale,
		}
	}
}

// draw fills a triangle.
func (c *canvas) draw(m *Model, t *triangle, points, normals []vector) {
	a, b, d := points[t.point[0]], points[t.point[1]], points[t.point[2]]
	area := (b[0]-a[0])*(d[1]-a[1]) - (b[1]-a[1])*(d[0]-a[0])
	if area == 0 || math.IsNaN(area) {
		return
	}
	flat := unit(cross(sub(b, a), sub(d, a)))
	flat[1] = -flat[1] // y of points runs downwards, that of normals and the light upwards
	flat = vector{-flat[0], -flat[1], -flat[2]}
	x0, x1 := span(c.side, a[0], b[0], d[0])
	y0, y1 := span(c.side, a[1], b[1], d[1])
	look := &m.materials[t.material]
	for y := y0; y < y1; y++ {
		for x := x0; x < x1; x++ {
			px, py := float64(x)+0.5, float64(y)+0.5
			wb := ((px-a[0])*(d[1]-a[1]) - (py-a[1])*(d[0]-a[0])) / area
			wd := ((b[0]-a[0])*(py-a[1]) - (b[1]-a[1])*(px-a[0])) / area
			w := vector{1 - wb - wd, wb, wd}
			if w[0] < 0 || wb < 0 || wd < 0 {
				continue
			}
			i := y*c.side + x
			depth := w[0]*a[2] + wb*b[2] + wd*d[2]
			if depth <= c.depth[i] {
				continue
			}
			colour, opacity := look.at(m.coordinates(t, w))
			if opacity <= 0 {
				continue
			}
			shade := ambient + (1-ambient)*math.Abs(dot(m.normal(t, w, flat, normals), light))
			for k := range 3 {
				c.colour[i][k] = c.colour[i][k]*(1-opacity) + opacity*min(1, colour[k]*shade)
			}
			c.colour[i][3] = c.colour[i][3]*(1-opacity) + opacity
			if opacity > 0.5 {
				c.depth[i] = depth
			}
		}
	}
}

// coordinates are the texture's at a point of a triangle given by the weights of its corners.
func (m *Model) coordinates(t *triangle, w vector) (u, v float64) {
	for k, at := range t.texture {
		if at >= 0 {
			u += w[k] * m.textures[at][0]
			v += w[k] * m.textures[at][1]
		}
	}
	return u, v
}

// normal is the direction of the surface there: between those of the corners, or the triangle's own.
func (m *Model) normal(t *triangle, w, flat vector, normals []vector) vector {
	var n vector
	for k, at := range t.normal {
		if at < 0 {
			return flat
		}
		for i := range n {
			n[i] += w[k] * normals[at][i]
		}
	}
	if n == (vector{}) {
		return flat
	}
	return unit(n)
}

// picture averages the samples of each pixel.
func (c *canvas) picture() *image.NRGBA {
	side := c.side / oversampling
	img := image.NewNRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			var sum [4]float64
			for dy := range oversampling {
				for dx := range oversampling {
					s := c.colour[(y*oversampling+dy)*c.side+x*oversampling+dx]
					for k := range sum {
						sum[k] += s[k]
					}
				}
			}
			if sum[3] == 0 {
				continue
			}
			at := img.Pix[img.PixOffset(x, y):]
			for k := range 3 {
				at[k] = uint8(math.Round(255 * min(1, sum[k]/sum[3])))
			}
			at[3] = uint8(math.Round(255 * sum[3] / (oversampling * oversampling)))
		}
	}
	return img
}

// span is the range of samples that three numbers span, within the canvas.
func span(side int, a, b, c float64) (from, to int) {
	low, high := min(a, b, c), max(a, b, c)
	return int(max(0, math.Floor(low))), int(min(float64(side), math.Ceil(high)))
}

// wrap is the place in n pixels of a coordinate that repeats after 1.
func wrap(x float64, n int) int {
	x -= math.Floor(x)
	return min(int(x*float64(n)), n-1)
}

func sub(a, b vector) vector  { return vector{a[0] - b[0], a[1] - b[1], a[2] - b[2]} }
func dot(a, b vector) float64 { return a[0]*b[0] + a[1]*b[1] + a[2]*b[2] }
func cross(a, b vector) vector {
	return vector{a[1]*b[2] - a[2]*b[1], a[2]*b[0] - a[0]*b[2], a[0]*b[1] - a[1]*b[0]}
}

func unit(a vector) vector {
	n := math.Sqrt(dot(a, a))
	if n == 0 {
		return a
	}
	return vector{a[0] / n, a[1] / n, a[2] / n}
}
