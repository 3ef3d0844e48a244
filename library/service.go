package library

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/chiasm/chiasm/internal/whole"
)

// A Service is where a program that has a library open for writing takes jobs for it.
type Service struct {
	URL string `json:"url"`
	Key string `json:"key"` // who can read the library's folder knows it
}

const serviceFile = "service.json"

// Announce says in the library's folder, to its owner alone, where jobs are taken, until the library is closed.
func (l *Library) Announce(s Service) error {
	if l.opts.ReadOnly {
		return fmt.Errorf("library: %w", ErrReadOnly)
	}
	data, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("library: %w", err)
	}
	f, err := whole.Create(filepath.Join(l.dir, serviceFile))
	if err == nil {
		defer f.Abort()
		if _, err = f.Write(data); err == nil {
			err = f.Place(0o600)
		}
	}
	if err != nil {
		return fmt.Errorf("library: %w", err)
	}
	l.mu.Lock()
	l.announced = true
	l.mu.Unlock()
	return nil
}

// Announced is what a library's folder says of where jobs are taken, and whether it says so. A program that was killed may have said it.
func Announced(dir string) (s Service, ok bool) {
	data, err := os.ReadFile(filepath.Join(dir, serviceFile))
	if err != nil || json.Unmarshal(data, &s) != nil {
		return Service{}, false
	}
	return s, s.URL != "" && s.Key != ""
}
