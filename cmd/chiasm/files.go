package main

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
)

// files gives the files that arguments name: files, folders with all below them that are what is wanted, patterns, and "-" for stdin. Folders
// are read as they are reached. What cannot be found comes with an error.
func files(args []string, what string, is func(path string) bool) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, arg := range args {
			if !filesOf(arg, what, is, yield) {
				return
			}
		}
	}
}

// filesOf gives the files of one argument, and false if no more are wanted.
func filesOf(arg, what string, is func(path string) bool, yield func(string, error) bool) bool {
	if arg == "-" {
		return yield(arg, nil)
	}
	info, err := os.Stat(arg)
	switch {
	case err == nil && info.IsDir():
		return walk(arg, what, is, yield)
	case errors.Is(err, fs.ErrNotExist) && strings.ContainsAny(arg, "*?["):
		names, globErr := filepath.Glob(arg)
		if globErr != nil {
			err = fmt.Errorf("%s: %w", arg, globErr)
		}
		for _, name := range names {
			if !filesOf(escaped(name), what, is, yield) {
				return false
			}
		}
		if len(names) > 0 {
			return true
		}
	}
	return yield(arg, err)
}

// escaped keeps the name of a file from being read as stdin.
func escaped(name string) string {
	if name == "-" {
		return "./-"
	}
	return name
}

// walk gives what is wanted in a folder and below, in the order of the names. Hidden files and folders are passed by.
func walk(dir, what string, is func(path string) bool, yield func(string, error) bool) bool {
	found, stopped := false, false
	give := func(path string, err error) error {
		if found = true; !yield(path, err) {
			stopped = true
			return filepath.SkipAll
		}
		return nil
	}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		hidden := path != dir && strings.HasPrefix(entry.Name(), ".")
		switch {
		case err != nil:
			return give(path, err)
		case hidden && entry.IsDir():
			return filepath.SkipDir
		case hidden || entry.IsDir() || !is(path):
			return nil
		}
		return give(path, nil)
	})
	if stopped {
		return false
	}
	if err == nil && !found {
		err = fmt.Errorf("%s: no %s in this folder", dir, what)
	}
	return err == nil || yield(dir, err)
}
