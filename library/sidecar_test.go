package library

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// What Lightroom, digiKam and others write beside a picture.
const xmpSidecar = "\ufeff" + `<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
 exif:DateTimeOriginal="2003-07-09T10:11:12" exif:GPSLatitude="52,31.2N" exif:GPSLongitude="13,24.6E" photoshop:City="Berlin">
 <dc:description><rdf:Alt><rdf:li xml:lang="x-default">iPhone vor dem Bärenzwinger</rdf:li></rdf:Alt></dc:description>
 <dc:subject><rdf:Bag><rdf:li>zoo</rdf:li><rdf:li>Oma_Anna</rdf:li></rdf:Bag></dc:subject>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>`

// What is said beside a file is found, comes back as it was written, and is read again when it changes though the file does not.
func TestSidecars(t *testing.T) {
	photos := t.TempDir()
	a := put(t, pictures+"exif6.jpg", photos, "a.jpg")
	b := put(t, pictures+"bilevel.bmp", photos, "b.bmp")
	put(t, pictures+"cmyk.jpg", photos, "c.jpg")
	long := time.Now().Add(-time.Hour)
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(photos, name)
		must(t, os.WriteFile(path, []byte(text), 0o644))
		long = long.Add(time.Minute) // long before the run that reads it
		must(t, os.Chtimes(path, long, long))
	}
	const caption = "燊猫IMG_2041 在 iPhone 上"
	write("a.txt", caption)
	write("c.json", `{"title": "c.jpg", "photoTakenTime": {"timestamp": "1057745472"}, "geoData": {"latitude": -33.8, "longitude": 151.2}, "people": [{"name": "Zoë"}]}`)
	m := counted{model(t, seer), new(int)}
	l := open(t, t.TempDir(), Options{})
	if s := run(t, l, m, IndexOptions{Paths: []string{photos}}); s.Added != 3 || s.Changed != 0 || len(s.Unsupported) > 0 {
		t.Fatalf("%+v", s)
	}
	item := func(path string) Item {
		t.Helper()
		id, ok := l.Find(t.Context(), path)
		if !ok {
			t.Fatalf("%s is not there", path)
		}
		it, err := l.Item(t.Context(), id)
		must(t, err)
		return it
	}
	if got := item(a).Caption; got != caption {
		t.Errorf("caption %q, want %q", got, caption)
	}
	if c := item(filepath.Join(photos, "c.jpg")); c.Taken.Unix() != 1057745472 || c.Lat == nil || *c.Lat != -33.8 || !slices.Equal(c.Tags, []string{"Zoë"}) {
		t.Errorf("Google's: %+v", c)
	}
	expect := func(what string, changed int) {
		t.Helper()
		before := *m.pictures
		s := run(t, l, m, IndexOptions{})
		if s.Changed != changed || s.Unchanged != 3 || s.Embedded != 0 || *m.pictures != before {
			t.Errorf("%s: %+v, %d pictures were looked at", what, s, *m.pictures-before)
		}
		sound(t, l)
	}
	expect("nothing", 0)
	write("b.bmp.xmp", xmpSidecar)
	expect("a new one", 1)
	it := item(b)
	if it.Place != "Berlin" || it.Caption != "iPhone vor dem Bärenzwinger" || !slices.Equal(it.Tags, []string{"Oma_Anna", "zoo"}) ||
		it.Taken.Format("2006-01-02 15:04:05") != "2003-07-09 10:11:12" || it.Lat == nil || *it.Lat < 52.51 || *it.Lon > 13.42 || it.Width == 0 {
		t.Errorf("%+v", it)
	}
	for _, q := range []string{"place:berlin", "tag:ZOO", "after:2003-07-09 before:2003-07-10 path:b.bmp", `"Bärenzwinger"`, "oma anna"} {
		if got := find(t, l, m, q); len(got.Hits) == 0 || got.Hits[0].Path != b {
			t.Errorf("%s finds %v", q, bases(got.Hits))
		}
	}
	for _, text := range []string{"iphone", "iPhone", "IPHONE"} {
		got, err := l.Search(t.Context(), m, Query{Terms: []Term{{Text: text, Weight: 1}}, NoLike: true})
		if must(t, err); len(got.Hits) != 2 {
			t.Errorf("%s finds %v", text, bases(got.Hits))
		}
	}
	must(t, l.Tag(t.Context(), it.ID, []string{"mine"}, nil))
	if got := find(t, l, m, "Berlin"); got.Hits[0].Path != b {
		t.Errorf("tagged, its place finds %v", bases(got.Hits))
	}
	write("b.bmp.xmp", strings.Replace(xmpSidecar, "zoo", "bear", 1))
	expect("another text", 1)
	if got := item(b).Tags; !slices.Equal(got, []string{"Oma_Anna", "bear", "mine"}) {
		t.Errorf("tags %q", got)
	}
	must(t, os.Remove(filepath.Join(photos, "b.bmp.xmp")))
	must(t, os.Remove(filepath.Join(photos, "a.txt")))
	expect("two are gone", 2)
	if it := item(b); it.Caption != "" || it.Place != "" || !it.Taken.IsZero() || !slices.Equal(it.Tags, []string{"mine"}) {
		t.Errorf("%+v", it)
	}
	must(t, os.Rename(a, filepath.Join(photos, "d.jpg")))
	write("d.jpg.txt", "it went with its sidecar")
	if s := run(t, l, m, IndexOptions{}); s.Moved != 1 || s.Changed != 0 {
		t.Errorf("moved: %+v", s)
	}
	if got := item(filepath.Join(photos, "d.jpg")).Caption; got != "it went with its sidecar" {
		t.Errorf("moved: caption %q", got)
	}
}

// A video says when and where it was taken, and by what.
func TestVideoMetadata(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed")
	}
	path := filepath.Join(t.TempDir(), "clip.mov")
	out, err := exec.Command("ffmpeg", "-hide_banner", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc=s=64x48:d=1", "-c:v", "mpeg4", "-movflags", "use_metadata_tags",
		"-metadata", "com.apple.quicktime.creationdate=2021-08-03T14:05:06+0200", "-metadata", "com.apple.quicktime.location.ISO6709=+48.8584+002.2945+035.1/",
		"-metadata", "com.apple.quicktime.make=Apple", "-metadata", "com.apple.quicktime.model=iPhone 12", "-metadata", "title=Tour Eiffel", path).CombinedOutput()
	if err != nil {
		t.Skipf("%v: %s", err, out)
	}
	m := videoMetadata(t.Context(), path)
	if m.Taken.Unix() != 1627992306 || !m.Located || m.Lat != 48.8584 || m.Lon != 2.2945 || m.Camera != "Apple iPhone 12" || m.Caption != "Tour Eiffel" {
		t.Errorf("%+v", m)
	}
}
