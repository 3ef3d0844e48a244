package tensor

import (
	"math"
	"unsafe"

	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/internal/par"
)

// Param makes a parameter that has a shape and no values yet; [Tensor.Store] gives it some.
func Param(shape ...int) *Tensor {
	t := &Tensor{param: &param{}}
	t.setShape("param", shape)
	return t
}

// Statistic makes a parameter that is measured rather than learnt: it is stored and loaded, but [NewGradients] leaves it out.
func Statistic(shape ...int) *Tensor {
	t := Param(shape...)
	t.param.statistic = true
	return t
}

// Store sets the values of a parameter: data holds them as d, little endian, row-major, and is kept, not copied. forget, if not
// nil, is called when data has been converted to the form that the kernels want and will hardly be read again: a mapped file can let
// its pages go. The caller sees to it that no pass is using t.
func (t *Tensor) Store(d DType, data []byte, forget func()) { t.StoreScaled(d, data, nil, forget) }

// StoreScaled is Store for values that are multiplied by a scale of their row, an index of the first dimension, to give those of the
// parameter: integers as a rule. scale is kept, not copied; nil multiplies nothing.
func (t *Tensor) StoreScaled(d DType, data []byte, scale []float32, forget func()) {
	check(t.param != nil, "store", "a parameter", t)
	check(scale == nil || t.rank > 0 && len(scale) == t.shape[0], "store", "a scale for every row", len(scale), " for ", t)
	check(len(data) == t.Len()*d.Size(), "store", "as many bytes as the shape holds", len(data), " bytes for ", d, t.shape[:t.rank])
	t.dtype, t.floats = d, nil
	t.param.raw, t.param.scale, t.param.forget, t.param.image, t.param.own = data, scale, forget, nil, false
	t.unpack()
}

// PackFrom makes products ask for a packed form that was kept, before they make one of the values: image returns what [Tensor.Image] was
// in a format, looked for by so many workers, or nil. It must stay as it is until t is released. Storing other values ends it. The
// caller sees to it that no pass is using t.
func (t *Tensor) PackFrom(image func(f Format, workers int) []byte) {
	check(t.param != nil, "pack from", "a parameter", t)
	t.param.image = image
}

// Image is the packed form of a parameter in its format, and whether it was made here rather than kept; nil if no product has asked for
// it yet.
func (t *Tensor) Image() (image []byte, fresh bool) {
	check(t.param != nil, "image", "a parameter", t)
	if w := t.param.packed.Load(); w != nil {
		return w.Image(), !w.Mapped()
	}
	return nil, false
}

// unpack frees the packed forms.
func (t *Tensor) unpack() {
	t.param.edition.Add(1)
	t.param.quant = [2]*quantBlock{}
	if old := t.param.packed.Swap(nil); old != nil {
		old.Release()
	}
}

// Format is how products store a weight, and with what they multiply it.
type Format = kernel.Format

// The formats of weights. The kernels' documentation says what each does to the other operand.
const (
	FormatF32  = kernel.F32
	FormatBF16 = kernel.BF16
	FormatW8   = kernel.W8 // int8 weights alone
	FormatI8   = kernel.I8 // int8 weights and activations
	// FormatF16 is for weights that are stored in half precision and meet few rows at a time: nothing is lost, half is read. No name
	// stands for it.
	FormatF16 = kernel.F16
)

// Native reports whether this machine multiplies weights in format f as fast as float32 or faster.
func Native(f Format) bool { return kernel.Native(f) }

// ParseFormat finds the format of that name: f32, bf16, w8 or int8.
func ParseFormat(name string) (Format, error) { return kernel.ParseFormat(name) }

// NativeFormats lists the formats that this machine multiplies fastest, best first; the last is always F32. W8, which only saves memory,
// is not among them.
func NativeFormats() []Format {
	var list []Format
	for _, f := range []Format{FormatI8, FormatBF16, FormatF32} {
		if kernel.Native(f) {
			list = append(list, f)
		}
	}
	return list
}

