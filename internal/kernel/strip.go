//go:build (amd64 || arm64) && !purego

package kernel

import (
	"math"
	"unsafe"

	"github.com/chiasm/chiasm/internal/cpu"
)

// A strip is some query rows of a head, as many as the registers have room for, and a block of its keys: what the kernels of attention
// read and write. Distances are in bytes. The generator knows the offsets of the fields.
//
// Each processor has its kernels: scores, weigh, values, packKeys and packValues, and says how wide a panel and how tall a strip is.
type strip struct {
	rows    int
	q       unsafe.Pointer // rows of queries
	ldq     uintptr
	d       int            // values of a query
	keys    unsafe.Pointer // panels of keys, [panels, d, width]
	n       int            // keys of the block that the last row sees, not 0
	scores  unsafe.Pointer // [rows, lds], later the weights
	lds     uintptr
	seen    int            // how many keys of the block the first row sees; may be below 0 and above n
	step    int            // how many more each further row sees
	state   unsafe.Pointer // of each row from one block to the next: the largest score, the sum of the weights,
	scale   float32        // by what the sums before are to be multiplied, and 1/sum. Scores are multiplied by scale.
	_       float32
	values  unsafe.Pointer // rows of values
	ldv     uintptr
	panels  int            // how many panels wide they are
	from    unsafe.Pointer // the sums over the blocks before, or nil
	ldf     uintptr
	out     unsafe.Pointer
	ldo     uintptr
	inverse int // not 0: out is divided by the sums of the weights
}

const (
	// keyBlock is how many keys are scored before their values are added up: the scores of a strip stay in the first cache. Where
	// blocks begin does not depend on how many keys there are, so that a causal row does not feel those after it.
	keyBlock   = 320
	together   = 8        // strips that meet a block of keys before the next one comes
	fewQueries = 12       // so many query rows read values where they lie: copying them first would cost more than it saves
	nearby     = 80 << 10 // values that lie within so many of each other are in about as many pages as a processor keeps at hand
)

// A flash computes the attention of one head without ever holding all scores: the sums of a row are rescaled when a block of keys
// brings a larger score.
type flash struct {
	*Attention
	headSpan
	strip         strip
	width, height int       // columns of a panel, rows of a strip
	n             int       // keys that the last row sees
	wide          int       // D filled up to whole panels
	keys          []float32 // [panels, D, width]
	values        []float32 // rows, ldv apart
	kept          struct {  // in place of the latter two
		keys, values []byte
		size         int // bytes of a number
	}
	mask   []float32
	sums   []float32 // [together·height, wide]
	state  []float32 // [together·height, 4]
	scores []float32
	biases []float32 // as many as scores
}

// head computes what h spans.
func (a *Attention) head(h headSpan) {
	skip := (h.first(h.from) - h.k0) / keyBlock * keyBlock // blocks that no query sees
	if h.k0 += skip; h.bias != nil {
		h.bias = h.bias[skip:]
	}
	f := flash{Attention: a, headSpan: h, n: h.visible(h.to-1) - h.k0}
	if f.n == 0 {
		f.clear(h.from, h.to)
		return
	}
	f.width, f.height = stripSize(a.tier)
	whole := func(n int) int { return (n + f.width - 1) / f.width * f.width }
	group, lds := together*f.height, min(keyBlock, whole(f.n))
	f.wide = whole(a.D)
	keys, values, mask, biases := whole(f.n)*a.D, f.n*f.wide, 0, 0
	if a.Kept != nil {
		keys, values = 0, 0
	} else if f.inPlace() {
		values = 0
	}
	if a.Mask != nil {
		mask = whole(f.n)
	}
	if a.Bias != nil {
		biases = f.height * lds
	}
	s := takeScratch(keys + values + mask + group*(f.wide+4) + f.height*lds + biases)
	defer s.release()
	rest := s.floats
	take := func(n int) (part []float32) {
		part, rest = rest[:n], rest[n:]
		return part
	}
	f.keys, f.values, f.mask = take(keys), take(values), take(mask)
	f.sums, f.state, f.scores = take(group*f.wide), take(group*4), take(f.height*lds)
	f.biases = take(biases)
	f.strip = strip{
		ldq: 4 * uintptr(a.LDQ), d: a.D, scores: pointer(f.scores), lds: 4 * uintptr(lds), scale: a.Scale * math.Log2E,
		panels: f.wide / f.width, ldf: 4 * uintptr(f.wide),
	}
	f.pack()
	f.run()
}

