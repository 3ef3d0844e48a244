package fetch

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Unpack fetches the package into dir and lays its files out in a folder of dir, which it returns. What is laid out already stays as it is.
func (p Package) Unpack(dir string) (string, error) {
	to := filepath.Join(dir, strings.TrimSuffix(strings.ReplaceAll(p.file, "%3a", "-"), filepath.Ext(p.file)))
	if _, err := os.Stat(to); err == nil {
		return to, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	archive, err := p.Fetch(dir)
	if err != nil {
		return "", err
	}
	temp, err := os.MkdirTemp(dir, ".unpack-*")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(temp)
	switch p.from {
	case debian:
		err = UnpackDeb(archive, temp)
	case npm:
		err = untar(archive, temp)
	default:
		err = Unzip(archive, temp, func(member string) string { return member })
	}
	if err != nil {
		return "", err
	}
	if err := os.Chmod(temp, 0o755); err != nil {
		return "", err
	}
	return to, os.Rename(temp, to)
}

// UnpackDeb lays out the files of a package of Debian in dir; nothing of it is installed or run.
func UnpackDeb(archive, dir string) error {
	if out, err := exec.Command("dpkg-deb", "-x", archive, dir).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(archive), err, LastLine(out))
	}
	return nil
}

// Unzip writes the members of an archive for which name gives a place in dir.
func Unzip(archive, dir string, name func(member string) string) error {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer z.Close()
	for _, member := range z.File {
		to := name(member.Name)
		if to == "" || strings.HasSuffix(to, "/") || !filepath.IsLocal(to) {
			continue
		}
		r, err := member.Open()
		if err != nil {
			return err
		}
		err = write(filepath.Join(dir, to), r)
		r.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// untar writes the files of a gzipped tar archive to dir.
func untar(archive, dir string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(archive), err)
	}
	for members := tar.NewReader(z); ; {
		member, err := members.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(archive), err)
		}
		if member.Typeflag != tar.TypeReg || !filepath.IsLocal(member.Name) {
			continue
		}
		if err := write(filepath.Join(dir, member.Name), members); err != nil {
			return err
		}
	}
}

func write(to string, r io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}
