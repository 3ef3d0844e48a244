package server

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// leastToken is how many characters a token has at least.
const leastToken = 16

// Token reads the token that the file at path holds. If there is none, it makes one, in a file that nobody else can read, and says so.
func Token(path string) (token string, made bool, err error) {
	token, err = readToken(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return token, false, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", false, fmt.Errorf("server: token: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", false, fmt.Errorf("server: token: %w", err)
	}
	token = rand.Text()
	_, err = f.WriteString(token + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", false, fmt.Errorf("server: token: %w", errors.Join(err, os.Remove(path)))
	}
	return token, true, nil
}

func readToken(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("server: token: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("server: token: %w", err)
	}
	if open := info.Mode().Perm() & 0o077; filepath.Separator == '/' && open != 0 {
		return "", fmt.Errorf("server: token: others can read or change %s (mode %04o): want mode 0600", path, info.Mode().Perm())
	}
	data, err := io.ReadAll(io.LimitReader(f, 4097))
	if err != nil {
		return "", fmt.Errorf("server: token: %w", err)
	}
	token := strings.TrimSpace(string(data))
	if len(token) < leastToken || len(data) > 4096 || strings.ContainsAny(token, " \t\r\n") {
		return "", fmt.Errorf("server: token: %s holds %d characters: want one word of %d to 4096", path, len(token), leastToken)
	}
	return token, nil
}
