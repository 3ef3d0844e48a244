package cpu

import (
	"fmt"
	"runtime"
	"testing"
)

func TestLimitLowersAndNeverRaises(t *testing.T) {
	for _, found := range []Tier{Generic, AVX2, AVX512, AMX} {
		for name, want := range map[string]Tier{
			"": found, "fast": found, "generic": Generic, "avx2": min(found, AVX2), "avx512": min(found, AVX512), "amx": found,
		} {
			if got := limit(found, name); got != want {
				t.Errorf("limit(%v, %q) = %v, want %v", found, name, got, want)
			}
		}
	}
}

func TestForcedNamesWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"", ""}, {"avx2", ""}, {"generic", ""},
		{"avx512", "cpu: CHIASM_CPU: expected at most avx2 on this machine, got avx512"},
		{"AVX2", `cpu: CHIASM_CPU: expected one of generic, avx2, avx512, amx, got "AVX2"`},
	} {
		got := ""
		if err := forced(AVX2, c.name); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("forced(AVX2, %q) = %q, want %q", c.name, got, c.want)
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
