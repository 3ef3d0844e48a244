package main

import (
	"encoding/csv"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
)

// makeSides writes sides.csv and its pictures: a red and a blue disc, each in one of 16 cells, and a text that says on which side the red one is,
// right or wrong. What counts is where something is, which the vector of a picture says little of.
func makeSides(dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, "sides"), 0o755); err != nil {
		return err
	}
	r := rand.New(rand.NewPCG(1, 2))
	rows := [][]string{{"picture", "text", "label"}}
	for i := range 1000 {
		cells, said := r.Perm(16), r.IntN(2)
		name := filepath.Join("sides", fmt.Sprintf("%03d.png", i))
		if err := writeDiscs(filepath.Join(dir, name), cells[0], cells[1]); err != nil {
			return err
		}
		left := cells[0]%4 < 2
		rows = append(rows, []string{name, "the red disc is on the " + []string{"left", "right"}[said], strconv.FormatBool((said == 0) == left)})
	}
	f, err := os.Create(filepath.Join(dir, "sides.csv"))
	if err != nil {
		return err
	}
	defer f.Close()
	return csv.NewWriter(f).WriteAll(rows)
}

// writeDiscs draws a red and a blue disc on white, in cells of a grid of 4 by 4.
func writeDiscs(path string, red, blue int) error {
	const side, radius = 128, 14
	img := image.NewNRGBA(image.Rect(0, 0, side, side))
	for i := range img.Pix {
		img.Pix[i] = 255
	}
	for cell, c := range map[int]color.NRGBA{red: {220, 20, 20, 255}, blue: {20, 20, 220, 255}} {
		x, y := cell%4*32+16, cell/4*32+16
		for i := range side * side {
			if math.Hypot(float64(i%side-x), float64(i/side-y)) < radius {
				img.SetNRGBA(i%side, i/side, c)
			}
		}
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return png.Encode(f, img)
}
