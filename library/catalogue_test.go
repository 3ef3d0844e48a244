package library

import (
	"database/sql"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

// older is a folder with a catalogue of an earlier version, filled by some statements.
func older(t *testing.T, of int, statements ...string) string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "vectors"), 0o755))
	db, err := sql.Open("sqlite", filepath.Join(dir, "catalogue.db"))
	must(t, err)
	if _, err := db.Exec("PRAGMA user_version = " + string(rune('0'+of))); err != nil {
		t.Fatal(err)
	}
	for _, statement := range append(append([]string{}, schema[:of]...), statements...) {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	must(t, db.Close())
	return dir
}

// A catalogue of the first version is brought up to date by who opens it, also only to read.
func TestUpgrade(t *testing.T) {
	for _, readOnly := range []bool{false, true} {
		dir := older(t, 1, "INSERT INTO files(root, path, size, modified, kind) VALUES(1, '/a.jpg', 3, 4000000000000000, 'image')")
		l := open(t, dir, Options{ReadOnly: readOnly})
		f, err := l.Facets(t.Context(), Query{}, "en")
		must(t, err)
		if f.Files != 1 || f.Years[0].Value != "1970" {
			t.Errorf("%+v", f)
		}
	}
}

// shelved is statements that fill a catalogue with files of many sorts.
var shelved = []string{
	"INSERT INTO roots(id, path, include, exclude) VALUES(1, CAST('/home/photos' AS BLOB), '[]', '[]'), (2, CAST('/mnt/photos' AS BLOB), '[]', '[]')",
	"INSERT INTO spaces(id, name, model, text, dimension, state) VALUES(1, 'a', 'a', '', 4, 'current')",
	`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)
		INSERT INTO files(id, root, path, size, modified, kind, error, taken, camera, place)
		SELECT i, 1 + i % 2, CAST(CASE i % 2 WHEN 0 THEN '/home/photos/' ELSE '/mnt/photos/' END || CASE i % 5 WHEN 0 THEN '' ELSE (i % 5) || '/ü/' END || 'IMG ' || i || '.jpg' AS BLOB),
		i, i * 86400000000000, CASE i % 3 WHEN 0 THEN 'video' ELSE 'image' END, CASE i % 50 WHEN 7 THEN 'broken' END,
		CASE i % 4 WHEN 0 THEN NULL ELSE 900000000 + i * 2000000 END, CASE i % 7 WHEN 0 THEN NULL ELSE 'Camera ' || (i % 7) END, CASE i % 6 WHEN 0 THEN 'Berlin' ELSE '' END FROM n`,
	"INSERT INTO tags SELECT id, 'dog', 'file' FROM files WHERE id % 9 = 1 AND error IS NULL",
	"INSERT INTO seen SELECT id, 1, 'cat', 0.9 FROM files WHERE id % 8 = 1 AND error IS NULL",
	"INSERT INTO files(root, path, size, modified, kind) VALUES(1, x'2f686f6d652f70686f746f732fe4f6fc2f80e42e6a7067', 3, 0, 'image')", // not UTF-8
}

// sameFacets compares what is counted with what looking at every file finds.
func sameFacets(t *testing.T, l *Library, when string) {
	t.Helper()
	s, ok, err := l.Current(t.Context())
	must(t, err)
	if !ok {
		t.Fatal("there is no space")
	}
	got, err := l.everything(t.Context(), s)
	must(t, err)
	want, err := l.some(t.Context(), s, &Query{Size: Range{Least: 0, Most: math.Inf(1), set: true}})
	must(t, err)
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s: counted %+v\nwant %+v", when, got, want)
	}
	for _, kinds := range [][]string{nil, {Image}, {Image, Video}} {
		n, err := l.countFiles(t.Context(), s, &Query{Types: kinds})
		must(t, err)
		hits, err := l.newest(t.Context(), s, &Query{Types: kinds, Limit: mostLimit})
		must(t, err)
		if n != len(hits) {
			t.Fatalf("%s: %d files of %q are counted, %d listed", when, n, kinds, len(hits))
		}
	}
}

// A catalogue of the second version is counted when it is brought up to date, and changes of files, tags and words change the counts.
func TestCounts(t *testing.T) {
	zone := time.Local
	defer func() { time.Local = zone }()
	time.Local = time.FixedZone("somewhere", 5*3600+45*60)
	l := open(t, older(t, 2, shelved...), Options{})
	sameFacets(t, l, "brought up to date")
	for _, statement := range []string{
		"UPDATE files SET taken = CASE id % 3 WHEN 0 THEN NULL WHEN 1 THEN 946684800 - 40000 + id * 200 ELSE -id * 1000 END WHERE id % 4 < 2",
		"UPDATE files SET modified = -id * 9000000000000 WHERE id % 5 = 1",
		"UPDATE files SET camera = 'Other', place = 'Paris' WHERE id % 10 < 4",
		"UPDATE files SET error = 'gone bad' WHERE id BETWEEN 3 AND 6 AND id NOT IN (SELECT file FROM tags UNION SELECT file FROM seen)",
		"UPDATE files SET error = NULL, kind = 'audio' WHERE error = 'broken' OR id = 9",
		"UPDATE files SET root = 2, path = CAST('/mnt/photos/new/' || id AS BLOB) WHERE id % 11 = 2",
		"INSERT OR IGNORE INTO tags SELECT id, 'dog', 'file' FROM files WHERE id % 3 = 1 AND error IS NULL",
		"INSERT INTO seen SELECT id, 1, 'cat', 0.8 FROM files WHERE id % 3 = 1 AND error IS NULL ON CONFLICT DO UPDATE SET probability = excluded.probability",
		"DELETE FROM tags WHERE file % 5 = 1",
		"DELETE FROM seen WHERE file % 5 = 1",
	} {
		_, err := l.db.Exec(statement)
		must(t, err)
		sameFacets(t, l, statement)
	}
	must(t, l.Tag(t.Context(), 20, []string{"dog", "mine"}, nil))
	must(t, l.Tag(t.Context(), 20, []string{"mine"}, []string{"dog"}))
	sameFacets(t, l, "tagged")
	must(t, l.forget(t.Context(), []int64{20, 21, 22, 23, 24, 25}, func(*sql.Tx) error { return nil }))
	sameFacets(t, l, "forgotten")
	_, err := l.db.Exec("DELETE FROM tags; DELETE FROM seen; DELETE FROM files")
	must(t, err)
	sameFacets(t, l, "emptied")
}
