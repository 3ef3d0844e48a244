package main

import (
	"bytes"
	"compress/bzip2"
	_ "embed"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// spotNames names the pictures for spot checks: source, file, names in English and Chinese joined by "|".
//
//go:embed spots.tsv
var spotNames string

// spotFolders are where the packages keep their pictures.
var spotFolders = map[string]string{
	"skimage": "usr/lib/python3/dist-packages/skimage/data",
	"sklearn": "usr/lib/python3/dist-packages/sklearn/datasets/images",
	"scipy":   "usr/lib/python3/dist-packages/scipy/misc",
	"darknet": "usr/share/darknet/data",
}

// spots adds the well-known sample pictures of Python's packages and darknet.
func (c *collection) spots() error {
	for line := range strings.Lines(spotNames) {
		columns := strings.Split(strings.TrimSpace(line), "\t")
		if strings.HasPrefix(line, "#") || len(columns) != 4 {
			continue
		}
		source, file := columns[0], columns[1]
		dir, err := c.open(source)
		if err != nil {
			return err
		}
		path := filepath.Join(dir, spotFolders[source], file)
		p := picture{ID: source + "/" + strings.TrimSuffix(file, filepath.Ext(file)), Source: source, Domain: "photo",
			Names: map[string][]string{"en": strings.Split(columns[2], "|"), "zh": strings.Split(columns[3], "|")}}
		var content []byte
		switch file {
		case "face.dat":
			content, err = raccoon(path)
		case "ascent.dat":
			content, err = stairs(path)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if content != nil {
			path = "made.png"
		}
		if err := c.file(p, path, content); err != nil {
			return err
		}
	}
	return nil
}

// raccoon reads scipy's picture of one: 768 rows of 1,024 pixels of red, green and blue, compressed by bzip2.
func raccoon(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	img := image.NewNRGBA(image.Rect(0, 0, 1024, 768))
	raw := make([]byte, 3*1024*768)
	if _, err := io.ReadFull(bzip2.NewReader(f), raw); err != nil {
		return nil, err
	}
	for i := range len(raw) / 3 {
		copy(img.Pix[4*i:], []byte{raw[3*i], raw[3*i+1], raw[3*i+2], 255})
	}
	return encodePNG(img)
}

// stairs reads scipy's picture of them: a pickled array of 512 rows of 512 grey values, each an opcode K and a byte.
func stairs(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	const n = 512 * 512
	img := image.NewGray(image.Rect(0, 0, 512, 512))
	values := img.Pix[:0]
	for i := 0; i+1 < len(data) && len(values) < n; i++ {
		switch data[i] {
		case 'K':
			values = append(values, data[i+1])
			i++
		case 'q', 0x80: // with an argument of one byte
			i++
		case 'r': // of four
			i += 4
		}
	}
	if len(values) < n {
		return nil, fmt.Errorf("it has %d grey values, want %d", len(values), n)
	}
	return encodePNG(img)
}

func encodePNG(img image.Image) ([]byte, error) {
	var b bytes.Buffer
	err := png.Encode(&b, img)
	return b.Bytes(), err
}
