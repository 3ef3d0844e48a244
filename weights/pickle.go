package weights

import (
	"fmt"
	"math"
	"strconv"

	"github.com/chiasm/chiasm/internal/decode"
)

// The values that a pickle of torch's may hold, besides nil, bool, int64, float64 and string.
type (
	tuple []any
	list  struct{ items []any }
	// A dict keeps its order. Keys that are not strings hold no tensors and are dropped.
	dict struct {
		keys   []string
		values map[string]any // nil while it is empty
	}
	// A global is the name of a class or function. It is never anything more.
	global struct{ module, name string }
	// An object is an instance of a class of TorchScript's, known by what was set on it.
	object struct {
		class global
		state any
	}
	mark struct{}
)

func (d *dict) set(key, value any) {
	k, ok := key.(string)
	if !ok {
		return
	}
	if d.values == nil {
		d.values = map[string]any{}
	}
	if _, ok := d.values[k]; !ok {
		d.keys = append(d.keys, k)
	}
	d.values[k] = value
}

// maxValues bounds what a pickle may build: a byte of it can make a value of many. A state dict takes some 25 values a tensor.
const maxValues = 1 << 21

// An unpickler runs the part of Python's pickle machine that stores data. What builds objects is given to two functions, which know
// tensors and nothing else. Source: Python's documentation of the pickle format (pickletools).
type unpickler struct {
	r          *decode.Reader
	stack      []any
	values     int // pushed so far
	memo       map[uint32]any
	persistent func(id any) (any, error)
	reduce     func(f global, args tuple) (any, error)
}

// run reads one pickle and gives the value that it leaves.
func (u *unpickler) run() (any, error) {
	u.memo = map[uint32]any{}
	for u.r.Err() == nil {
		op := u.r.U8()
		if u.r.Err() != nil {
			break
		}
		if op == '.' {
			v := u.pop()
			return v, u.r.Err()
		}
		u.step(op)
	}
	return nil, u.r.Err()
}

func (u *unpickler) push(v any) {
	if u.values++; u.values > maxValues {
		u.r.Fail("pickle: expected at most %d values", maxValues)
		return
	}
	u.stack = append(u.stack, v)
}

func (u *unpickler) pop() any {
	if len(u.stack) == 0 {
		u.r.Fail("pickle: the stack is empty")
		return nil
	}
	v := u.stack[len(u.stack)-1]
	u.stack = u.stack[:len(u.stack)-1]
	return v
}

// popMark takes everything down to the last mark.
func (u *unpickler) popMark() []any {
	for i := len(u.stack) - 1; i >= 0; i-- {
		if _, ok := u.stack[i].(mark); ok {
			items := append([]any(nil), u.stack[i+1:]...)
			u.stack = u.stack[:i]
			return items
		}
	}
	u.r.Fail("pickle: no mark on the stack")
	return nil
}

// top is the last value, which stays.
func (u *unpickler) top() any {
	if len(u.stack) == 0 {
		return u.pop()
	}
	return u.stack[len(u.stack)-1]
}

func (u *unpickler) step(op byte) {
	switch op {
	case 0x80: // PROTO
		if v := u.r.U8(); v > 5 {
			u.r.Fail("pickle: expected protocol 5 or below, got %d", v)
		}
	case 0x95: // FRAME
		u.r.Skip(8)
	case '(':
		u.push(mark{})
	case '0':
		u.pop()
	case '1':
		u.popMark()
	case '2':
		u.push(u.top())
	case 'N':
		u.push(nil)
	case 0x88, 0x89: // NEWTRUE, NEWFALSE
		u.push(op == 0x88)
	case 'J':
		u.push(int64(int32(u.r.U32())))
	case 'K':
		u.push(int64(u.r.U8()))
	case 'M':
		u.push(int64(u.r.U16()))
	case 0x8a: // LONG1
		u.push(u.long(int(u.r.U8())))
	case 'I', 'L':
		u.integer(u.r.Line())
	case 'F':
		f, err := strconv.ParseFloat(u.r.Line(), 64)
		if err != nil {
			u.r.Fail("pickle: %v", err)
		}
		u.push(f)
	case 'G':
		u.push(math.Float64frombits(u.r.U64BE()))
	case 'X', 'T', 'B': // BINUNICODE, BINSTRING, BINBYTES
		u.push(string(u.r.Bytes(int(u.r.U32()))))
	case 0x8c, 'U', 'C': // SHORT_BINUNICODE, SHORT_BINSTRING, SHORT_BINBYTES
		u.push(string(u.r.Bytes(int(u.r.U8()))))
	case 'V':
		u.push(u.r.Line())
	default:
		u.build(op)
	}
}

