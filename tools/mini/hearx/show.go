package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/model/mini"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
)

func show(dir, file string, voices []string) {
	words, _ := loadWords(dir)
	m := &both{mini.NewEar(mini.EarConfig{Width: 96, Layers: 4, Heads: 4, Hidden: 384, Key: 128}), newPronouncer(128), newAligner(96), tensor.Param()}
	f, _ := weights.Open(file)
	var entries []tensor.Entry
	for _, name := range f.Names() {
		e, _ := f.Get(name)
		entries = append(entries, e)
	}
	if err := nn.Bind(m, entries, nil); err != nil {
		panic(err)
	}
	ctx := context.Background()
	for _, v := range voices {
		clips, err := loadClips(dir, v)
		fmt.Println(v, len(clips), err)
		n := 0
		for _, c := range clips {
			n += len(c.x) / bands
		}
		mean := make([]int, bands)
		for _, c := range clips {
			for i, q := range c.x {
				mean[i%bands] += int(q)
			}
		}
		for i := range mean {
			mean[i] /= n
		}
		fmt.Println("frames", n/len(clips), "level", mean)
		clips = clips[:200]
		p := tensor.NewPass(ctx, 1)
		var said []string
		for _, c := range clips {
			said = append(said, words[c.word].sounds)
		}
		k := m.Pronouncer.keys(p, said)
		var x [][]float32
		for _, c := range clips {
			x = append(x, plainly(nil, c.x))
		}
		y := m.Ear.Keys(p, x)
		hits := 0
		center := make([]float32, 128)
		for i := range clips {
			kernel.Add(center, center, y.Floats()[i*128:][:128])
		}
		fmt.Println("length of the mean", kernel.Dot(center, center)/40000)
		for i, c := range clips {
			q := y.Floats()[i*128:][:128]
			order := make([]int, len(clips))
			for j := range order {
				order[j] = j
			}
			slices.SortFunc(order, func(a, b int) int {
				da, db := kernel.Dot(q, k.Floats()[a*128:][:128]), kernel.Dot(q, k.Floats()[b*128:][:128])
				if da > db {
					return -1
				}
				return 1
			})
			if order[0] == i {
				hits++
			}
			if i%20 == 0 {
				fmt.Print(words[c.word].text, len(c.x)/bands, ": ")
				for _, j := range order[:5] {
					fmt.Printf("%s %.2f, ", words[clips[j].word].text, kernel.Dot(q, k.Floats()[j*128:][:128]))
				}
				fmt.Printf(" own %.2f\n", kernel.Dot(q, k.Floats()[i*128:][:128]))
			}
		}
		fmt.Println("R@1 of 200:", hits)
	}
}
