package library

// version of the catalogue's tables.
const version = len(schema)

// The schema is what made each version of the one before. Paths are bytes: names of files need not be UTF-8. Times are Unix nanoseconds,
// dates of pictures Unix seconds.
var schema = [...]string{`
CREATE TABLE facts(name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE roots(
	id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, include TEXT NOT NULL, exclude TEXT NOT NULL, device INTEGER, missing INTEGER NOT NULL DEFAULT 0);
CREATE TABLE files(
	id INTEGER PRIMARY KEY AUTOINCREMENT, root INTEGER NOT NULL REFERENCES roots, path BLOB NOT NULL UNIQUE,
	size INTEGER NOT NULL, modified INTEGER NOT NULL, hash BLOB, kind TEXT NOT NULL, error TEXT,
	width INTEGER, height INTEGER, duration REAL, taken INTEGER, camera TEXT, lat REAL, lon REAL, place TEXT);
CREATE INDEX files_hash ON files(hash);
CREATE INDEX files_root ON files(root);
CREATE TABLE spaces(
	id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, model TEXT NOT NULL, text TEXT NOT NULL, dimension INTEGER NOT NULL, state TEXT NOT NULL);
CREATE TABLE embedded(file INTEGER NOT NULL, space INTEGER NOT NULL, PRIMARY KEY(file, space)) WITHOUT ROWID;
CREATE TABLE pieces(id INTEGER PRIMARY KEY AUTOINCREMENT, file INTEGER NOT NULL, space INTEGER NOT NULL, sound INTEGER NOT NULL, start REAL, stop REAL);
CREATE INDEX pieces_file ON pieces(file, space);
CREATE TABLE tags(file INTEGER NOT NULL, tag TEXT NOT NULL, source TEXT NOT NULL, PRIMARY KEY(file, tag)) WITHOUT ROWID;
CREATE INDEX tags_tag ON tags(tag);
CREATE TABLE faults(path BLOB PRIMARY KEY, root INTEGER NOT NULL, error TEXT NOT NULL) WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5(name, folder, tags, caption, tokenize = 'unicode61 remove_diacritics 2');
`, `
CREATE INDEX files_date ON files(coalesce(taken, modified / 1000000000) DESC, id, kind) WHERE error IS NULL;
CREATE INDEX files_kind ON files(kind) WHERE error IS NULL;
CREATE INDEX files_error ON files(id) WHERE error IS NOT NULL;
CREATE INDEX pieces_sound ON pieces(space, id) WHERE sound;
ALTER TABLE embedded ADD COLUMN described INTEGER NOT NULL DEFAULT 0;
CREATE INDEX embedded_new ON embedded(space, file) WHERE NOT described;
CREATE TABLE seen(file INTEGER NOT NULL, space INTEGER NOT NULL, word TEXT NOT NULL, probability REAL NOT NULL, PRIMARY KEY(file, space, word)) WITHOUT ROWID;
CREATE INDEX seen_word ON seen(space, word, file);
CREATE TABLE links(path BLOB PRIMARY KEY, root INTEGER NOT NULL, target BLOB NOT NULL) WITHOUT ROWID;
`, `
DROP INDEX files_kind;
CREATE INDEX files_kind ON files(kind, coalesce(taken, modified / 1000000000) DESC, id) WHERE error IS NULL;
` + countSchema, columnSchema, `
ALTER TABLE spaces ADD COLUMN image TEXT NOT NULL DEFAULT ''; -- fingerprints of what made the vectors, both '' where an earlier version made the space
ALTER TABLE spaces ADD COLUMN audio TEXT NOT NULL DEFAULT '';
CREATE TABLE unread(root INTEGER NOT NULL, format TEXT NOT NULL, files INTEGER NOT NULL, PRIMARY KEY(root, format)) WITHOUT ROWID;
CREATE TABLE damages(hash BLOB PRIMARY KEY, damage TEXT NOT NULL) WITHOUT ROWID; -- of contents that can be read in part
`, `
CREATE TABLE sidecars(id INTEGER PRIMARY KEY AUTOINCREMENT, path BLOB NOT NULL UNIQUE, size INTEGER NOT NULL, modified INTEGER NOT NULL); -- as they were when what they say was noted
`}

// Version 3 of the catalogue kept how many files have a value, by triggers.
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
