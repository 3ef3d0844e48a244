package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/chiasm/chiasm/tools/mini/obj"
)

const (
	maxViews = 8
	viewSide = 224
)

// A shape is a model to be seen from several sides.
type shape struct {
	of     picture // its icon's line
	matrix [9]float64
	size   [3]float64 // width, height, depth
}

// viewOrder is the sequence of the directions, in eighths of a turn, so that few of them already differ much.
var viewOrder = [maxViews]int{0, 3, 6, 1, 4, 7, 2, 5}

// views adds n pictures of each model, from all around and a little above; a model that cannot be read is left out and named.
func (c *collection) views(n int) {
	var next atomic.Int64
	var mu sync.Mutex
	var workers sync.WaitGroup
	made := make([][]picture, len(c.shapes))
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(c.shapes); i = int(next.Add(1)) - 1 {
				pictures, err := c.shapes[i].views(c.dir, n)
				if err != nil {
					mu.Lock()
					fmt.Fprintf(os.Stderr, "data: %s: %v; left out\n", c.shapes[i].of.ID, err)
					mu.Unlock()
				}
				made[i] = pictures
			}
		})
	}
	workers.Wait()
	for _, pictures := range made {
		for _, p := range pictures {
			c.add(p)
		}
	}
}

func (s *shape) views(dir string, n int) ([]picture, error) {
	var pictures []picture
	var model *obj.Model
	for _, k := range viewOrder[:n] {
		p := s.of
		p.ID = fmt.Sprintf("%s/view%d", s.of.ID, k)
		p.Domain = "view"
		p.Path = strings.Replace(p.ID, "sweethome3d/", "pictures/sweethome3d-views/", 1) + ".png"
		to := filepath.Join(dir, p.Path)
		content, err := os.ReadFile(to)
		if err != nil {
			if model == nil {
				if model, err = obj.Load(filepath.Join(dir, p.Model)); err != nil {
					return nil, err
				}
				model.Turn(s.matrix, s.size)
			}
			yaw := 2 * math.Pi * (float64(k) + 0.4) / maxViews
			pitch := []float64{0.15, 0.45}[k%2]
			if content, err = encodePNG(model.Render(yaw, pitch, viewSide)); err != nil {
				return nil, err
			}
			if err := writeFile(to, content); err != nil {
				return nil, err
			}
		}
		p.Hash = digest(content)
		pictures = append(pictures, p)
	}
	return pictures, nil
}
