package weights

import (
	"archive/zip"
	"bytes"
	"fmt"
	"path"
	"strings"

	"github.com/chiasm/chiasm/internal/decode"
	"github.com/chiasm/chiasm/tensor"
)

// A storage is a run of values that tensors view.
type storage struct {
	dtype tensor.DType
	key   string
	bytes int64  // as the pickle states
	data  []byte // nil until it is known, in old files
}

var storageTypes = map[string]tensor.DType{
	"FloatStorage": tensor.F32, "DoubleStorage": tensor.F64, "HalfStorage": tensor.F16, "BFloat16Storage": tensor.BF16, "CharStorage": tensor.I8,
	"ByteStorage": tensor.U8, "ShortStorage": tensor.I16, "IntStorage": tensor.I32, "LongStorage": tensor.I64, "BoolStorage": tensor.Bool,
	"UntypedStorage": tensor.U8, // bytes, whose type the tensor states
}

func isZip(data []byte) bool { return bytes.HasPrefix(data, []byte("PK\x03\x04")) }

// legacyMagic is the pickle of the number 0x1950a86a20f9469cfc6c that old files begin with.
var legacyMagic = []byte("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.")

// isLegacyTorch looks for the number behind the protocol and, in later protocols, the frame.
func isLegacyTorch(data []byte) bool {
	return len(data) > 2 && data[0] == 0x80 && bytes.Contains(data[:min(len(data), 32)], legacyMagic)
}

// A torchFile is what reading either format needs.
type torchFile struct {
	size     int64 // of the file, in bytes
	storages map[string]*storage
	load     func(key string) ([]byte, error) // the data of a storage; nil where they come later
	objects  int
}

// readTorchZip reads the format of torch since 1.6, and TorchScript archives: a zip file whose members are stored uncompressed.
func readTorchZip(data []byte) ([]tensor.Entry, error) {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("torch: %w (a file that is cut off has no directory)", err)
	}
	members := map[string]*zip.File{}
	root := ""
	for _, f := range z.File {
		if members[f.Name] != nil {
			return nil, fmt.Errorf("torch: %q appears twice in the archive", f.Name)
		}
		members[f.Name] = f
		if path.Base(f.Name) == "data.pkl" && strings.Count(f.Name, "/") == 1 {
			root = path.Dir(f.Name) + "/"
		}
	}
	member := func(name string) ([]byte, error) {
		f := members[root+name]
		if f == nil {
			return nil, fmt.Errorf("torch: the archive has no %s", root+name)
		}
		at, err := f.DataOffset()
		if err != nil {
			return nil, fmt.Errorf("torch: %s: %w", f.Name, err)
		}
		n := int64(f.UncompressedSize64)
		if f.Method != zip.Store || n < 0 || at < 0 || at > int64(len(data)) || n > int64(len(data))-at {
			return nil, fmt.Errorf("torch: %s: expected %d bytes stored uncompressed inside the file", f.Name, n)
		}
		return data[at : at+n : at+n], nil
	}
	pickle, err := member("data.pkl")
	if err != nil {
		return nil, err
	}
	if order, err := member("byteorder"); err == nil && string(order) != "little" {
		return nil, fmt.Errorf("torch: expected little-endian values, got %q", fmt.Sprintf("%.10s", order))
	}
	t := &torchFile{size: int64(len(data)), storages: map[string]*storage{}, load: func(key string) ([]byte, error) { return member("data/" + key) }}
	value, err := t.unpickle(decode.NewReader(pickle))
	if err != nil {
		return nil, fmt.Errorf("torch: data.pkl: %w", err)
	}
	return t.entries(value)
}

// readTorchLegacy reads the format of torch before 1.6: pickles of a magic number, a version, the system, the tensors and the storages'
// keys, then each storage as its length and its values.
func readTorchLegacy(data []byte) ([]tensor.Entry, error) {
	r := decode.NewReader(data)
	t := &torchFile{size: int64(len(data)), storages: map[string]*storage{}}
	var values [5]any
	for i := range values {
		v, err := t.unpickle(r)
		if err != nil {
			return nil, fmt.Errorf("torch: pickle %d: %w", i, err)
		}
		values[i] = v
	}
	if values[1] != int64(1001) {
		return nil, fmt.Errorf("torch: expected version 1001 of the old format, got %v", values[1])
	}
	if system, ok := values[2].(*dict); ok && system.values["little_endian"] == false {
		return nil, fmt.Errorf("torch: expected little-endian values")
	}
	keys, ok := values[4].(*list)
	if !ok {
		return nil, fmt.Errorf("torch: expected a list of storages")
	}
	for _, k := range keys.items {
		key, _ := k.(string)
		s := t.storages[key]
		if s == nil {
			return nil, fmt.Errorf("torch: storage %q belongs to no tensor", key)
		}
		// The number of values; of bytes, for those of no type.
		if n := r.U64(); r.Err() == nil && n != uint64(s.bytes/int64(s.dtype.Size())) {
			r.Fail("expected %d values as the tensors say, got %d", s.bytes/int64(s.dtype.Size()), n)
		}
		if s.bytes > int64(r.Len()) {
			r.Fail("expected %d more bytes, got %d: cut off", s.bytes, r.Len())
		}
		s.data = r.Bytes(int(s.bytes))
		if err := r.Err(); err != nil {
			return nil, fmt.Errorf("torch: storage %q: %w", key, err)
		}
	}
	return t.entries(values[3])
}

func (t *torchFile) unpickle(r *decode.Reader) (any, error) {
	u := &unpickler{r: r, persistent: t.persistent, reduce: t.reduce}
	return u.run()
}

