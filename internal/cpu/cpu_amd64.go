//go:build amd64 && !purego

package cpu

import "golang.org/x/sys/cpu"

// detect trusts that a processor with AVX2 and FMA has F16C too: every one made does, and x/sys does not report it.
func detect() Tier {
	x := &cpu.X86
	switch {
	case !x.HasAVX2 || !x.HasFMA:
		return Generic
	case !x.HasAVX512F || !x.HasAVX512BW || !x.HasAVX512DQ || !x.HasAVX512VL:
		return AVX2
	case !x.HasAMXTile || !x.HasAMXBF16 || !x.HasAMXInt8:
		return AVX512
	}
	return AMX
}
