package library

import "github.com/chiasm/chiasm/media/image"

// A scene is a stretch of a video that looks much the same.
type scene struct {
	img    *image.RGB
	start  float64 // seconds
	glance glance
}

// A scenes tells where a video changes. It gives a scene when the next begins.
type scenes struct {
	last  scene
	begun bool
}

const (
	glanceSide   = 16
	sceneChange  = 10  // mean difference of brightness, of 255, above which frames show something else
	longestScene = 30  // seconds, after which a slow change is looked at again
	slowChange   = 4   // likewise for a scene that has lasted so long
	emptyFrame   = 3.0 // mean deviation of brightness below which a frame shows nothing
)

// A glance is a picture's brightness, coarsely.
type glance [glanceSide * glanceSide]uint8

// glanceAt looks at a picture: the mean of each of its parts.
func glanceAt(m *image.RGB) (g glance) {
	for y := range glanceSide {
		y0, y1 := y*m.H/glanceSide, max((y+1)*m.H/glanceSide, y*m.H/glanceSide+1)
		for x := range glanceSide {
			x0, x1 := x*m.W/glanceSide, max((x+1)*m.W/glanceSide, x*m.W/glanceSide+1)
			sum, n := 0, 0
			for v := y0; v < min(y1, m.H); v++ {
				row := m.Pix[3*v*m.W : 3*(v+1)*m.W]
				for u := x0; u < min(x1, m.W); u++ {
					sum += 299*int(row[3*u]) + 587*int(row[3*u+1]) + 114*int(row[3*u+2])
					n++
				}
			}
			g[y*glanceSide+x] = uint8(sum / max(1000*n, 1))
		}
	}
	return g
}

// difference is the mean difference of brightness.
func (g *glance) difference(other *glance) float64 {
	sum := 0
	for i, v := range g {
		d := int(v) - int(other[i])
		sum += max(d, -d)
	}
	return float64(sum) / float64(len(g))
}

// empty tells frames of one colour, as in a fade from black.
func (g *glance) empty() bool {
	sum := 0
	for _, v := range g {
		sum += int(v)
	}
	mean, off := sum/len(g), 0
	for _, v := range g {
		d := int(v) - mean
		off += max(d, -d)
	}
	return float64(off)/float64(len(g)) < emptyFrame
}

// next takes a frame, and gives the scene that it ends, if it ends one.
func (s *scenes) next(f scene) (done scene, ok bool) {
	f.glance = glanceAt(f.img)
	if !s.begun {
		s.last, s.begun = f, true
		return done, false
	}
	limit := float64(sceneChange)
	if f.start-s.last.start >= longestScene {
		limit = slowChange
	}
	switch difference := f.glance.difference(&s.last.glance); {
	case s.last.glance.empty() && !f.glance.empty(): // nothing was shown yet: the scene is what comes of it
		f.start, s.last = s.last.start, f
		return done, false
	case difference < limit || f.glance.empty():
		return done, false
	}
	done, s.last = s.last, f
	return done, true
}

// end gives the last scene.
func (s *scenes) end() (scene, bool) { return s.last, s.begun }