// inPlace reports whether values are read where they lie. Rows that do not fill their panels are, if the values that follow them, whose
// sums are left out, belong to the slice.
func (f *flash) inPlace() bool {
	if f.wide == f.D {
		return f.to-f.from <= fewQueries
	}
	return f.n*f.LDV <= nearby && (f.k0+f.n-1)*f.LDV+f.khead*f.D+f.wide <= len(f.V)
}

// pack lays out the keys, the values and the mask of the head.
func (f *flash) pack() {
	f.strip.ldv = 4 * uintptr(f.wide)
	if f.Kept != nil {
		f.kept.size = f.Kept.size()
		keys, values := f.Kept.head(f.slot, f.khead)
		f.kept.keys, f.kept.values = keys[f.k0*f.D*f.kept.size:], values[f.k0*f.width*f.kept.size:]
		f.strip.ldv = uintptr(f.width * f.kept.size)
		return
	}
	packHead(f.tier, f.keys, f.K[f.k0*f.LDK+f.khead*f.D:], f.LDK, f.n, f.D, f.width)
	at := f.k0*f.LDV + f.khead*f.D
	switch {
	case len(f.values) == 0:
		f.values, f.strip.ldv = f.V[at:], 4*uintptr(f.LDV)
	case f.wide == f.D:
		packValues(f.tier, &f.values[0], &f.V[at], 4*f.LDV, f.n, f.D)
	default:
		for j := range f.n {
			row := f.values[j*f.wide:][:f.wide]
			clear(row[copy(row, f.V[at+j*f.LDV:][:f.D]):])
		}
	}
	if len(f.mask) > 0 {
		scale(f.mask[:f.n], f.Mask[f.k0:][:f.n], math.Log2E)
	}
}

// packHead writes n rows of d values, ld apart, as columns of panels of width.
func packHead(t cpu.Tier, dst, src []float32, ld, n, d, width int) {
	whole := d &^ (width/2 - 1)
	if whole > 0 {
		packKeys(t, &dst[0], &src[0], 4*d*width, 4*ld, n, whole)
	}
	if whole < d {
		for j := range n {
			for i, v := range src[j*ld:][whole:d] {
				dst[j/width*width*d+(whole+i)*width+j%width] = v
			}
		}
	}
}

// run computes strip by strip; where there are several blocks of keys, some strips meet one before the next comes from the memory.
func (f *flash) run() {
	rows := f.to - f.from
	strips := (rows + f.height - 1) / f.height
	for s := 0; s < strips; s += together {
		for j := 0; j < f.n; j += keyBlock {
			for i := s; i < min(s+together, strips); i++ {
				f.block(f.from+rows*i/strips, f.from+rows*(i+1)/strips, (i-s)*f.height, j)
			}
		}
	}
}

