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
	len   int64  // values, as the pickle states
	data  []byte // nil until it is known, in old files
}

// A view is a tensor in a pickle.
type view struct {
	storage        *storage
	offset         int64 // values
	shape, strides []int64
}

var storageTypes = map[string]tensor.DType{
	"FloatStorage": tensor.F32, "DoubleStorage": tensor.F64, "HalfStorage": tensor.F16, "BFloat16Storage": tensor.BF16, "CharStorage": tensor.I8,
	"ByteStorage": tensor.U8, "ShortStorage": tensor.I16, "IntStorage": tensor.I32, "LongStorage": tensor.I64, "BoolStorage": tensor.Bool,
}

func isZip(data []byte) bool { return bytes.HasPrefix(data, []byte("PK\x03\x04")) }

// legacyMagic is the pickle of the number 0x1950a86a20f9469cfc6c that old files begin with.
var legacyMagic = []byte("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.")

func isLegacyTorch(data []byte) bool {
	return len(data) > 2 && data[0] == 0x80 && bytes.HasPrefix(data[2:], legacyMagic)
}

// A torchFile is what reading either format needs.
type torchFile struct {
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
	t := &torchFile{storages: map[string]*storage{}, load: func(key string) ([]byte, error) { return member("data/" + key) }}
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
	t := &torchFile{storages: map[string]*storage{}}
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
		n := int64(r.U64())
		if r.Err() == nil && (n < 0 || n > int64(r.Len()/s.dtype.Size())) {
			r.Fail("storage %q: expected at most %d values, got %d", key, r.Len()/s.dtype.Size(), n)
		}
		s.data = r.Bytes(int(n) * s.dtype.Size())
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
	if !ok || class.module != "torch" {
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
	s := &storage{dtype: dtype, key: key, len: n}
	if t.load != nil {
		data, err := t.load(key)
		if err != nil {
			return nil, err
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
	case global{"torch._utils", "_rebuild_parameter"}, global{"torch._utils", "_rebuild_parameter_with_state"}:
		if len(args) > 0 {
			if v, ok := args[0].(*view); ok {
				return v, nil
			}
		}
		return nil, fmt.Errorf("%s: expected a tensor", f.name)
	case global{"collections", "OrderedDict"}:
		d := newDict()
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

// rebuild makes a tensor of (storage, offset, shape, strides, …).
func rebuild(args tuple) (any, error) {
	if len(args) < 4 {
		return nil, fmt.Errorf("tensor: expected a storage, an offset, a shape and strides")
	}
	s, ok := args[0].(*storage)
	offset, ok2 := args[1].(int64)
	shape, ok3 := ints(args[2])
	strides, ok4 := ints(args[3])
	if !ok || !ok2 || !ok3 || !ok4 || len(shape) != len(strides) || offset < 0 {
		return nil, fmt.Errorf("tensor: expected a storage, an offset, a shape and strides, got %.80v", args[1:])
	}
	return &view{s, offset, shape, strides}, nil
}

func ints(v any) ([]int64, bool) {
	var items []any
	switch v := v.(type) {
	case tuple:
		items = v
	case *list:
		items = v.items
	default:
		return nil, false
	}
	out := make([]int64, len(items))
	for i := range items {
		n, ok := items[i].(int64)
		if !ok {
			return nil, false
		}
		out[i] = n
	}
	return out, true
}

// entry checks a tensor against its storage and gives its values, copied only if they do not lie in order.
func (v *view) entry(name string) (tensor.Entry, error) {
	d := v.storage.dtype
	n, shape, err := size(v.shape, d)
	if err != nil {
		return tensor.Entry{}, fmt.Errorf("torch: tensor %q: %w", name, err)
	}
	e := tensor.Entry{Name: name, DType: d, Shape: shape}
	if n == 0 {
		return e, nil
	}
	values := int64(len(v.storage.data) / d.Size())
	last, inOrder, step := v.offset, true, int64(1)
	for i := len(shape) - 1; i >= 0; i-- {
		extent, stride := v.shape[i]-1, v.strides[i]
		if stride < 0 || (extent > 0 && stride > values) {
			last = values
			break
		}
		if extent > 0 {
			inOrder = inOrder && stride == step
			if extent > values || extent*stride > values {
				last = values
				break
			}
			last += extent * stride
		}
		step *= v.shape[i]
	}
	if last >= values {
		return tensor.Entry{}, fmt.Errorf("torch: tensor %q: expected its values inside storage %q of %d values, got shape %v, strides %v at %d",
			name, v.storage.key, values, v.shape, v.strides, v.offset)
	}
	w := int64(d.Size())
	if inOrder {
		e.Data = v.storage.data[v.offset*w:][:n:n]
		return e, nil
	}
	if n > 2*int64(len(v.storage.data)) { // strides of zero may repeat values without end
		return tensor.Entry{}, fmt.Errorf("torch: tensor %q: a broadcast of %d values to %v is not supported", name, values, v.shape)
	}
	e.Data = v.gather(make([]byte, 0, n), v.offset, 0)
	return e, nil
}

// gather appends the values of dimension dim on from storage position at.
func (v *view) gather(out []byte, at int64, dim int) []byte {
	if dim == len(v.shape) {
		w := int64(v.storage.dtype.Size())
		return append(out, v.storage.data[at*w:(at+1)*w]...)
	}
	for i := range v.shape[dim] {
		out = v.gather(out, at+i*v.strides[dim], dim+1)
	}
	return out
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
	var total int64
	err := t.collect(root, "", 0, func(name string, v *view) error {
		e, err := v.entry(name)
		if err != nil {
			return err
		}
		if len(out) > maxTensors {
			return fmt.Errorf("torch: expected at most %d tensors", maxTensors)
		}
		total += int64(len(e.Data))
		if total > 16*t.bytes()+1<<20 {
			return fmt.Errorf("torch: the tensors are far larger than the file")
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
)

func (t *torchFile) bytes() (n int64) {
	for _, s := range t.storages {
		n += int64(len(s.data))
	}
	return n
}

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
			if err := t.collect(v.values[k], key, depth+1, found); err != nil {
				return err
			}
		}
	case *object:
		return t.collect(v.state, name, depth+1, found)
	}
	return nil
}
