package chiasm

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chiasm/chiasm/hub"
	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/internal/whole"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
)

// cacheVariable is the environment's say about [Options.Cache].
const cacheVariable = "CHIASM_CACHE"

// cacheOff keeps nothing.
const cacheOff = "off"

// smallModel is the number of parameters below which a model is ready before its cache would be found.
const smallModel = 1 << 20

// cacheFolders lists where what is kept of the model at path may lie, best first: beside it, else in the user's folder for such things;
// or in the one that option names.
func cacheFolders(path, option string) (folders []string) {
	path, err := filepath.Abs(path)
	if err != nil || option == cacheOff {
		return nil
	}
	sum := sha256.Sum256([]byte(path))
	own := filepath.Base(path) + "-" + hex.EncodeToString(sum[:8])
	if option != "" {
		return []string{filepath.Join(option, own)}
	}
	beside := filepath.Join(path, ".chiasm")
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		beside = filepath.Join(filepath.Dir(path), ".chiasm", filepath.Base(path))
	}
	folders = []string{beside}
	if user, err := os.UserCacheDir(); err == nil {
		folders = append(folders, filepath.Join(user, "chiasm", own))
	}
	return folders
}

// A store keeps what was worked out of a model for its next start.
type store struct {
	folders []string    // where; none if nothing is kept
	source  string      // tells the model's files from others
	mode    fs.FileMode // of the weights: what is made of them is for the same eyes
	packed  *weights.Cache
}

// openStore finds the store of an opened model.
func (m *Model) openStore() {
	option := m.opts.Cache
	if option == "" {
		option = os.Getenv(cacheVariable)
	}
	if m.shipped != nil { // its weights are packed sooner than they would be found
		option = cacheOff
	}
	if option != "" || !m.small() {
		m.store.folders = cacheFolders(m.path, option)
	}
	sum := sha256.New()
	fmt.Fprintln(sum, m.kind, m.space.Revision)
	for _, name := range m.family.Files() {
		info, err := os.Stat(name)
		if err != nil { // somebody is at work there: nothing that is kept would fit
			m.store.folders = nil
			return
		}
		fmt.Fprintln(sum, filepath.Base(name), info.Size(), info.ModTime().UnixNano())
		m.store.mode = info.Mode().Perm()
	}
	m.store.source = hex.EncodeToString(sum.Sum(nil))
}

// small reports whether the model is opened and computed with so soon that there is nothing to gain.
func (m *Model) small() bool { return nn.Count(m.family.Params()) < smallModel }

// packedName is the file of the weights packed for the present tier and precision.
func (m *Model) packedName() string {
	return packedPrefix + kernel.Tier().String() + "-" + m.format.String() + ".bin"
}

const packedPrefix = "packed-"

// attach makes products look into the store before they pack a weight.
func (m *Model) attach() {
	for _, folder := range m.store.folders {
		m.store.packed = weights.OpenCache(filepath.Join(folder, m.packedName()), m.store.source)
		if m.store.packed.Len() > 0 {
			break
		}
	}
	if m.store.packed == nil {
		return
	}
	for name, t := range nn.Params(m.family.Params()) {
		m.store.packed.Attach(name, t)
	}
}

// save keeps what has been packed. Where it cannot be kept it will be packed again: that is no error.
func (m *Model) save() {
	if m.store.packed == nil {
		return
	}
	size := int64(0)
	for _, t := range nn.Params(m.family.Params()) {
		if image, fresh := t.Image(); fresh {
			size += int64(len(image))
		}
	}
	if size == 0 {
		return
	}
	for _, folder := range m.store.folders {
		if makeFolder(folder, size) != nil {
			continue
		}
		if m.store.packed.Save(filepath.Join(folder, m.packedName()), nn.Params(m.family.Params()), m.store.mode, m.opts.Workers) == nil {
			return
		}
	}
}

// folderNotes tell others what a store is: version control leaves it alone by the first, backups by the second.
var folderNotes = map[string]string{
	".gitignore":   "*\n",
	"CACHEDIR.TAG": "Signature: 8a477f597d28d172789f06886806bc55\n# chiasm keeps here what makes a model start faster. It may be deleted.\n",
}

// makeFolder makes a store's folder with room for size bytes and as many again.
func makeFolder(folder string, size int64) error {
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	if info, err := os.Lstat(folder); err != nil || !info.IsDir() { // a link in a downloaded model may lead anywhere
		return errors.Join(err, fs.ErrInvalid)
	}
	if room, ok := hub.FreeSpace(folder); ok && room < 2*size {
		return fmt.Errorf("chiasm: %s has room for %d bytes", folder, room)
	}
	for name, text := range folderNotes {
		f, err := os.OpenFile(filepath.Join(folder, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return err
		}
		_, err = f.WriteString(text)
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// keptIn lists the files of a store's folder that hold packed weights.
func keptIn(folder string) (kept []File) {
	entries, _ := os.ReadDir(folder) // what cannot be read is not there
	for _, e := range entries {
		if info, err := e.Info(); err == nil && strings.HasPrefix(e.Name(), packedPrefix) {
			kept = append(kept, File{filepath.Join(folder, e.Name()), info.Size()})
		}
	}
	return kept
}

// RemoveKept deletes what [Model.Close] has kept of the model at path for its next start, and returns the bytes freed.
func RemoveKept(path string) (freed int64, err error) {
	for _, folder := range slices.Concat(cacheFolders(path, ""), cacheFolders(path, os.Getenv(cacheVariable))) {
		size := int64(0)
		for _, f := range keptIn(folder) {
			size += f.Size
		}
		if err := os.RemoveAll(folder); err != nil {
			return freed, fmt.Errorf("chiasm: %w", err)
		}
		freed += size
	}
	return freed, nil
}

// chosenName is the file that tells which precision passed the gate on the present tier.
func chosenName() string { return "auto-" + kernel.Tier().String() }

// chosen is the precision that the gate let pass in an earlier run, under the same circumstances.
func (m *Model) chosen(circumstances string) (tensor.Format, bool) {
	for _, folder := range m.store.folders {
		path := filepath.Join(folder, chosenName())
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() || info.Size() > 1<<10 {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		before, name, _ := strings.Cut(strings.TrimSpace(string(data)), " ")
		if f, err := tensor.ParseFormat(name); err == nil && before == circumstances {
			return f, true
		}
	}
	return 0, false
}

// keepChosen remembers which precision passed the gate.
func (m *Model) keepChosen(circumstances string) {
	for _, folder := range m.store.folders {
		if makeFolder(folder, 1<<20) != nil {
			continue
		}
		f, err := whole.Create(filepath.Join(folder, chosenName()))
		if err != nil {
			continue
		}
		_, err = fmt.Fprintln(f, circumstances, m.format)
		if err == nil {
			err = f.Commit(m.store.mode | 0o600)
		}
		if err == nil {
			return
		}
		f.Abort()
	}
}
