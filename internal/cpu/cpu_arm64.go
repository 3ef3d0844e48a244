//go:build arm64 && !purego

package cpu

import "golang.org/x/sys/cpu"

// detect lists the tiers one by one, each on top of the one before. Every arm64 that Go runs on has NEON.
func detect() []Tier {
	offered := []Tier{Generic, NEON}
	if cpu.ARM64.HasASIMDDP {
		offered = append(offered, NEONDot)
		if cpu.ARM64.HasI8MM && hasBF16() {
			offered = append(offered, NEONBF16)
		}
	}
	return offered
}
