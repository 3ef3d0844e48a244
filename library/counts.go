package library

import (
	"context"
	"path/filepath"
	"strconv"
	"time"
)

// The catalogue keeps how many files have a value, so that a page need not go through all of them: of files without an error the kind, camera, place,
// folder and day in UTC, and of all files the tags and words. Triggers keep these counts; a value that no file has any more may stay with a count of 0.
const countSchema = `
CREATE TABLE counts(what TEXT NOT NULL, value TEXT NOT NULL, files INTEGER NOT NULL, PRIMARY KEY(what, value)) WITHOUT ROWID;
INSERT INTO counts SELECT 'kind', kind, count(*) FROM files WHERE error IS NULL AND kind <> '' GROUP BY 2;
INSERT INTO counts SELECT 'camera', camera, count(*) FROM files WHERE error IS NULL AND camera <> '' GROUP BY 2;
INSERT INTO counts SELECT 'place', place, count(*) FROM files WHERE error IS NULL AND place <> '' GROUP BY 2;
INSERT INTO counts SELECT 'folder ' || root, rtrim(path, replace(replace(path, '/', ''), '\', '')), count(*) FROM files WHERE error IS NULL GROUP BY 1, 2;
INSERT INTO counts SELECT 'day', coalesce(taken, modified / 1000000000) / 86400, count(*) FROM files WHERE error IS NULL GROUP BY 2;
INSERT INTO counts SELECT 'tag', tag, count(*) FROM tags GROUP BY 2;
INSERT INTO counts SELECT 'word ' || space, word, count(*) FROM seen GROUP BY 1, 2;
CREATE TRIGGER files_counted AFTER INSERT ON files WHEN NEW.error IS NULL BEGIN ` + countNew + ` END;
CREATE TRIGGER files_discounted AFTER DELETE ON files WHEN OLD.error IS NULL BEGIN ` + discountOld + ` END;
CREATE TRIGGER files_found AFTER UPDATE OF root, path, kind, error, camera, place, taken, modified ON files WHEN NEW.error IS NULL BEGIN ` + countNew + ` END;
CREATE TRIGGER files_lost AFTER UPDATE OF root, path, kind, error, camera, place, taken, modified ON files WHEN OLD.error IS NULL BEGIN ` + discountOld + ` END;
CREATE TRIGGER tags_counted AFTER INSERT ON tags BEGIN
	INSERT INTO counts VALUES('tag', NEW.tag, 1) ON CONFLICT DO UPDATE SET files = files + 1;
END;
CREATE TRIGGER tags_discounted AFTER DELETE ON tags BEGIN
	UPDATE counts SET files = files - 1 WHERE what = 'tag' AND value = OLD.tag;
END;
CREATE TRIGGER seen_counted AFTER INSERT ON seen BEGIN
	INSERT INTO counts VALUES('word ' || NEW.space, NEW.word, 1) ON CONFLICT DO UPDATE SET files = files + 1;
END;
CREATE TRIGGER seen_discounted AFTER DELETE ON seen BEGIN
	UPDATE counts SET files = files - 1 WHERE what = 'word ' || OLD.space AND value = OLD.word;
END;
`

// A folder is its path with the slash at its end: what is left when all letters of the path but slashes are trimmed from its end.
const (
	countNew = `
	INSERT INTO counts SELECT what, value, 1 FROM (SELECT 'kind' AS what, NEW.kind AS value UNION ALL SELECT 'camera', NEW.camera UNION ALL SELECT 'place', NEW.place
		UNION ALL SELECT 'folder ' || NEW.root, rtrim(NEW.path, replace(replace(NEW.path, '/', ''), '\', ''))
		UNION ALL SELECT 'day', coalesce(NEW.taken, NEW.modified / 1000000000) / 86400) WHERE value <> ''
		ON CONFLICT DO UPDATE SET files = files + 1;`
	discountOld = `
	UPDATE counts SET files = files - 1 WHERE what = 'kind' AND value = OLD.kind;
	UPDATE counts SET files = files - 1 WHERE what = 'camera' AND value = OLD.camera;
	UPDATE counts SET files = files - 1 WHERE what = 'place' AND value = OLD.place;
	UPDATE counts SET files = files - 1 WHERE what = 'folder ' || OLD.root AND value = rtrim(OLD.path, replace(replace(OLD.path, '/', ''), '\', ''));
	UPDATE counts SET files = files - 1 WHERE what = 'day' AND value = coalesce(OLD.taken, OLD.modified / 1000000000) / 86400;`
)

