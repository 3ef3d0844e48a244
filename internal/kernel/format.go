package kernel

import (
	"fmt"

	"github.com/chiasm/chiasm/internal/cpu"
)

// A Format is how a packed weight stores its numbers, and with that the arithmetic of its products. Sums are float32, or int32 until
// they are scaled.
type Format uint8

// The formats of weights.
const (
	F32 Format = iota
	// BF16 stores bfloat16. The other operand is rounded to bfloat16 too where the processor multiplies such numbers, else it stays
	// float32.
	BF16
	// W8 stores int8 with a scale per output channel; the other operand stays float32.
	W8
	// I8 stores the same; the other operand is brought to uint8 with a scale and a zero point per row, and products are exact integers.
	I8
	// F16 stores IEEE half precision; the other operand stays float32. Where weights come in it nothing is lost: models choose it for those
	// that a few rows at a time are multiplied with, which takes as long as reading them. It goes by no name.
	F16
	formats
)

var formatNames = [...]string{F32: "f32", BF16: "bf16", W8: "w8", I8: "int8", F16: "f16"}

// String is the name of f as the command line spells it.
func (f Format) String() string { return formatNames[f] }

// ParseFormat finds the format of that name.
func ParseFormat(name string) (Format, error) {
	named := formatNames[:F16]
	for f, s := range named {
		if s == name {
			return Format(f), nil
		}
	}
	return 0, fmt.Errorf("kernel: expected one of the formats %v, got %q", named, name)
}

// size is the bytes of a stored number.
func (f Format) size() int { return [...]int{F32: 4, BF16: 2, W8: 1, I8: 1, F16: 2}[f] }

// A layout is how a packed weight lies in memory: panels of width columns (rows of the weight), the last panel filled up with zeros.
// A panel holds K values of each column, K filled up with zeros to a multiple of align: first group values of every column, then the
// next group values of every column, and so on.
type layout struct {
	tier   cpu.Tier // whose micro-kernel reads it
	format Format
	width  int // columns of C a panel
	height int // rows of C of the tallest tile
	depth  int // values of K a block, a multiple of align: a block of a panel stays near while the tiles pass
	group  int // values of a column that lie together
	align  int // what K is filled up to a multiple of
	paired bool
	left   left
	levels float32 // the largest integer of a weight
	pairs  bool    // it is also the largest sum of the sizes of two neighbours
}

// left is the form in which a micro-kernel reads A.
type left uint8

const (
	leftF32 left = iota // as it is
	leftBF16
	leftU8
	leftS8 // uint8 less 128
)

// size is the bytes of a value.
func (l left) size() int { return [...]int{leftF32: 4, leftBF16: 2, leftU8: 1, leftS8: 1}[l] }

// integers reports whether rows have a scale and a zero point.
func (l left) integers() bool { return l == leftU8 || l == leftS8 }

const endless = 1 << 30

// layouts holds the layout of each format for each tier that has micro-kernels of its own for it. A paired layout holds column j beside
// column j + width/2, so that a register of pairs falls apart into two registers of neighbours.
//
// AVX2 adds pairs of products of a uint8 and an int8 in 16 bits: 255·(127 + 1) fits, the 1 being for rounding, hence the bound on pairs.
// It costs less than a bit of weights: about half a bit where they are Gaussian, nothing where a row has one large value.
//
// AMX and the AVX-512 instructions for the same numbers share one form of packed weights: K is filled up to the 64 bytes of a row of a
// tile on both. A block of K is such that AMX finds the 32 rows of A in the first cache while the panels stream past them.
var layouts = [...]layout{
	{tier: cpu.Generic, format: F32, width: 4, height: 2, depth: endless, group: 1, align: 1},
	{tier: cpu.Generic, format: BF16, width: 4, height: 2, depth: endless, group: 1, align: 1},
	{tier: cpu.Generic, format: W8, width: 4, height: 2, depth: endless, group: 1, align: 1, levels: 127},
	{tier: cpu.Generic, format: I8, width: 4, height: 2, depth: endless, group: 4, align: 4, left: leftU8, levels: 127},
	{tier: cpu.Generic, format: F16, width: 4, height: 2, depth: endless, group: 1, align: 1},

	{tier: cpu.AVX2, format: F32, width: 16, height: 6, depth: 512, group: 1, align: 1},
	{tier: cpu.AVX2, format: BF16, width: 16, height: 6, depth: 768, group: 1, align: 1, paired: true},
	{tier: cpu.AVX2, format: F16, width: 16, height: 6, depth: 512, group: 1, align: 1}, // sums go as those of F32 do
	{tier: cpu.AVX2, format: W8, width: 16, height: 6, depth: 768, group: 1, align: 1, levels: 127},
	{tier: cpu.AVX2, format: I8, width: 16, height: 6, depth: 2048, group: 4, align: 4, left: leftU8, levels: 127, pairs: true},

	{tier: cpu.AVX512, format: F32, width: 32, height: 14, depth: 768, group: 1, align: 1},
	{tier: cpu.AVX512VNNI, format: I8, width: 32, height: 14, depth: 2048, group: 4, align: 64, left: leftU8, levels: 127},
	{tier: cpu.AVX512BF16, format: BF16, width: 32, height: 14, depth: 1024, group: 2, align: 32, left: leftBF16},

	{tier: cpu.AMX, format: I8, width: 32, height: 32, depth: 768, group: 4, align: 64, left: leftU8, levels: 127},
	{tier: cpu.AMX, format: BF16, width: 32, height: 32, depth: 384, group: 2, align: 32, left: leftBF16},

	{tier: cpu.NEON, format: F32, width: 16, height: 6, depth: 512, group: 1, align: 1},
	{tier: cpu.NEON, format: BF16, width: 16, height: 6, depth: 768, group: 1, align: 1},
	{tier: cpu.NEON, format: W8, width: 16, height: 6, depth: 768, group: 1, align: 1, levels: 127},
	{tier: cpu.NEONDot, format: I8, width: 16, height: 6, depth: 2048, group: 4, align: 4, left: leftS8, levels: 127},
	{tier: cpu.NEONBF16, format: BF16, width: 16, height: 6, depth: 1024, group: 4, align: 4, left: leftBF16},
	{tier: cpu.NEONBF16, format: I8, width: 16, height: 6, depth: 2048, group: 8, align: 8, left: leftU8, levels: 127},
}

// layoutOf is the layout of format f at tier t: that of the highest tier, t or lower on the same processor, which has one.
func layoutOf(t cpu.Tier, f Format) *layout {
	best := &layouts[f]
	for i := range layouts {
		if l := &layouts[i]; l.format == f && l.tier <= t && l.tier > best.tier && sameProcessor(l.tier, t) {
			best = l
		}
	}
	return best
}

// Native reports whether the present tier has micro-kernels for products in f that are as wide as those for F32.
func Native(f Format) bool {
	wide := layoutOf(tier, F32).tier
	return f == F32 || wide > cpu.Generic && layoutOf(tier, f).tier >= wide
}

// Path is the tier whose micro-kernels compute products in f at the present tier.
func Path(f Format) cpu.Tier { return layoutOf(tier, f).tier }

// sameProcessor reports whether both tiers are of amd64 or both of arm64.
func sameProcessor(a, b cpu.Tier) bool { return (a >= cpu.NEON) == (b >= cpu.NEON) }

// whole is k filled up to a multiple of align.
func (l *layout) whole(k int) int { return (k + l.align - 1) / l.align * l.align }

// column is where column j of a panel lies among the columns.
func (l *layout) column(j int) int {
	if l.paired {
		half := l.width / 2
		return j%half*2 + j/half
	}
	return j
}
