package library

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
)

// ErrNewer is the error of opening a library that a later version of this program made.
var ErrNewer = errors.New("it was made by a newer version of chiasm")

// openCatalogue opens the database, and makes it if it may.
func openCatalogue(dir string, o Options) (*sql.DB, error) {
	path := filepath.Join(dir, "catalogue.db")
	mode := "rwc"
	if o.ReadOnly {
		mode = "ro"
		if _, err := os.Stat(path); err != nil {
			return nil, err
		}
	}
	pragmas := url.Values{"mode": {mode}, "_pragma": {"busy_timeout(10000)", "synchronous(FULL)", "cache_size(-32000)", "foreign_keys(0)"}}
	if !o.ReadOnly {
		pragmas.Add("_pragma", "journal_mode(WAL)")
		pragmas.Add("_pragma", fmt.Sprintf("journal_size_limit(%d)", mostLog))
		pragmas.Set("_txlock", "immediate")
	}
	db := sql.OpenDB(&connector{dsn: (&url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path), RawQuery: pragmas.Encode()}).String()})
	db.SetMaxIdleConns(mostIdle)
	if err := prepare(db, o); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// mostIdle is how many connections are kept: those of the walk, two readers and the writer of [Library.Index], which keep what they have compiled.
const mostIdle = 4

// mostLog is how many bytes the log keeps once they are in the database; when the last connection closes it keeps none. Who opens the catalogue first reads
// the whole log.
const mostLog = 16 << 20

// A connector makes connections that leave the files of the log where they are when the last one closes: to open the catalogue then takes
// no room, so that a full disk can be searched.
type connector struct {
	driver sqlite.Driver
	dsn    string
}

func (c *connector) Driver() driver.Driver { return &c.driver }

func (c *connector) Connect(context.Context) (driver.Conn, error) {
	conn, err := c.driver.Open(c.dsn)
	if err != nil {
		return nil, err
	}
	if _, err := conn.(sqlite.FileControl).FileControlPersistWAL("main", 1); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// errOlder is the error of reading tables of an earlier version, which only a writer brings up to date.
var errOlder = errors.New("its catalogue is of an earlier version")

// prepare checks the version of the tables, makes them, or brings them up to date.
func prepare(db *sql.DB, o Options) error {
	var found int
	if err := db.QueryRow("PRAGMA user_version").Scan(&found); err != nil {
		const notDatabase, corrupt = 26, 11 // SQLITE_NOTADB, SQLITE_CORRUPT
		if e := (*sqlite.Error)(nil); errors.As(err, &e) && (e.Code()&0xff == notDatabase || e.Code()&0xff == corrupt) {
			return fmt.Errorf("catalogue.db is damaged: import what library export wrote, or delete the library's folder and index again: %w", err)
		}
		return fmt.Errorf("catalogue.db: %w", err)
	}
	switch {
	case found == version:
		return nil
	case found > version:
		return fmt.Errorf("%w: its catalogue is of version %d, this program reads %d", ErrNewer, found, version)
	case found < 0:
		return fmt.Errorf("catalogue.db: version %d, want %d", found, version)
	case o.ReadOnly && found == 0:
		return fmt.Errorf("catalogue.db is empty: %w", fs.ErrNotExist)
	case o.ReadOnly:
		return errOlder
	}
	return inTransaction(context.Background(), db, func(tx *sql.Tx) error {
		for _, step := range schema[found:] {
			if err := patiently(o.Upgrade, func(ctx context.Context) error {
				_, err := tx.ExecContext(ctx, step)
				return err
			}); err != nil {
				return fmt.Errorf("catalogue.db: %w", err)
			}
		}
		if _, err := tx.Exec(fmt.Sprintf("PRAGMA user_version = %d", version)); err != nil {
			return err
		}
		if err := changed(context.Background(), tx); err != nil {
			return err
		}
		return renew(context.Background(), tx, o.Upgrade)
	})
}

// patiently does what cannot tell how far it is, and meanwhile asks again and again whether it is to end.
func patiently(tell func(done, total int) error, do func(context.Context) error) error {
	if tell == nil {
		return do(context.Background())
	}
	ctx, stop := context.WithCancelCause(context.Background())
	defer stop(nil)
	done, asked := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(asked)
		for {
			select {
			case <-done:
				return
			case <-time.After(patience):
				if err := tell(0, 0); err != nil {
					stop(err)
					return
				}
			}
		}
	}()
	err := do(ctx)
	close(done)
	<-asked
	return cmp.Or(context.Cause(ctx), err)
}

// patience is how long something lasts between two questions whether it is to end.
const patience = time.Second / 4

// inTransaction commits what f does, all or nothing.
func inTransaction(ctx context.Context, db *sql.DB, f func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		_ = tx.Rollback() // what f says matters
		return err
	}
	return tx.Commit()
}

// A querier is a database or a transaction of one.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// each calls f for every row of a query.
func each(ctx context.Context, db querier, f func(scan func(...any) error) error, query string, args ...any) error {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