// block brings the keys from j on to the query rows r0 to r1, a strip; what is kept of them lies from slot on.
func (f *flash) block(r0, r1, slot, j int) {
	t, n := &f.strip, f.visible(r1-1)-f.k0-j
	begin := (f.first(r0) - f.k0) / keyBlock * keyBlock
	if n <= 0 && j == begin {
		f.clear(r0, r1)
	}
	if n <= 0 || j < begin {
		return
	}
	last := n <= keyBlock
	t.rows, t.n = r1-r0, min(n, keyBlock)
	t.q = pointer(f.Q[r0*f.LDQ+f.column:])
	if f.Kept == nil {
		t.keys = pointer(f.keys[j*f.D:])
	} else {
		t.keys = unsafe.Pointer(&f.kept.keys[j*f.D*f.kept.size])
	}
	t.state = pointer(f.state[4*slot:])
	t.seen, t.step = t.n, 0
	if f.after < everything {
		t.seen, t.step = r0+f.ahead+f.after+1-f.k0-j, 1
	}
	sums := pointer(f.sums[slot*f.wide:])
	if t.from = nil; j > begin {
		t.from = sums
	}
	scores(f.tier, t, f.half())
	f.addMask(j)
	f.addBias(r0-f.from, j)
	f.hide(r0, j)
	weigh(f.tier, t)
	t.inverse = 0
	t.panels, t.out, t.ldo = f.wide/f.width, sums, t.ldf
	if last && f.wide == f.D {
		t.out, t.ldo = pointer(f.Out[r0*f.LDO+f.column:]), 4*uintptr(f.LDO)
	}
	if last {
		t.inverse = 1
	}
	if f.Kept == nil {
		t.values = pointer(f.values[j*int(t.ldv)/4:])
		weighted(f.tier, t, false)
	} else {
		f.weightedPanels(j)
	}
	if last {
		f.finish(r0, r1, slot)
	}
}

// weightedPanels is weighted for values that lie panel by panel, for the keys from j on.
func (f *flash) weightedPanels(j int) {
	t := &f.strip
	from, out := t.from, t.out
	for p := 0; p < f.wide; p += f.width {
		t.values = unsafe.Pointer(&f.kept.values[(p*f.Kept.Room+j*f.width)*f.kept.size])
		t.panels, t.out = 1, unsafe.Add(out, 4*p)
		if from != nil {
			t.from = unsafe.Add(from, 4*p)
		}
		weighted(f.tier, t, f.half())
	}
}

// half reports whether keys and values are kept in half precision.
func (f *flash) half() bool { return f.Kept != nil && f.Kept.Half }

// addMask adds the mask of the keys from j on to the scores of the strip.
func (f *flash) addMask(j int) {
	if len(f.mask) == 0 {
		return
	}
	t := &f.strip
	for r := range t.rows {
		row := f.scores[r*int(t.lds)/4:][:t.n]
		add(row, row, f.mask[j:][:t.n])
	}
}

// addBias adds the bias of the queries from i and the keys from j on, which is in natural units, to the scores of the strip.
func (f *flash) addBias(i, j int) {
	if f.bias == nil {
		return
	}
	t, rows, n := &f.strip, f.strip.rows, f.strip.n
	if n == f.BiasS && n == int(t.lds)/4 { // neither has gaps, as in a window
		rows, n = 1, rows*n
	}
	for r := range rows {
		bias, row := f.biases[:n], f.scores[r*int(t.lds)/4:][:n]
		scale(bias, f.bias[(i+r)*f.BiasS+j:][:n], math.Log2E)
		add(row, row, bias)
	}
}

// hide leaves out what lies before the windows of the queries from row r0 on, of the keys from j on.
func (f *flash) hide(r0, j int) {
	for r := range f.strip.rows {
		n := min(f.first(r0+r)-f.k0-j, f.strip.n)
		if n <= 0 {
			continue
		}
		row := f.scores[r*int(f.strip.lds)/4:][:n]
		for i := range row {
			row[i] = hidden
		}
	}
}

var hidden = float32(math.Inf(-1))

// finish does what is left to do for the rows r0 to r1.
func (f *flash) finish(r0, r1, slot int) {
	if f.wide != f.D {
		for r := r0; r < r1; r++ {
			copy(f.Out[r*f.LDO+f.column:][:f.D], f.sums[(slot+r-r0)*f.wide:])
		}
	}
	for r := r0; r < r1; r++ {
		if f.visible(r) <= f.first(r) {
			f.clear(r, r+1)
		}
	}
}

// clear writes zeros to the rows r0 to r1.
func (f *flash) clear(r0, r1 int) {
	for r := r0; r < r1; r++ {
		clear(f.Out[r*f.LDO+f.column:][:f.D])
	}
}
