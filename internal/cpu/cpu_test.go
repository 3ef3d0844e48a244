package cpu

import (
	"fmt"
	"runtime"
	"testing"
)

func TestChooseTakesTheBestProvenOrTheNamed(t *testing.T) {
	for foreign, all := range map[Tier][]Tier{
		NEON: {Generic, AVX2, AVX512, AVX512VNNI, AVX512BF16, AMX},
		AVX2: {Generic, NEON, NEONDot, NEONBF16},
	} {
		best := Generic
		for i, top := range all {
			if proven[top] {
				best = top
			}
			for name, want := range map[string]Tier{"": best, "fast": best, foreign.String(): best, "generic": Generic, top.String(): top} {
				if got := choose(all[:i+1], name); got != want {
					t.Errorf("up to %v, choose(%q) = %v, want %v", top, name, got, want)
				}
			}
		}
	}
}

func TestForcedNamesWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"", ""}, {"avx2", ""}, {"generic", ""},
		{"avx512", "cpu: CHIASM_CPU: expected one of [generic avx2] on this machine, got avx512"},
		{"AVX2", `cpu: CHIASM_CPU: expected one of generic, avx2, avx512, avx512vnni, avx512bf16, amx, neon, neondot, neonbf16, got "AVX2"`},
	} {
		got := ""
		if err := forced([]Tier{Generic, AVX2}, c.name); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("forced(%q) = %q, want %q", c.name, got, c.want)
		}
	}
	if name, err := Forced(); err == nil && name != "" && Level().String() != name {
		t.Errorf("CHIASM_CPU is %s and the level %v", name, Level())
	}
}

func TestCoresFollowsTheRuntime(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if Cores() != 1 {
		t.Errorf("%d cores with GOMAXPROCS=1", Cores())
	}
}

func ExampleParseTier() {
	t, err := ParseTier("avx2")
	fmt.Println(t < AVX512, err)
	// Output: true <nil>
}
