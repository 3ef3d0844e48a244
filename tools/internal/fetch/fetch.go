// Package fetch gets packages of Debian, npm and Python's index in pinned versions, through their ordinary clients, and checks their hashes.
package fetch

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A Package is a package in a pinned version. Make one by [Wheel], [Deb] or [NPM].
type Package struct {
	Name, Version string
	file          string // as its registry names it
	hash          string // SHA-256 of the file
	from          registry
}

type registry int

const (
	python registry = iota
	debian
	npm
)

// Wheel is a package of Python's index; file is the name of its wheel.
func Wheel(name, version, file, hash string) Package {
	return Package{name, version, file, hash, python}
}

// Deb is a package of Debian, for one architecture or "all".
func Deb(name, version, architecture, hash string) Package {
	file := name + "_" + strings.ReplaceAll(version, ":", "%3a") + "_" + architecture + ".deb"
	return Package{name, version, file, hash, debian}
}

// NPM is a package of npm.
func NPM(name, version, hash string) Package {
	file := strings.ReplaceAll(strings.TrimPrefix(name, "@"), "/", "-") + "-" + version + ".tgz"
	return Package{name, version, file, hash, npm}
}

// Fetch gives the path of the package's file in dir, downloading it unless it is there already.
func (p Package) Fetch(dir string) (string, error) {
	path := filepath.Join(dir, p.file)
	if CheckHash(path, p.hash) == nil {
		return path, nil
	}
	os.Remove(path)
	command, err := p.command()
	if err != nil {
		return "", err
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", p.Name, err, LastLine(out))
	}
	return path, CheckHash(path, p.hash)
}

// command downloads the package into the working directory.
func (p Package) command() ([]string, error) {
	switch p.from {
	case debian:
		if _, err := exec.LookPath("apt-get"); err != nil {
			return nil, fmt.Errorf("%s: it is a package of Debian, and there is no apt-get here", p.Name)
		}
		return []string{"apt-get", "download", "-q", p.Name + "=" + p.Version}, nil
	case npm:
		if _, err := exec.LookPath("npm"); err != nil {
			return nil, fmt.Errorf("%s: it is a package of npm, and there is no npm here", p.Name)
		}
		return []string{"npm", "pack", "--silent", p.Name + "@" + p.Version}, nil
	}
	download := []string{"download", "-q", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:", "-d", ".", p.Name + "==" + p.Version}
	for _, pip := range [][]string{{"pip3"}, {"pip"}, {"python3", "-m", "pip"}} {
		if exec.Command(pip[0], append(pip[1:], "--version")...).Run() == nil {
			return append(pip, download...), nil
		}
	}
	return nil, fmt.Errorf("%s: it is a package of Python, and there is no pip here", p.Name)
}

// CheckHash says whether the file has the SHA-256 that is wanted, in hexadecimal.
func CheckHash(path, want string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want {
		return fmt.Errorf("%s: its SHA-256 is %s, want %s", path, got, want)
	}
	return nil
}

// LastLine is the last line of a program's output that says something.
func LastLine(out []byte) string {
	end := len(out)
	for end > 0 && out[end-1] <= ' ' {
		end--
	}
	start := end
	for start > 0 && out[start-1] != '\n' {
		start--
	}
	return string(out[start:end])
}