// persistent finds the storage that a tuple ("storage", type, key, device, length, …) names.
func (t *torchFile) persistent(id any) (any, error) {
	p, _ := id.(tuple)
	if len(p) < 5 || p[0] != "storage" {
		return nil, fmt.Errorf("expected the id of a storage, got %.60v", id)
	}
	class, _ := p[1].(global)
	key, _ := p[2].(string)
	n, _ := p[4].(int64)
	dtype, ok := storageTypes[class.name]
	if !ok || class.module != "torch" && class.module != "torch.storage" {
		return nil, fmt.Errorf("storage %q: %s.%s is not a type that chiasm reads", key, class.module, class.name)
	}
	if len(p) > 5 && p[5] != nil {
		return nil, fmt.Errorf("storage %q: views of storages are not supported", key)
	}
	if s := t.storages[key]; s != nil {
		if s.dtype != dtype {
			return nil, fmt.Errorf("storage %q: expected %v, got %v", key, s.dtype, dtype)
		}
		return s, nil
	}
	if n < 0 || n > t.size/int64(dtype.Size()) {
		return nil, fmt.Errorf("storage %q: expected %v values inside a file of %d bytes, got %d of them", key, dtype, t.size, n)
	}
	s := &storage{dtype: dtype, key: key, bytes: n * int64(dtype.Size())}
	if t.load != nil {
		data, err := t.load(key)
		if err != nil {
			return nil, err
		}
		if int64(len(data)) != s.bytes {
			return nil, fmt.Errorf("storage %q: expected %d bytes, got %d", key, s.bytes, len(data))
		}
		s.data = data
	}
	t.storages[key] = s
	return s, nil
}

// reduce makes what the few known functions make. Classes of TorchScript's are kept as bags of attributes; anything else is refused.
func (t *torchFile) reduce(f global, args tuple) (any, error) {
	switch f {
	case global{"torch._utils", "_rebuild_tensor_v2"}, global{"torch._utils", "_rebuild_tensor"}:
		return rebuild(args)
	case global{"torch._utils", "_rebuild_tensor_v3"}:
		return rebuildTyped(args)
	case global{"torch._utils", "_rebuild_parameter"}, global{"torch._utils", "_rebuild_parameter_with_state"}:
		if len(args) > 0 {
			if v, ok := args[0].(*view); ok {
				return v, nil
			}
		}
		return nil, fmt.Errorf("%s: expected a tensor", f.name)
	case global{"collections", "OrderedDict"}:
		d := &dict{}
		if len(args) > 0 {
			l, _ := args[0].(*list)
			for i := 0; l != nil && i < len(l.items); i++ {
				if pair, _ := l.items[i].(tuple); len(pair) == 2 {
					d.set(pair[0], pair[1])
				} else if pair, _ := l.items[i].(*list); pair != nil && len(pair.items) == 2 {
					d.set(pair.items[0], pair.items[1])
				}
			}
		}
		return d, nil
	case global{"torch", "Size"}, global{"torch", "device"}, global{"torch.jit._pickle", "build_intlist"}, global{"torch.jit._pickle", "build_doublelist"},
		global{"torch.jit._pickle", "build_boollist"}, global{"torch.jit._pickle", "build_tensorlist"}, global{"torch.jit._pickle", "restore_type_tag"}:
		if len(args) > 0 {
			return args[0], nil
		}
		return nil, nil
	}
	if strings.HasPrefix(f.module, "__torch__") || f.module == "__torch__" {
		return &object{class: f}, nil
	}
	return nil, fmt.Errorf("%s.%s is not a tensor or a container: chiasm never runs what a file asks for", f.module, f.name)
}

// entries are all tensors below a pickle's value, named by the keys on the way to them. A state dict inside another dict is taken out.
func (t *torchFile) entries(root any) ([]tensor.Entry, error) {
	for _, key := range []string{"state_dict", "model", "model_state_dict"} {
		if d, ok := root.(*dict); ok {
			if inner, ok := d.values[key].(*dict); ok {
				root = inner
			}
		}
	}
	var out []tensor.Entry
	room := 2*t.size + 1<<20 // for values that must be copied, of which a file may name the same ones many times
	err := t.collect(root, "", 0, func(name string, v *view) error {
		e, err := v.entry(name, &room)
		if err != nil {
			return err
		}
		if len(out) > maxTensors {
			return fmt.Errorf("torch: expected at most %d tensors", maxTensors)
		}
		out = append(out, e)
		return nil
	})
	if err == nil && len(out) == 0 {
		return nil, fmt.Errorf("torch: the file holds no named tensors")
	}
	return out, err
}

const (
	maxTensors = 1 << 20
	maxDepth   = 64
	maxObjects = 1 << 22
	maxName    = 1 << 12
)

// collect walks dicts and TorchScript objects. A pickle may refer to itself, so depth and count are bounded.
func (t *torchFile) collect(v any, name string, depth int, found func(string, *view) error) error {
	if t.objects++; depth > maxDepth || t.objects > maxObjects {
		return fmt.Errorf("torch: %.100s: the containers are nested too deeply or refer to themselves", name)
	}
	switch v := v.(type) {
	case *view:
		if name == "" {
			return nil
		}
		return found(name, v)
	case *dict:
		for _, k := range v.keys {
			key := k
			if name != "" {
				key = name + "." + k
			}
			if len(key) > maxName {
				return fmt.Errorf("torch: %.100s…: expected names of at most %d bytes", key, maxName)
			}
			if err := t.collect(v.values[k], key, depth+1, found); err != nil {
				return err
			}
		}
	case *object:
		return t.collect(v.state, name, depth+1, found)
	}
	return nil
}