// counted is the values of one sort that files have, and how many do.
func (l *Library) counted(ctx context.Context, what string) (map[string]int, error) {
	n := map[string]int{}
	err := each(ctx, l.db, func(scan func(...any) error) error {
		var value string
		var files int
		err := scan(&value, &files)
		n[value] = files
		return err
	}, "SELECT value, files FROM counts WHERE what = ? AND files > 0", what)
	return n, err
}

// everything is the facets of all files, by what the catalogue has counted.
func (l *Library) everything(ctx context.Context, s Space) (f Facets, err error) {
	take := func(to *[]Count, what string) map[string]int {
		if err != nil {
			return nil
		}
		var n map[string]int
		n, err = l.counted(ctx, what)
		*to = counts(n)
		return n
	}
	for _, n := range take(&f.Types, "kind") {
		f.Files += n
	}
	take(&f.Cameras, "camera")
	take(&f.Places, "place")
	take(&f.Tags, "tag")
	take(&f.Words, "word "+strconv.FormatInt(s.id, 10))
	if err != nil {
		return f, err
	}
	roots := map[string]string{} // by what their folders are counted as
	if err := each(ctx, l.db, func(scan func(...any) error) error {
		var id int64
		var path []byte
		err := scan(&id, &path)
		roots["folder "+strconv.FormatInt(id, 10)] = string(path)
		return err
	}, "SELECT id, path FROM roots"); err != nil {
		return f, err
	}
	folders := map[string]int{}
	for what, root := range roots {
		n, err := l.counted(ctx, what)
		if err != nil {
			return f, err
		}
		for folder, files := range n {
			folders[below(root, folder+"x")] += files
		}
	}
	f.Folders = counts(folders)
	years, err := l.years(ctx)
	f.Years = counts(years)
	return f, err
}

// below is the folder of a file, from the name of its root on, "" if it has none there.
func below(root, path string) string {
	folder, err := filepath.Rel(filepath.Dir(root), filepath.Dir(path))
	if err != nil || folder == "." {
		return ""
	}
	return folder
}

// years counts the files of each year by the clock of this machine: the files of a day of UTC in which a year begins are asked for by the second.
func (l *Library) years(ctx context.Context) (map[string]int, error) {
	days, err := l.counted(ctx, "day")
	if err != nil {
		return nil, err
	}
	n := map[string]int{}
	for text, files := range days {
		day, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, err
		}
		first, last := day*86400, day*86400+86399
		if day <= 0 { // SQLite divides towards 0
			last = day * 86400
			first = last - 86399
		}
		if day == 0 {
			last = 86399
		}
		year := time.Unix(last, 0).Year()
		early := 0
		if time.Unix(first, 0).Year() != year {
			begin := time.Date(year, 1, 1, 0, 0, 0, 0, time.Local).Unix()
			const date = "coalesce(taken, modified / 1000000000)"
			if err := l.db.QueryRowContext(ctx, "SELECT count(*) FROM files WHERE error IS NULL AND "+date+" BETWEEN ? AND ?", first, begin-1).Scan(&early); err != nil {
				return nil, err
			}
			n[strconv.Itoa(year-1)] += early
		}
		n[strconv.Itoa(year)] += files - early
	}
	for year, files := range n {
		if files == 0 {
			delete(n, year)
		}
	}
	return n, nil
}

// countKinds is how many files are of some kinds, of any if there is none.
func (l *Library) countKinds(ctx context.Context, kinds []string) (n int, err error) {
	query := "SELECT coalesce(sum(files), 0) FROM counts WHERE what = 'kind'"
	if len(kinds) > 0 {
		query += " AND value IN (" + marks(len(kinds)) + ")"
	}
	err = l.db.QueryRowContext(ctx, query, anys(kinds)...).Scan(&n)
	return n, err
}
