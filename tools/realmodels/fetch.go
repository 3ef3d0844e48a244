package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// A pkg is a package in a pinned version.
type pkg struct {
	name, version string
	file          string // as its registry names it
	hash          string // SHA-256 of the file
	debian        bool   // from Debian rather than Python's index
}

func wheel(name, version, file, hash string) pkg { return pkg{name, version, file, hash, false} }

func deb(name, version, hash string) pkg {
	return pkg{name, version, name + "_" + version + "_all.deb", hash, true}
}

// fetch gives the path of the package's file in dir, downloading it unless it is there already.
func (k pkg) fetch(dir string) (string, error) {
	path := filepath.Join(dir, k.file)
	if checkHash(path, k.hash) == nil {
		return path, nil
	}
	os.Remove(path)
	command, err := k.command()
	if err != nil {
		return "", err
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", k.name, err, lastLine(out))
	}
	return path, checkHash(path, k.hash)
}

// command downloads the package into the working directory.
func (k pkg) command() ([]string, error) {
	if k.debian {
		if _, err := exec.LookPath("apt-get"); err != nil {
			return nil, fmt.Errorf("%s: it is a package of Debian, and there is no apt-get here", k.name)
		}
		return []string{"apt-get", "download", "-q", k.name + "=" + k.version}, nil
	}
	download := []string{"download", "-q", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:", "-d", ".", k.name + "==" + k.version}
	for _, pip := range [][]string{{"pip3"}, {"pip"}, {"python3", "-m", "pip"}} {
		if exec.Command(pip[0], append(pip[1:], "--version")...).Run() == nil {
			return append(pip, download...), nil
		}
	}
	return nil, fmt.Errorf("%s: it is a package of Python, and there is no pip here", k.name)
}

// lastLine is the last line of a program's output that says something.
func lastLine(out []byte) string {
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