// SetFormat makes products read the parameter in format f from now on; other uses of it read what is stored, but for taps of a depthwise
// convolution: int8 has [Tensor.Bottleneck] compute in integers where it can. The caller sees to it
// that no pass is using t.
func (t *Tensor) SetFormat(f Format) {
	check(t.param != nil, "set format", "a parameter", t)
	if t.param.format != f {
		t.param.format = f
		t.unpack()
	}
}

// Format is the format in which products read a parameter.
func (t *Tensor) Format() Format {
	check(t.param != nil, "format", "a parameter", t)
	return t.param.format
}

// gradientFormat is the format of the products on the way back through a weight.
func (t *Tensor) gradientFormat() Format {
	if t.param.format == FormatBF16 {
		return FormatBF16
	}
	return FormatF32
}

// Release gives back the memory that was taken for the packed form. The caller sees to it that no pass is using t.
func (t *Tensor) Release() {
	if t.param != nil {
		t.unpack()
		t.param.raw, t.param.scale, t.param.image, t.floats, t.param.own = nil, nil, nil, nil, false
	}
}

// Stored reports whether a parameter has been given values.
func (t *Tensor) Stored() bool { return t.param == nil || t.param.raw != nil || t.Len() == 0 }

// RowScales is by what the stored values of each row are multiplied, nil for nothing.
func (t *Tensor) RowScales() []float32 {
	check(t.param != nil, "scale", "a parameter", t)
	return t.param.scale
}

// Bytes is the stored form of a parameter: row-major little-endian values of its dtype.
func (t *Tensor) Bytes() []byte {
	check(t.param != nil, "bytes", "a parameter", t)
	return t.param.raw
}

// Floats is the values as float32: those of a computed tensor itself, or of a parameter converted on first use.
// The slice must not be written to unless the caller owns the tensor.
func (t *Tensor) Floats() []float32 {
	if t.param == nil {
		return t.floats
	}
	t.param.mu.Lock()
	defer t.param.mu.Unlock()
	if t.floats == nil {
		check(t.Stored(), "floats", "a parameter with values", t)
		t.floats = make([]float32, t.Len())
		t.read(t.floats, 0)
	}
	return t.floats
}

// stored is the values of a parameter as float32, without a copy of those that are stored so.
func (t *Tensor) stored() []float32 {
	if v, ok := t.alias(0, t.Len()); ok {
		return v
	}
	return t.Floats()
}

// Own gives a parameter values of its own, float32, for the caller to change: what it stored is copied unless that has been done before.
// After a change the caller calls [Tensor.Changed]. The caller sees to it that no pass is using t meanwhile.
func (t *Tensor) Own() []float32 {
	check(t.param != nil, "own", "a parameter", t)
	if !t.param.own {
		v := make([]float32, t.Len())
		copy(v, t.Floats())
		t.Store(F32, EntryOf("", v, t.shape[:t.rank]...).Data, nil)
		t.floats, t.param.own = v, true
	}
	return t.floats
}

// Owned reports whether the values of a parameter are those of [Tensor.Own], which may change from pass to pass.
func (t *Tensor) Owned() bool { return t.param != nil && t.param.own }

// Changed tells a parameter that the values of [Tensor.Own] have changed: the next product packs them anew, in the memory that it has.
func (t *Tensor) Changed() {
	check(t.param != nil && t.param.own, "changed", "a parameter with values of its own", t)
	t.param.stale.Store(true)
}

