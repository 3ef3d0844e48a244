package library

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
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

// Who is told how far bringing up to date is may end it: the catalogue stays as it was, and the next one brings it up to date.
func TestUpgradeStopped(t *testing.T) {
	dir := older(t, 3, shelved...)
	stop := errors.New("stopped")
	calls, parts := 0, 0
	_, err := Open(dir, Options{ReadOnly: true, Upgrade: func(done, total int) error {
		if total == 0 {
			return nil // the tables themselves are changed
		}
		calls, parts = calls+1, total
		if done != calls || done > total {
			t.Errorf("%d of %d, in call %d", done, total, calls)
		}
		if done == 2 {
			return stop
		}
		return nil
	}})
	if !errors.Is(err, stop) || calls != 2 || parts < 3 {
		t.Fatalf("after %d calls of %d: %v", calls, parts, err)
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, "catalogue.db"))
	must(t, err)
	var found, columns int
	must(t, db.QueryRow("SELECT user_version, (SELECT count(*) FROM sqlite_schema WHERE name = 'columns') FROM pragma_user_version").Scan(&found, &columns))
	must(t, db.Close())
	if found != 3 || columns != 0 {
		t.Errorf("afterwards it is of version %d and has %d tables of columns", found, columns)
	}
	l := open(t, dir, Options{Upgrade: func(done, total int) error { calls, parts = done, total; return nil }})
	if calls != parts {
		t.Errorf("%d of %d parts were told", calls, parts)
	}
	must(t, agreed(t.Context(), l))
}

