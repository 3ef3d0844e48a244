package cpu

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
)

// A Tier is a set of instructions that kernels are written for. A higher one includes all lower ones of its architecture.
type Tier uint8

// The tiers, lowest first, of amd64 and of arm64.
const (
	Generic    Tier = iota // plain Go
	AVX2                   // AVX2, FMA and F16C
	AVX512                 // AVX-512 F, BW, DQ and VL
	AVX512VNNI             // its products of bytes
	AVX512BF16             // its products of bf16
	AMX                    // the tile instructions for bf16 and int8
	NEON                   // what every arm64 has
	NEONDot                // its products of bytes
	NEONBF16               // its matrix products of bf16 and of bytes
)

// Variable is the name of the environment variable that chooses the tier.
const Variable = "CHIASM_CPU"

var tierNames = [...]string{
	Generic: "generic", AVX2: "avx2", AVX512: "avx512", AVX512VNNI: "avx512vnni", AVX512BF16: "avx512bf16", AMX: "amx",
	NEON: "neon", NEONDot: "neondot", NEONBF16: "neonbf16",
}

// String is the name of t as CHIASM_CPU spells it.
func (t Tier) String() string { return tierNames[t] }

// ParseTier finds the tier of that name.
func ParseTier(name string) (Tier, error) {
	for t, s := range tierNames {
		if s == name {
			return Tier(t), nil
		}
	}
	return Generic, fmt.Errorf("cpu: %s: expected one of %s, got %q", Variable, strings.Join(tierNames[:], ", "), name)
}

var (
	offered = detect()
	wanted  = os.Getenv(Variable)
	level   = choose(offered, wanted)
)

// choose is the highest tier that is offered and that has been proven on a real processor, or the one that is asked for. A name that
// is unknown or not offered changes nothing.
func choose(offered []Tier, name string) Tier {
	best := Generic
	for _, t := range offered {
		if t.String() == name {
			return t
		}
		if proven[t] {
			best = t
		}
	}
	return best
}

// proven holds the tiers whose kernels have run on a processor that has them, as docs/performance.md tells. The others are chosen only
// by name.
var proven = map[Tier]bool{Generic: true, AVX2: true, AVX512: true, NEON: false, NEONDot: false, NEONBF16: false}

// Offered lists the tiers of this machine and this build, lowest first; Generic is always the first.
func Offered() []Tier { return offered }

// Found is the highest tier of this machine and this build.
func Found() Tier { return offered[len(offered)-1] }

// Level is the tier to use: the highest that this machine and this build have and that is proven on real hardware, or the one that
// CHIASM_CPU names.
func Level() Tier { return level }

// Forced is the value of CHIASM_CPU, empty when unset. The error says that the value is no tier's name, or one that this machine
// lacks; Level is then what it would be without it.
func Forced() (string, error) { return wanted, forced(offered, wanted) }

func forced(offered []Tier, name string) error {
	if name == "" {
		return nil
	}
	t, err := ParseTier(name)
	if err == nil && !slices.Contains(offered, t) {
		err = fmt.Errorf("cpu: %s: expected one of %v on this machine, got %s", Variable, offered, t)
	}
	return err
}

// Cores is the number of cores that this process may keep busy. It is GOMAXPROCS, which the Go runtime derives from the processor
// mask and the cgroup's CPU quota, and follows when they change.
func Cores() int { return runtime.GOMAXPROCS(0) }
