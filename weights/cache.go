package weights

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/chiasm/chiasm/internal/cpu"
	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/tensor"
	"github.com/edsrzf/mmap-go"
	"github.com/gofrs/flock"
)

// A Cache is a file of weights in the form that the kernels read, packed once and mapped from then on. It is never believed: what does
// not come from the same model, the same stored values and the same kernels, or has another checksum, counts as not there.
type Cache struct {
	source string
	file   mmap.MMap // nil if there is none
	images map[string]image

	mu         sync.Mutex
	signatures map[kernelKey]uint32

	written, target string // what Save wrote and where Close puts it
	lock            *flock.Flock
}

// A kernelKey is what a signature depends on in a process.
type kernelKey struct {
	tier   cpu.Tier
	format tensor.Format
}

// OpenCache maps the cache at path. source stands for the files that the weights were read from: a cache of another is empty, as is one
// that is missing or damaged.
func OpenCache(path, source string) *Cache {
	c := &Cache{source: source, signatures: map[kernelKey]uint32{}}
	c.file, c.images = mapCache(path, source)
	return c
}

// mapCache maps a cache and reads its index.
func mapCache(path, source string) (mmap.MMap, map[string]image) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil
	}
	defer f.Close()
	data, err := mmap.Map(f, mmap.RDONLY, 0)
	if err != nil {
		return nil, nil
	}
	images, err := parseCache(data, source)
	if err != nil {
		_ = data.Unmap() // it fails only for what is not a mapping
		return nil, nil
	}
	return data, images
}

// Len is the number of weights in the cache.
func (c *Cache) Len() int { return len(c.images) }

// Attach makes the products of a parameter look into the cache, in which it goes by that name, before they pack it.
func (c *Cache) Attach(name string, t *tensor.Tensor) {
	t.PackFrom(func(f tensor.Format, workers int) []byte {
		e, ok := c.images[name]
		if !ok || e.signature != c.signature(f) || e.values != sample(t) {
			return nil
		}
		data := c.file[e.offset:][:e.size:e.size]
		if checksum(data, workers) != e.sum {
			return nil
		}
		return data
	})
}

// signature is the kernels' for a format.
func (c *Cache) signature(f tensor.Format) uint32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := kernelKey{kernel.Tier(), f}
	s, ok := c.signatures[key]
	if !ok {
		s = kernel.Signature(f)
		c.signatures[key] = s
	}
	return s
}

// Save writes a cache of the parameters that have been packed since the cache was opened, together with what a cache at path holds
// besides. [Cache.Close] puts it there; until then the old one stays. If another process is writing a cache in that folder, nothing is
// written. No pass may be using the parameters.
func (c *Cache) Save(path string, params iter.Seq2[string, *tensor.Tensor], mode fs.FileMode, workers int) (err error) {
	dir := filepath.Dir(path)
	lock := flock.New(filepath.Join(dir, "lock"))
	if ok, err := lock.TryLock(); err != nil || !ok {
		return errors.Join(err, lock.Close())
	}
	defer func() {
		if err != nil || c.lock == nil {
			err = errors.Join(err, lock.Close())
		}
	}()
	left, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range left { // by writers that were killed
		if strings.HasSuffix(e.Name(), ".tmp") {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	old, kept := mapCache(path, c.source) // another process may have added to it
	if old != nil {
		defer old.Unmap()
	}
	var w cacheWriter
	any := false
	for name, t := range params {
		if image, fresh := t.Image(); fresh {
			any = true
			w.add(name, image, c.signature(t.Format()), sample(t), checksum(image, workers))
		} else if e, ok := kept[name]; ok && e.signature == c.signature(t.Format()) && e.values == sample(t) {
			w.add(name, old[e.offset:][:e.size], e.signature, e.values, e.sum)
		}
	}
	if !any {
		return nil
	}
	f, err := os.CreateTemp(dir, filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	if err := errors.Join(w.write(f, c.source), f.Chmod(mode|0o600), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("weights: cache: %w", err), os.Remove(f.Name()))
	}
	c.written, c.target, c.lock = f.Name(), path, lock
	return nil
}

// Close unmaps the file and puts what Save has written in its place. The attached parameters must have been released.
func (c *Cache) Close() (err error) {
	if c.file != nil {
		err = c.file.Unmap()
	}
	c.file, c.images = nil, nil
	if c.lock == nil {
		return err
	}
	if moved := os.Rename(c.written, c.target); moved != nil {
		err = errors.Join(err, moved, os.Remove(c.written))
	}
	err = errors.Join(err, c.lock.Close())
	c.lock = nil
	return err
}