// packed is the parameter [N, K] in the layout of the matrix kernels, made on first use.
func (t *Tensor) packed(p *Pass) *kernel.Packed {
	check(t.param != nil && t.rank >= 2, "linear", "a weight parameter [N, K]", t)
	if w := t.param.packed.Load(); w != nil && !t.param.stale.Load() {
		return w
	}
	t.param.mu.Lock()
	defer t.param.mu.Unlock()
	if w := t.param.packed.Load(); w != nil {
		if t.param.stale.Load() {
			p.tasks.pack = packTask{w: w, from: t}
			p.tasks.pack.run(p.workers)
			t.param.stale.Store(false)
		}
		return w
	}
	t.param.stale.Store(false)
	check(t.Stored(), "linear", "a weight with values", t)
	w := t.pack(p.workers)
	t.param.packed.Store(w)
	if t.param.forget != nil {
		t.param.forget()
	}
	return w
}

// pack takes the packed form that was kept, or makes it.
func (t *Tensor) pack(workers int) *kernel.Packed {
	n, f := t.shape[0], t.param.format
	k := t.Len() / max(n, 1)
	if t.param.image != nil {
		if image := t.param.image(f, workers); image != nil {
			if w, ok := kernel.MapPacked(n, k, f, image); ok {
				return w
			}
		}
	}
	task := &packTask{w: kernel.NewPacked(n, k, f), from: t}
	task.run(workers)
	return task.w
}

func (t *packTask) run(workers int) {
	t.step = t.w.RowBlock() * max(1, 65536/(t.w.RowBlock()*max(t.w.K, 1)))
	par.Do(t, (t.w.N+t.step-1)/t.step, workers)
}

// A packTask converts and packs blocks of rows of a weight.
type packTask struct {
	w    *kernel.Packed
	from *Tensor
	step int // rows a chunk
}

// Run packs chunk i.
func (t *packTask) Run(i int) {
	first := i * t.step
	rows := min(t.step, t.w.N-first)
	if v, ok := t.from.alias(first*t.w.K, rows*t.w.K); ok {
		t.w.SetRows(first, v)
		return
	}
	v := make([]float32, rows*t.w.K)
	t.from.read(v, first*t.w.K)
	t.w.SetRows(first, v)
}

// alias views n stored values of a parameter, from first on, as float32 if they are such, aligned.
func (t *Tensor) alias(first, n int) ([]float32, bool) {
	size := t.dtype.Size()
	raw := t.param.raw[first*size : (first+n)*size]
	if t.dtype != F32 || t.param.scale != nil || len(raw) == 0 || uintptr(unsafe.Pointer(unsafe.SliceData(raw)))%4 != 0 {
		return nil, false
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(raw))), len(raw)/4), true
}

// read fills dst with the values of a parameter from first on.
func (t *Tensor) read(dst []float32, first int) {
	size := t.dtype.Size()
	convert(dst, t.dtype, t.param.raw[first*size:(first+len(dst))*size])
	if t.param.scale == nil || len(dst) == 0 {
		return
	}
	for width := t.Len() / t.shape[0]; len(dst) > 0; {
		n := min(width-first%width, len(dst))
		kernel.Scale(dst[:n], dst[:n], t.param.scale[first/width])
		dst, first = dst[n:], first+n
	}
}

// convert fills dst with the values that raw stores as d.
func convert(dst []float32, d DType, raw []byte) {
	switch d {
	case F32:
		kernel.FromF32(dst, raw)
	case F16:
		kernel.FromF16(dst, raw)
	case BF16:
		kernel.FromBF16(dst, raw)
	case F64:
		kernel.FromF64(dst, raw)
	case U8, Bool:
		kernel.FromUint8(dst, raw)
	default:
		kernel.FromInt(dst, raw, d.Size())
	}
}

// NonFinite finds the first value of a parameter that is NaN or infinite. It is for explaining a bad result, not for every load.
func (t *Tensor) NonFinite() (index int, value float32, found bool) {
	const block = 4096
	var buf [block]float32
	for first := 0; first < t.Len(); first += block {
		v := buf[:min(block, t.Len()-first)]
		t.read(v, first)
		for i, x := range v {
			if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
				return first + i, x, true
			}
		}
	}
	return 0, 0, false
}
