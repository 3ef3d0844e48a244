// Package cpu says what this machine offers: which vector instructions the kernels may use, and how many cores.
//
// The answer is found once, at start. The environment variable CHIASM_CPU names another tier than the default: a lower one, or one that
// the processor has but that stays off until its kernels have run on real hardware. It never chooses what the processor lacks:
//
//	CHIASM_CPU=avx2 chiasm bench
package cpu
