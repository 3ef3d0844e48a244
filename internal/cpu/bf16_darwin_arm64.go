//go:build !purego

package cpu

import "golang.org/x/sys/unix"

// hasBF16 asks for what x/sys/cpu does not report. A system that is too old to know the name says no.
func hasBF16() bool {
	has, err := unix.SysctlUint32("hw.optional.arm.FEAT_BF16")
	return err == nil && has != 0
}
