package library

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"
)

// A catalogue of the first version is brought up to date by who opens it, also only to read.
func TestUpgrade(t *testing.T) {
	for _, readOnly := range []bool{false, true} {
		dir := t.TempDir()
		must(t, os.MkdirAll(filepath.Join(dir, "vectors"), 0o755))
		db, err := sql.Open("sqlite", filepath.Join(dir, "catalogue.db"))
		must(t, err)
		for _, statement := range []string{schema[0], "PRAGMA user_version = 1", "INSERT INTO files(root, path, size, modified, kind) VALUES(1, '/a.jpg', 3, 4000000000000000, 'image')"} {
			if _, err := db.Exec(statement); err != nil {
				t.Fatal(err)
			}
		}
		must(t, db.Close())
		l := open(t, dir, Options{ReadOnly: readOnly})
		f, err := l.Facets(t.Context(), Query{}, "en")
		must(t, err)
		if f.Files != 1 || f.Years[0].Value != "1970" {
			t.Errorf("%+v", f)
		}
	}
}
