package cpu

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// A Tier is a set of instructions that kernels are written for. A higher one includes all lower ones.
type Tier uint8

// The tiers, lowest first.
const (
	Generic Tier = iota // plain Go
	AVX2                // AVX2, FMA and F16C
	AVX512              // AVX-512 F, BW, DQ and VL
	AMX                 // AVX-512 and the tile instructions for bf16 and int8
)

// Variable is the name of the environment variable that lowers the tier.
const Variable = "CHIASM_CPU"

var tierNames = [...]string{Generic: "generic", AVX2: "avx2", AVX512: "avx512", AMX: "amx"}

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
	found  = detect()
	wanted = os.Getenv(Variable)
	level  = limit(found, wanted)
)

// limit is the lower of what the machine has and what is asked for. A name that is unknown changes nothing.
func limit(found Tier, name string) Tier {
	if t, err := ParseTier(name); err == nil {
		return min(found, t)
	}
	return found
}

// Found is the highest tier of this machine and this build.
func Found() Tier { return found }

// Level is the tier to use: the highest of this machine and this build, or the lower one that CHIASM_CPU names.
func Level() Tier { return level }

// Forced is the value of CHIASM_CPU, empty when unset. The error says that the value is no tier's name, or one that this machine
// lacks; Level is then the highest tier there is.
func Forced() (string, error) { return wanted, forced(found, wanted) }

func forced(found Tier, name string) error {
	if name == "" {
		return nil
	}
	t, err := ParseTier(name)
	if err == nil && t > found {
		err = fmt.Errorf("cpu: %s: expected at most %s on this machine, got %s", Variable, found, t)
	}
	return err
}

// Cores is the number of cores that this process may keep busy. It is GOMAXPROCS, which the Go runtime derives from the processor
// mask and the cgroup's CPU quota, and follows when they change.
func Cores() int { return runtime.GOMAXPROCS(0) }
