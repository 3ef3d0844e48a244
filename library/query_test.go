package library

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"
)

func TestParseQuery(t *testing.T) {
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.Local) }
	for s, want := range map[string]Query{
		"":                     {},
		" a dog  on the beach": {Terms: []Term{{Text: "a dog on the beach", Weight: 1}}},
		`beach -people 2:sunset -"old men" 0.5:"red sun" "two dogs"`: {Terms: []Term{
			{Text: "beach", Weight: 1}, {Text: "people", Weight: -1}, {Text: "sunset", Weight: 2}, {Text: "old men", Weight: -1, Phrase: true},
			{Text: "red sun", Weight: 0.5, Phrase: true}, {Text: "two dogs", Weight: 1, Phrase: true}}},
		"-3:crowd":                           {Terms: []Term{{Text: "crowd", Weight: -3}}},
		"type:photo,video Type:audio":        {Types: []string{Image, Video, Audio}},
		"after:2024-05-01 before:2025":       {After: day(2024, 5, 1), Before: day(2025, 1, 1)},
		`place:"New York" camera:X100`:       {Places: []string{"New York"}, Cameras: []string{"X100"}},
		`path:holidays tag:dog like:"a b.x"`: {Paths: []string{"holidays"}, Tags: []string{"dog"}, Like: []Example{{Path: "a b.x", Weight: 1}}},
		"size:1MB..2MB":                      {Size: Between(1e6, 2e6)},
		"size:>=1KiB size:<=2k":              {Size: Between(1024, 2000)},
		"duration:>1m":                       {Duration: Between(math.Nextafter(60, 61), math.Inf(1))},
		"12:30 is noon":                      {Terms: []Term{{Text: "is noon", Weight: 1}, {Text: "30", Weight: 12}}},
		"http://x - y":                       {Terms: []Term{{Text: "http://x - y", Weight: 1}}},
		"Re:Zero tags: a:b \"tags:dog\"":     {Terms: []Term{{Text: "Re:Zero tags: a:b", Weight: 1}, {Text: "tags:dog", Weight: 1, Phrase: true}}},
	} {
		got, err := ParseQuery(s)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, %v, want %+v", s, got, err, want)
		}
	}
	for _, s := range []string{`"open`, "type:text", "after:soon", "size:big", "duration:>", "-type:image", "tag:", `2:""`, "size:<>5", "camra:nikon", "tags:dog", "Tpye:video", "-plade:x"} {
		var syntax *SyntaxError
		if q, err := ParseQuery(s); !errors.As(err, &syntax) {
			t.Errorf("%q: %+v, %v", s, q, err)
		}
	}
}

func FuzzParseQuery(f *testing.F) {
	for _, s := range []string{`beach -people 2:sunset "x y"`, "size:>1MB after:2024 like:a", `-"`, "type:image:video", "\u6d77\u6ee9 -2:\u4eba", "duration:1m..2h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, err := ParseQuery(s)
		if err != nil {
			return
		}
		for _, term := range q.Terms {
			if term.Text == "" || term.Weight == 0 || math.IsNaN(term.Weight) || math.IsInf(term.Weight, 0) {
				t.Errorf("%q: %+v", s, term)
			}
		}
		asked(&q)
		columns := table{}
		for _, what := range q.columns(Space{}) {
			columns[what] = &column{}
		}
		files := slices.Repeat(bits{math.MaxUint64}, chunkRows/64)
		new(Library).fulfil(files, columns, Space{}, &q)
		if n := files.count(); !q.conditional() && n != chunkRows {
			t.Errorf("%q: %d files fulfil no condition, want %d", s, n, chunkRows)
		}
	})
}
