package main

// families lists the files. None is long, so that a change shows well.
func families() []family {
	return []family{
		{"gemm_avx2", gemm(avx2, 1, 6)},
		{"gemm_avx512_6", gemm(avx512, 1, 6)},
		{"gemm_avx512_9", gemm(avx512, 7, 9)},
		{"gemm_avx512_12", gemm(avx512, 10, 12)},
		{"gemm_avx512_14", gemm(avx512, 13, 14)},
	}
}