// build does the operations that make containers and objects.
func (u *unpickler) build(op byte) {
	switch op {
	case ')':
		u.push(tuple(nil))
	case 't':
		u.push(tuple(u.popMark()))
	case 0x85, 0x86, 0x87: // TUPLE1, TUPLE2, TUPLE3
		n := int(op - 0x84)
		items := make(tuple, n)
		for i := n - 1; i >= 0; i-- {
			items[i] = u.pop()
		}
		u.push(items)
	case ']':
		u.push(&list{})
	case 'l':
		u.push(&list{u.popMark()})
	case 'a':
		v := u.pop()
		u.append(v)
	case 'e':
		u.append(u.popMark()...)
	case '}':
		u.push(&dict{})
	case 'd':
		items := u.popMark()
		u.push(&dict{})
		u.setItems(items)
	case 's':
		v := u.pop()
		k := u.pop()
		u.setItems([]any{k, v})
	case 'u':
		u.setItems(u.popMark())
	case 'q': // BINPUT
		u.remember(uint32(u.r.U8()))
	case 'r':
		u.remember(u.r.U32())
	case 0x94: // MEMOIZE
		u.remember(uint32(len(u.memo)))
	case 'h':
		u.get(uint32(u.r.U8()))
	case 'j':
		u.get(u.r.U32())
	case 'c':
		module := u.r.Line()
		u.push(global{module, u.r.Line()})
	case 0x93: // STACK_GLOBAL
		name, _ := u.pop().(string)
		module, _ := u.pop().(string)
		u.push(global{module, name})
	case 'Q': // BINPERSID
		u.result(u.persistent(u.pop()))
	case 'R', 0x81: // REDUCE, NEWOBJ
		args, ok := u.pop().(tuple)
		f, ok2 := u.pop().(global)
		if !ok || !ok2 {
			u.r.Fail("pickle: expected a function and its arguments")
			return
		}
		u.result(u.reduce(f, args))
	case 'b': // BUILD
		state := u.pop()
		if o, ok := u.top().(*object); ok {
			o.state = state
		} // what else may have a state (an OrderedDict's attributes) holds no tensors
	default:
		u.r.Fail("pickle: operation 0x%02x is not one that stores data", op)
	}
}

func (u *unpickler) result(v any, err error) {
	if err != nil {
		u.r.Fail("pickle: %w", err)
	}
	u.push(v)
}

func (u *unpickler) remember(i uint32) {
	if len(u.memo) >= maxValues {
		u.r.Fail("pickle: expected at most %d values to remember", maxValues)
		return
	}
	u.memo[i] = u.top()
}

func (u *unpickler) get(i uint32) {
	v, ok := u.memo[i]
	if !ok {
		u.r.Fail("pickle: nothing is remembered as %d", i)
	}
	u.push(v)
}

func (u *unpickler) append(values ...any) {
	l, ok := u.top().(*list)
	if !ok {
		u.r.Fail("pickle: expected a list to append to")
		return
	}
	l.items = append(l.items, values...)
}

func (u *unpickler) setItems(pairs []any) {
	d, ok := u.top().(*dict)
	if !ok || len(pairs)%2 != 0 {
		u.r.Fail("pickle: expected a dict and pairs to set in it")
		return
	}
	for i := 0; i < len(pairs); i += 2 {
		d.set(pairs[i], pairs[i+1])
	}
}

// long is an integer of n little-endian bytes. One that does not fit, such as the magic number of old files, is given as its bytes.
func (u *unpickler) long(n int) any {
	b := u.r.Bytes(n)
	if len(b) > 8 {
		return string(b)
	}
	v := uint64(0)
	for i, x := range b {
		v |= uint64(x) << (8 * i)
	}
	if len(b) > 0 && b[len(b)-1] >= 0x80 && len(b) < 8 {
		v |= ^uint64(0) << (8 * len(b))
	}
	return int64(v)
}

// integer pushes a decimal number; 00 and 01 are how the first protocol spells booleans.
func (u *unpickler) integer(s string) {
	switch s {
	case "00", "01":
		u.push(s == "01")
		return
	}
	if n := len(s); n > 0 && s[n-1] == 'L' {
		s = s[:n-1]
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		u.r.Fail("pickle: expected an integer, got %q", fmt.Sprintf("%.20s", s))
	}
	u.push(v)
}
