package main

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
)

// kindTable tells what everyone calls the things of ImageNet's classes: a picture of a beagle is one of a dog.
//
//go:embed kinds.tsv
var kindTable string

// kindWeight is how much of the vector of a class is its kind's; 0.3 and 0.15 were tried too.
const kindWeight = 0.5

// A kind is several classes with names that they share.
type kind struct {
	names   []said
	classes []int
}

func readKinds(table string) (kinds []kind, err error) {
	columns := []string{"en", "zh", "fr", "de", "es"}
	for line := range strings.Lines(table) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.Split(strings.TrimSpace(line), "\t")
		if len(cells) != len(columns)+1 {
			return nil, fmt.Errorf("kinds.tsv: %q has %d columns, want %d", line, len(cells), len(columns)+1)
		}
		var k kind
		for i, language := range columns {
			k.names = append(k.names, said{cells[i], language})
		}
		for part := range strings.FieldsSeq(cells[len(columns)]) {
			var first, last int
			if n, _ := fmt.Sscanf(part, "%d-%d", &first, &last); n == 1 {
				last = first
			} else if n != 2 || first > last {
				return nil, fmt.Errorf("kinds.tsv: %q, want a class or a range of them", part)
			}
			for c := first; c <= last; c++ {
				k.classes = append(k.classes, c)
			}
		}
		kinds = append(kinds, k)
	}
	return kinds, nil
}

// named is kinds as concepts, for the tower of texts to learn their names.
func named(kinds []kind) (list []concept) {
	for _, k := range kinds {
		list = append(list, concept{k.names})
	}
	return list
}

// mixKinds adds to the vectors of classes [n, dimension], of length 1, those of their kinds, whose names place places. They stay of length 1.
func mixKinds(ctx context.Context, classes []float32, place func(context.Context, []said) ([]float32, error)) error {
	kinds, err := readKinds(kindTable)
	if err != nil {
		return err
	}
	sums := make([]float32, len(classes))
	for _, k := range kinds {
		v, err := place(ctx, k.names)
		if err != nil {
			return err
		}
		v = unit(mean(v, dimension), dimension)
		for _, c := range k.classes {
			if c >= len(classes)/dimension {
				return fmt.Errorf("kinds.tsv: %s has class %d of %d", k.names[0].text, c, len(classes)/dimension)
			}
			for j, x := range v {
				sums[c*dimension+j] += x
			}
		}
	}
	for i, x := range unit(sums, dimension) {
		classes[i] += kindWeight * x
	}
	unit(classes, dimension)
	return nil
}