// A statement of the database that lasts ends when it is to.
func TestPatiently(t *testing.T) {
	l := open(t, t.TempDir(), Options{})
	stop := errors.New("stopped")
	err := patiently(func(done, total int) error { return stop }, func(ctx context.Context) error {
		_, err := l.db.ExecContext(ctx, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
		return err
	})
	if !errors.Is(err, stop) {
		t.Error(err)
	}
	if err := patiently(nil, func(context.Context) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
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
	"UPDATE files SET duration = (id % 11) / 2.0 WHERE id % 3 = 0",
	"INSERT INTO pieces(id, file, space, sound) SELECT id * 3, id, 1, id % 2 FROM files UNION ALL SELECT id * 3 + 1, id, 2, 0 FROM files WHERE id % 4 = 0",
	"INSERT INTO files(root, path, size, modified, kind) VALUES(1, x'2f686f6d652f70686f746f732fe4f6fc2f80e42e6a7067', 3, 0, 'image')", // not UTF-8
}

// sameFacets compares what the columns say with what the tables do.
func sameFacets(t *testing.T, l *Library, when string) {
	t.Helper()
	got, err := l.Facets(t.Context(), Query{}, "en")
	must(t, err)
	want := Facets{}
	ask := func(query string) (out []Count) {
		n := map[string]int{}
		must(t, each(t.Context(), l.db, func(scan func(...any) error) error {
			var value string
			err := scan(&value)
			n[value]++
			want.Files++
			return err
		}, query))
		return counts(n)
	}
	want.Tags = ask("SELECT tag FROM tags JOIN files ON id = file WHERE error IS NULL")
	want.Words = ask("SELECT word FROM seen JOIN files ON id = file WHERE error IS NULL AND space = 1")
	want.Cameras = ask("SELECT coalesce(camera, '') FROM files WHERE error IS NULL")
	want.Places = ask("SELECT coalesce(place, '') FROM files WHERE error IS NULL")
	years, folders := map[string]int{}, map[string]int{}
	must(t, each(t.Context(), l.db, func(scan func(...any) error) error {
		var date int64
		var root, path []byte
		err := scan(&date, &root, &path)
		years[strconv.Itoa(time.Unix(date, 0).Year())]++
		folders[below(string(root), string(path))]++
		return err
	}, "SELECT coalesce(taken, modified / 1000000000), roots.path, files.path FROM files JOIN roots ON roots.id = root WHERE error IS NULL"))
	want.Years, want.Folders, want.Files = counts(years), counts(folders), 0
	want.Types = ask("SELECT kind FROM files WHERE error IS NULL")
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s: counted %+v\nwant %+v", when, got, want)
	}
	for _, f := range conditioned {
		sameFiles(t, l, when, f.query, f.clause)
	}
	must(t, agreed(t.Context(), l))
}

// conditioned is conditions, and what they mean in SQL.
var conditioned = []struct{ query, clause string }{
	{"", "1"},
	{"type:image", "kind = 'image'"},
	{"type:image,video", "kind IN ('image', 'video')"},
	{"after:1999-05-01 before:2010", "coalesce(taken, modified / 1000000000) BETWEEN 925494300 AND 1262283299"},
	{"camera:cAMERA camera:other", "instr(lower(coalesce(camera, '')), 'camera') > 0 OR camera = 'Other'"},
	{"place:erl", "place = 'Berlin'"},
	{"place:erl place:x", "0"},
	{"path:PHOTOS/3", "instr(lower(CAST(path AS TEXT)), 'photos/3') > 0"},
	{"path:\u00fc/img", "instr(lower(CAST(path AS TEXT)), '\u00fc/img') > 0"},
	{"path:g path:new/", "instr(lower(CAST(path AS TEXT)), 'g') > 0 OR instr(lower(CAST(path AS TEXT)), 'new/') > 0"},
	{"tag:DOG", "id IN (SELECT file FROM tags WHERE tag = 'dog')"},
	{"word:cat type:video", "kind = 'video' AND id IN (SELECT file FROM seen WHERE word = 'cat' AND space = 1)"},
	{"size:17..150", "size BETWEEN 17 AND 150"},
	{"duration:<3", "duration < 3"},
}

// sameFiles compares the files that fulfil conditions, page by page, with what the tables say.
func sameFiles(t *testing.T, l *Library, when, query, clause string) {
	t.Helper()
	q, err := ParseQuery(query)
	must(t, err)
	f, err := l.filter(t.Context(), Space{id: 1}, &q, true)
	must(t, err)
	var got, want, pieces []int64
	for offset := 0; offset <= f.count; offset += 37 {
		hits, err := l.newest(t.Context(), f, offset, 37)
		must(t, err)
		for _, h := range hits {
			got = append(got, h.ID)
		}
	}
	list := func(to *[]int64, query string) {
		must(t, each(t.Context(), l.db, func(scan func(...any) error) error {
			*to = append(*to, 0)
			return scan(&(*to)[len(*to)-1])
		}, query))
	}
	list(&want, "SELECT id FROM files WHERE error IS NULL AND ("+clause+") ORDER BY coalesce(taken, modified / 1000000000) DESC, id")
	if !slices.Equal(got, want) || f.count != len(want) {
		t.Fatalf("%s: %q: %d files %v\nwant %d %v", when, query, f.count, got, len(want), want)
	}
	list(&pieces, "SELECT id FROM pieces WHERE space = 1 AND file IN (SELECT id FROM files WHERE "+clause+")")
	for _, id := range pieces {
		if !f.pieces.Has(uint64(id)) {
			t.Fatalf("%s: %q: the piece %d is not among %d", when, query, id, f.pieces.count())
		}
	}
	if f.pieces.count() != len(pieces) {
		t.Fatalf("%s: %q: %d pieces, want %d", when, query, f.pieces.count(), len(pieces))
	}
}

// A catalogue of an earlier version gets columns when it is brought up to date, and changes of files, pieces, tags and words change them.
func TestColumns(t *testing.T) {
	zone := time.Local
	defer func() { time.Local = zone }()
	time.Local = time.FixedZone("somewhere", 5*3600+45*60)
	l := open(t, older(t, 2, shelved...), Options{})
	sameFacets(t, l, "brought up to date")
	sameFacets(t, open(t, older(t, 3, shelved...), Options{}), "the third version brought up to date")
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
		"DELETE FROM pieces WHERE file % 5 = 2",
		"INSERT INTO pieces(id, file, space, sound) VALUES(3000, 12, 1, 0), (3001, 13, 2, 0), (3002, 14, 1, 1)",
		"UPDATE files SET size = 20, duration = CASE id % 2 WHEN 0 THEN 0.0 END WHERE id % 7 = 3",
		"DELETE FROM seen WHERE file % 5 = 1",
	} {
		must(t, l.change(t.Context(), func(tx *sql.Tx) error {
			_, err := tx.Exec(statement)
			return err
		}))
		sameFacets(t, l, statement)
	}
	must(t, l.Tag(t.Context(), 20, []string{"dog", "mine"}, nil))
	must(t, l.Tag(t.Context(), 20, []string{"mine"}, []string{"dog"}))
	sameFacets(t, l, "tagged")
	must(t, l.forget(t.Context(), []int64{20, 21, 22, 23, 24, 25}, func(*sql.Tx) error { return nil }))
	sameFacets(t, l, "forgotten")
	must(t, l.change(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.Exec("DELETE FROM tags; DELETE FROM seen; DELETE FROM files; DELETE FROM pieces")
		return err
	}))
	sameFacets(t, l, "emptied")
	must(t, l.change(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.Exec("INSERT INTO files(id, root, path, size, modified, kind) VALUES(5000, 1, x'2f61', 3, 0, 'image')")
		return err
	}))
	sameFacets(t, l, "one file without a date")
	_, err := l.db.Exec(shelved[2]) // as another program would
	must(t, err)
	must(t, l.Close())
	l = open(t, l.dir, Options{})
	sameFacets(t, l, "opened after another program")

	_, err = l.db.Exec("UPDATE columns SET data = substr(data, 1, 100) || x'07' || substr(data, 102) WHERE length(data) > 0; UPDATE facts SET value = value + 1 WHERE name = 'generation'")
	must(t, err)
	if bad, err := l.Check(t.Context()); err != nil || len(bad) == 0 {
		t.Errorf("columns that differ from the tables: %q, %v", bad, err)
	}
	bad, err := l.Repair(t.Context())
	must(t, err)
	if len(bad) > 0 {
		t.Errorf("after a repair: %q", bad)
	}
	sameFacets(t, l, "repaired")
}

// What is no chunk of a column is refused, whatever it is.
func TestBadChunk(t *testing.T) {
	lists := make([]byte, 4*chunkRows+3)
	for _, c := range []struct {
		what string
		blob []byte
	}{{"file", make([]byte, chunkRows-1)}, {"file", make([]byte, 3*chunkRows)}, {"file", make([]byte, 8*chunkRows)}, {"date", make([]byte, 16*chunkRows)},
		{"name", make([]byte, chunkRows)}, {"name", lists}, {"tag", append([]byte{9}, lists[1:]...)}} {
		if _, err := readChunk(c.what, c.blob); err == nil {
			t.Errorf("%d bytes of the column %q are read", len(c.blob), c.what)
		}
	}
}
