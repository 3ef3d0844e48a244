package library

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrKind is the error of bringing a file that is no picture, sound or video.
var ErrKind = errors.New("it is no picture, sound or video in a known format")

// Uploads is the folder of files that were brought.
func (l *Library) Uploads() string { return filepath.Join(l.dir, "uploads") }

// mostName is how many bytes the name of a file that was brought keeps.
const mostName = 120

// Bring writes a file into the library's folder "uploads", which is covered from then on, and gives its path. Its name is made of the one
// that is given, without folders; one that is there already is kept, and the new one gets a number. The file appears when it is whole. What
// begins like nothing that a library holds is refused with an error that wraps [ErrKind]. Index takes it in.
func (l *Library) Bring(ctx context.Context, name string, r io.Reader) (path string, err error) {
	if l.opts.ReadOnly {
		return "", fmt.Errorf("library: %w", ErrReadOnly)
	}
	if path, err = l.bring(ctx, tidyName(name), r); err != nil {
		return "", fmt.Errorf("library: %w", err)
	}
	return path, nil
}

func (l *Library) bring(ctx context.Context, name string, r io.Reader) (string, error) {
	head := make([]byte, Sniffed)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", err
	}
	if Recognise(name, head[:n]) == "" {
		return "", ErrKind
	}
	dir := l.Uploads()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	if err := l.addRoot(ctx, dir, nil, nil); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return "", err
	}
	defer os.Remove(f.Name()) // nothing is left of it once it has its name
	_, err = f.Write(head[:n])
	if err == nil {
		_, err = io.Copy(f, r)
	}
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return "", err
	}
	ext := filepath.Ext(name)
	for i := 1; i < 10000; i++ {
		path := filepath.Join(dir, name)
		if i > 1 {
			path = filepath.Join(dir, fmt.Sprintf("%s-%d%s", strings.TrimSuffix(name, ext), i, ext))
		}
		place, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err == nil {
			err = errors.Join(place.Close(), os.Rename(f.Name(), path))
		}
		return path, err
	}
	return "", errors.New("there are too many files of that name")
}

// tidyName makes a name of a file of one that a stranger gave: without folders, control characters or a dot in front, and not too long.
func tidyName(name string) string {
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || strings.ContainsRune(`<>:"|?*`, r) {
			return '_'
		}
		return r
	}, name)
	name = strings.TrimLeft(strings.TrimSpace(name), ".- ")
	ext := filepath.Ext(name)
	if len(ext) > 16 {
		ext = ""
	}
	name = clip(strings.TrimSuffix(name, ext), mostName-len(ext))
	if strings.Trim(name, "._ ") == "" {
		name = "upload"
	}
	return name + ext
}
