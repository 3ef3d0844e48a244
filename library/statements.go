package library

import (
	"context"
	"database/sql"
	"sync"
)

// Statements are those of the catalogue that are run for each file: SQLite compiles them once for each connection, which takes longer than to run them.
// They are safe for concurrent use.
type statements struct {
	db *sql.DB

	mu   sync.Mutex
	kept map[string]*sql.Stmt
}

func newStatements(db *sql.DB) *statements { return &statements{db: db, kept: map[string]*sql.Stmt{}} }

// close gives them back. The database reports what may be wrong with it elsewhere.
func (s *statements) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for query, of := range s.kept {
		_ = of.Close()
		delete(s.kept, query)
	}
}

func (s *statements) get(ctx context.Context, query string) (*sql.Stmt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if of := s.kept[query]; of != nil {
		return of, nil
	}
	of, err := s.db.PrepareContext(ctx, query)
	if err == nil {
		s.kept[query] = of
	}
	return of, err
}

// QueryContext is that of a database.
func (s *statements) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	of, err := s.get(ctx, query)
	if err != nil {
		return nil, err
	}
	return of.QueryContext(ctx, args...)
}

// scan reads the first row of a query. The error is [sql.ErrNoRows] if there is none.
func (s *statements) scan(ctx context.Context, query string, args []any, into ...any) error {
	of, err := s.get(ctx, query)
	if err != nil {
		return err
	}
	return of.QueryRowContext(ctx, args...).Scan(into...)
}

// in is the statements in a transaction.
func (s *statements) in(tx *sql.Tx) *within {
	return &within{all: s, tx: tx, bound: map[string]*sql.Stmt{}}
}

// A within runs statements in a transaction. One goroutine uses it.
type within struct {
	all   *statements
	tx    *sql.Tx
	bound map[string]*sql.Stmt // to the transaction's connection
}

func (w *within) get(ctx context.Context, query string) (*sql.Stmt, error) {
	if of := w.bound[query]; of != nil {
		return of, nil
	}
	of, err := w.all.get(ctx, query)
	if err == nil {
		of = w.tx.StmtContext(ctx, of)
		w.bound[query] = of
	}
	return of, err
}

// QueryContext is that of the transaction.
func (w *within) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	of, err := w.get(ctx, query)
	if err != nil {
		return nil, err
	}
	return of.QueryContext(ctx, args...)
}

// exec runs a statement that gives no rows.
func (w *within) exec(ctx context.Context, query string, args ...any) error {
	of, err := w.get(ctx, query)
	if err == nil {
		_, err = of.ExecContext(ctx, args...)
	}
	return err
}

// insert is exec that gives the id of the row that was written last.
func (w *within) insert(ctx context.Context, query string, args ...any) (id int64, err error) {
	of, err := w.get(ctx, query)
	if err != nil {
		return 0, err
	}
	r, err := of.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return r.LastInsertId()
}
