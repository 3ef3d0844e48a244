package library

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What changes while folders are watched is taken in.
func TestWatch(t *testing.T) {
	photos := collection(t)
	m := model(t, seer)
	l := open(t, t.TempDir(), Options{})
	ctx, stop := context.WithCancel(t.Context())
	reports := make(chan Summary, 100)
	ended := make(chan error, 1)
	go func() {
		ended <- l.Watch(ctx, m, WatchOptions{IndexOptions: IndexOptions{Paths: []string{photos}, Exclude: []string{"left out"}}, Every: 20 * time.Second, Settle: 50 * time.Millisecond,
			Report: func(s Summary, err error) {
				if err != nil {
					t.Error(err)
				}
				reports <- s
			}})
	}()
	if s := <-reports; s.Added != 5 {
		t.Errorf("at first: %+v", s)
	}
	want := func(what string, is func(Summary) bool) {
		t.Helper()
		for {
			select {
			case s := <-reports:
				if is(s) {
					return
				}
			case err := <-ended:
				t.Fatalf("%s: it ended: %v", what, err)
			}
		}
	}
	put(t, pictures+"exif5.tif", photos, ".hidden", "h.tif")
	put(t, pictures+"exif5.tif", photos, "left out", "l.tif")
	put(t, pictures+"exif5.tif", photos, "new", "below", "e.tif")
	want("a new folder", func(s Summary) bool { return s.Added == 1 })
	must(t, os.Rename(filepath.Join(photos, "c.bmp"), filepath.Join(photos, "new", "c2.bmp")))
	want("a move", func(s Summary) bool { return s.Moved == 1 })
	must(t, os.RemoveAll(filepath.Join(photos, "new")))
	want("a deletion", func(s Summary) bool { return s.Removed == 2 })
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if got := find(t, l, m, "x"); len(got.Hits) != 4 {
		t.Errorf("%d files, with those that are left out", len(got.Hits))
	}
	sound(t, l)
	if err := open(t, t.TempDir(), Options{}).Watch(t.Context(), m, WatchOptions{}); err == nil || !strings.Contains(err.Error(), "covers no folder") {
		t.Errorf("watching nothing: %v", err)
	}
}
