//go:build !purego

package cpu

import "golang.org/x/sys/unix"

// hasBF16 reads the bit that the kernel sets for FEAT_BF16, which x/sys/cpu does not report.
func hasBF16() bool {
	const hwcap2, bf16 = 26, 1 << 14 // AT_HWCAP2 and HWCAP2_BF16
	auxv, _ := unix.Auxv()           // without it, no such bit
	for _, entry := range auxv {
		if entry[0] == hwcap2 {
			return entry[1]&bf16 != 0
		}
	}
	return false
}
