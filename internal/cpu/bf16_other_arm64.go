//go:build !linux && !darwin && !purego

package cpu

func hasBF16() bool { return false }
