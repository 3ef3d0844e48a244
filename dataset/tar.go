package dataset

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
)

// A shard is a tar file whose members belong together by name up to the first dot of the base name, as webdataset has it: a/7.jpg
// and a/7.zh.txt are of the item a/7. Nothing is ever extracted, so a name can't lead anywhere.
type shard struct {
	file     *file
	path     string
	fields   *fields
	examples []example
	endings  map[string]string // one copy of each
}

// An example is where an item's members lie.
type example struct {
	key     string
	members []member
}

type member struct {
	ending   string // all behind the first dot, in lower case: jpg, en.txt
	at, size int64
}

func openTar(path string, o *Options) (reader, error) {
	f, err := openFile(path, o)
	if err != nil {
		return nil, err
	}
	s := &shard{file: f, path: path, fields: newFields(o, path), endings: map[string]string{}}
	s.fields.beside = true
	err = s.index()
	switch {
	case f.cut != nil:
		err = &errCut{f.cut}
	case err != nil && len(s.examples) == 0:
		return nil, errors.Join(fmt.Errorf("tar: %w", err), f.Close())
	case err != nil:
		err = &errCut{fmt.Errorf("tar: behind %d items: %w", len(s.examples), err)}
	}
	return s, err
}

// index reads the headers and passes over what lies between.
func (s *shard) index() error {
	in := io.NewSectionReader(s.file, 0, s.file.size)
	r := tar.NewReader(in)
	for {
		h, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		at, _ := in.Seek(0, io.SeekCurrent) // tar reads whole blocks, and no more than the headers
		if h.Size > s.file.size-at {
			return fmt.Errorf("%s: expected %d bytes, got %d: %w", h.Name, h.Size, s.file.size-at, io.ErrUnexpectedEOF)
		}
		if h.Typeflag == tar.TypeReg && !sparse(h) {
			s.add(h.Name, at, h.Size)
		}
	}
}

// sparse members do not lie in the file as they are.
func sparse(h *tar.Header) bool {
	for name := range h.PAXRecords {
		if strings.HasPrefix(name, "GNU.sparse.") {
			return true
		}
	}
	return h.Typeflag == tar.TypeGNUSparse
}

// add gives a member to the item that is being read, or begins another.
func (s *shard) add(name string, at, size int64) {
	folder, base := path.Split(name)
	stem, ending, ok := strings.Cut(base, ".")
	if !ok || stem == "" || ending == "" {
		return // hidden, or without an ending
	}
	key := folder + stem
	if strings.HasPrefix(key, "__") && strings.HasSuffix(key, "__") {
		return // about the shard, not of it
	}
	ending = lower(ending)
	if known, ok := s.endings[ending]; ok {
		ending = known
	} else if len(s.endings) < 1<<12 {
		s.endings[ending] = ending
	}
	if n := len(s.examples); n == 0 || s.examples[n-1].key != key {
		s.examples = append(s.examples, example{key: key})
	}
	e := &s.examples[len(s.examples)-1]
	e.members = append(e.members, member{ending, at, size})
}

func (s *shard) Len() int     { return len(s.examples) }
func (s *shard) Close() error { return s.file.Close() }

func (s *shard) Item(i int) (*Item, error) {
	e := s.examples[i]
	it := &Item{Key: e.key}
	seen := map[string]bool{}
	for _, m := range e.members {
		err := error(nil)
		if seen[m.ending] {
			err = errors.New("a second member of this name")
		} else {
			err = s.member(it, m)
		}
		if err != nil {
			return it, fmt.Errorf("%s: %s.%s: %w", s.path, e.key, m.ending, err)
		}
		seen[m.ending] = true
	}
	s.fields.finish(it)
	it.Key = e.key // whatever a JSON member says
	return it, nil
}

// member gives an item what a member holds.
func (s *shard) member(it *Item, m member) error {
	k := kinds[extension("x."+m.ending)]
	if k == picture || k == sound || k == video {
		name := fmt.Sprintf("%s: %s.%s", s.path, it.Key, m.ending)
		if it.attach(k, &Media{name: name, in: s.file, at: m.at, size: m.size}) {
			return errors.New("a second medium of its kind")
		}
		return nil
	}
	if k == unknown {
		return nil
	}
	b, err := s.file.part(m.at, m.at+m.size)
	if err != nil {
		return err
	}
	spoken := strings.TrimSuffix(strings.TrimSuffix(m.ending, extension("x."+m.ending)), ".") // en of en.txt
	return s.fields.sidecar(it, k, spoken, b)
}

// sidecar gives an item what a small file beside its media holds: captions one a line, fields, or a class.
func (f *fields) sidecar(it *Item, k kind, spoken string, b []byte) error {
	switch k {
	case words:
		if !isTag(spoken) {
			spoken = ""
		}
		for line := range strings.Lines(string(b)) {
			it.say(strings.ReplaceAll(spoken, "_", "-"), strings.TrimPrefix(line, "\uFEFF"))
		}
	case object:
		return f.object(it, b)
	case class:
		return it.label(string(b))
	case classes:
		return it.manyHot(b)
	}
	return nil
}

// manyHot reads the numbers of an item's classes from an array of NumPy's, which is 1 where the item is of the class.
func (it *Item) manyHot(b []byte) error {
	values, err := parseNumPy(b)
	if err != nil {
		return err
	}
	for i, v := range values {
		switch v {
		case 0:
		case 1:
			it.Labels = append(it.Labels, i)
		default:
			return fmt.Errorf("expected 0 or 1 for class %d, got %s", i, strconv.FormatFloat(v, 'g', -1, 64))
		}
	}
	return nil
}
