package index

import (
	"io"
	"os"
	"path/filepath"
)

// An FS is the part of a file system that an index writes through. Tests put one that fails in its place.
type FS interface {
	// OpenFile is [os.OpenFile].
	OpenFile(name string, flag int, perm os.FileMode) (File, error)
	// Rename is [os.Rename].
	Rename(from, to string) error
	// Remove is [os.Remove].
	Remove(name string) error
	// SyncDir makes names of a folder durable.
	SyncDir(name string) error
}

// A File is what an index writes to.
type File interface {
	io.Writer
	Sync() error
	Truncate(size int64) error
	Close() error
}

// Disk is the operating system's file system.
var Disk FS = disk{}

type disk struct{}

func (disk) OpenFile(name string, flag int, perm os.FileMode) (File, error) {
	f, err := os.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err // a nil *os.File must not become a File
	}
	return f, nil
}
func (disk) Rename(from, to string) error { return os.Rename(from, to) }
func (disk) Remove(name string) error     { return os.Remove(name) }
func (disk) SyncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	err = d.Sync()
	if closing := d.Close(); err == nil {
		err = closing
	}
	return err
}

// replace writes a file so that it is there whole or not at all.
func replace(fs FS, path string, data []byte) error {
	temporary := path + ".new"
	f, err := fs.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = fs.Rename(temporary, path)
	}
	if err == nil {
		err = fs.SyncDir(filepath.Dir(path))
	}
	if err != nil {
		_ = fs.Remove(temporary) // what is left of it harms nobody
	}
	return err
}
