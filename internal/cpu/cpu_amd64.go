//go:build amd64 && !purego

package cpu

import "golang.org/x/sys/cpu"

// detect lists the tiers one by one, each on top of the one before. It trusts that a processor with AVX2 and FMA has F16C too: every
// one made does, and x/sys does not report it.
func detect() []Tier {
	x := &cpu.X86
	offered := []Tier{Generic}
	for _, t := range []struct {
		tier Tier
		has  bool
	}{
		{AVX2, x.HasAVX2 && x.HasFMA},
		{AVX512, x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL},
		{AVX512VNNI, x.HasAVX512VNNI},
		{AVX512BF16, x.HasAVX512BF16},
		{AMX, x.HasAMXTile && x.HasAMXBF16 && x.HasAMXInt8 && allowTiles()},
	} {
		if !t.has {
			break
		}
		offered = append(offered, t.tier)
	}
	return offered
}
