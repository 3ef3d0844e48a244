package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// How many pictures of Fashion-MNIST are taken, from the first on: to learn from and to look at those to train on, the others those to test on.
const (
	fashionLearn = 4000
	fashionValid = 1000
	fashionTest  = 2000
)

// readFashion is the upper and the lower halves of pictures of clothes as two views: the rows of 28 pixels are tokens, 14 of a half.
func readFashion(packages string) (*set, error) {
	root, err := fashion.Unpack(packages)
	if err != nil {
		return nil, err
	}
	root = filepath.Join(root, "usr/share/datasets/fashion-mnist")
	s := newSet("fashion", "pictures", 10, "upper", 14, 28, "lower", 14, 28)
	for _, part := range []struct {
		file                string
		side, first, number int
	}{{"train", learn, 0, fashionLearn}, {"train", valid, fashionLearn, fashionValid}, {"t10k", test, 0, fashionTest}} {
		pixels, err := readIDX(filepath.Join(root, part.file+"-images-idx3-ubyte.gz"), 3, part.first+part.number)
		if err != nil {
			return nil, err
		}
		labels, err := readIDX(filepath.Join(root, part.file+"-labels-idx1-ubyte.gz"), 1, part.first+part.number)
		if err != nil {
			return nil, err
		}
		for i := part.first; i < part.first+part.number; i++ {
			x := make([]float32, 784)
			for j, v := range pixels[i*784:][:784] {
				x[j] = float32(v) / 255
			}
			s.add(part.side, int(labels[i]), fmt.Sprintf("%s/%d", part.file, i), x[:392:392], x[392:])
		}
	}
	return s, nil
}

// readIDX is the bytes of the first n items of a file in the format of MNIST, whose items have dims-1 dimensions of 28.
func readIDX(path string, dims, n int) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	head := make([]byte, 4+4*dims)
	if _, err := io.ReadFull(z, head); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	size := n
	for d := range dims {
		got := int(binary.BigEndian.Uint32(head[4+4*d:]))
		if d == 0 && got < n || d > 0 && got != 28 {
			return nil, fmt.Errorf("%s: dimension %d is %d, want %d items or more of 28", path, d, got, n)
		}
		if d > 0 {
			size *= 28
		}
	}
	items := make([]byte, size)
	if _, err := io.ReadFull(z, items); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return items, nil
}
