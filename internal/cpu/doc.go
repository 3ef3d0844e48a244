// Package cpu says what this machine offers: which vector instructions the kernels may use, and how many cores.
//
// The answer is found once, at start. The environment variable CHIASM_CPU (generic, avx2, avx512, amx) lowers it, never raises it:
//
//	CHIASM_CPU=avx2 chiasm bench
package cpu
