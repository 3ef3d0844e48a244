package library

import (
	"context"
	stdimage "image"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chiasm/chiasm"
)

// A release of a model whose towers are named, which counts what it looks at and listens to.
type release struct {
	*chiasm.Model
	revision     string
	image, audio string
	looks, hears *int
}

func (v release) Space() chiasm.Space {
	s := v.Model.Space()
	s.Revision = v.revision
	return s
}

func (v release) Fingerprint(modality string) string {
	return map[string]string{Image: v.image, Audio: v.audio}[modality]
}

func (v release) EmbedImages(ctx context.Context, imgs []stdimage.Image) ([]chiasm.Embedding, error) {
	*v.looks += len(imgs)
	return v.Model.EmbedImages(ctx, imgs)
}

func (v release) EmbedAudios(ctx context.Context, sounds []chiasm.Sound) ([]chiasm.Embedding, error) {
	*v.hears += len(sounds)
	return v.Model.EmbedAudios(ctx, sounds)
}

// Only what is made by another tower is made anew: nothing where only texts are read otherwise, sounds where their tower is another one.
func TestTowers(t *testing.T) {
	photos := t.TempDir()
	put(t, pictures+"exif6.png", photos, "a.png")
	put(t, pictures+"bilevel.bmp", photos, "b.bmp")
	put(t, "../media/audio/testdata/files/adpcm.wav", photos, "tone.wav")
	looks, hears := 0, 0
	m := release{model(t, "../model/mini/testdata/tiny"), "1", "eye", "ear", &looks, &hears}
	l := open(t, t.TempDir(), Options{})
	count := func(what string, s Summary, wantLooks, wantHears, adopted int) {
		t.Helper()
		if looks != wantLooks || hears != wantHears || s.Adopted != adopted || !s.Complete {
			t.Errorf("%s: %d looks and %d sounds, want %d and %d; %+v", what, looks, hears, wantLooks, wantHears, s)
		}
		looks, hears = 0, 0
		if got := find(t, l, m, "x"); len(got.Hits) != 3 || got.Files != 3 {
			t.Errorf("%s: %d hits of %d files", what, len(got.Hits), got.Files)
		}
		sound(t, l)
	}
	s := run(t, l, m, IndexOptions{Paths: []string{photos}})
	if s.Added != 3 {
		t.Fatalf("%+v", s)
	}
	count("new", s, 2, 1, 0)
	first := s.Space

	m.revision = "2" // the reader of texts
	if got := find(t, l, m, "x"); len(got.Hits) != 3 {
		t.Errorf("before it is indexed: %d hits", len(got.Hits))
	}
	s = run(t, l, m, IndexOptions{})
	count("another reader", s, 0, 0, 0)
	if s.Space != first {
		t.Errorf("another reader: the space is %s, was %s", s.Space, first)
	}

	m.revision, m.audio = "3", "another ear"
	s = run(t, l, m, IndexOptions{})
	count("another ear", s, 0, 1, 2)
	if s.Space == first || !s.Switched {
		t.Errorf("another ear: %+v", s)
	}

	m.image = "another eye" // its revision did not tell
	second := s.Space
	s = run(t, l, m, IndexOptions{})
	count("another eye", s, 2, 0, 1)
	if s.Space == second || s.Space == first {
		t.Errorf("another eye: %s", s.Space)
	}

	m.revision, m.image, m.audio = "1", "eye", "ear"
	put(t, pictures+"exif3.tif", photos, "new.tif")
	s = run(t, l, m, IndexOptions{})
	if looks != 1 || hears != 0 || s.Space != first || !s.Switched {
		t.Errorf("back: %d looks, %d sounds, %+v", looks, hears, s)
	}
	sound(t, l)
}

// Of a video only that half is made anew whose tower is another one.
func TestHalves(t *testing.T) {
	films := t.TempDir()
	film(t, filepath.Join(films, "clip.mp4"))
	looks, hears := 0, 0
	m := release{model(t, "../model/mini/testdata/tiny"), "1", "eye", "ear", &looks, &hears}
	l := open(t, t.TempDir(), Options{})
	run(t, l, m, IndexOptions{Paths: []string{films}})
	whole := find(t, l, m, "x").Hits[0]
	if looks == 0 || hears == 0 || len(whole.Moments) < 2 {
		t.Fatalf("%d looks, %d sounds, %+v", looks, hears, whole)
	}
	half := func(what string, seen, heard bool) {
		t.Helper()
		looks, hears = 0, 0
		s := run(t, l, m, IndexOptions{})
		if !s.Complete || s.Failed > 0 || (looks > 0) != seen || (hears > 0) != heard {
			t.Errorf("%s: %d looks, %d sounds, %+v", what, looks, hears, s)
		}
		got := find(t, l, m, "x").Hits[0]
		if !slices.Equal(got.Moments, whole.Moments) || got.Duration != whole.Duration || got.Width != whole.Width {
			t.Errorf("%s: %+v, want %+v", what, got, whole)
		}
		sound(t, l)
	}
	m.revision, m.audio = "2", "another ear"
	half("another ear", false, true)
	m.revision, m.image = "3", "another eye"
	half("another eye", true, false)
	m.revision, m.image, m.audio = "4", "eye", "another ear"
	half("as in the second", false, false)
	m.revision, m.image, m.audio = "5", "another eye", "ear" // of one space each
	half("of two", false, false)
}

// A space of an earlier release of the catalogue goes on by its name, and learns its towers.
func TestSpaceWithoutFingerprints(t *testing.T) {
	photos := t.TempDir()
	put(t, pictures+"exif6.png", photos, "a.png")
	looks, hears := 0, 0
	m := release{model(t, seer), "1", "eye", "", &looks, &hears}
	l := open(t, t.TempDir(), Options{})
	run(t, l, m, IndexOptions{Paths: []string{photos}})
	_, err := l.db.Exec("UPDATE spaces SET image = '', audio = ''")
	must(t, err)
	looks = 0
	other := m
	other.revision = "2"
	if _, err := l.Search(t.Context(), other, Query{Terms: []Term{{Text: "x", Weight: 1}}}); err == nil {
		t.Error("a model of which nothing is known answers from vectors that may be others")
	}
	if got := find(t, l, m, "x"); len(got.Hits) != 1 {
		t.Errorf("%d hits", len(got.Hits))
	}
	run(t, l, m, IndexOptions{})
	if s := run(t, l, other, IndexOptions{}); looks != 0 || !s.Complete {
		t.Errorf("%d looks, %+v", looks, s)
	}
}
