package main

// families lists the files. None is long, so that a change shows well.
func families() []family {
	return []family{
		{"gemm_avx2", gemm(avx2, 1, 6)},
		{"gemm_avx512_6", gemm(avx512, 1, 6)},
		{"gemm_avx512_9", gemm(avx512, 7, 9)},
		{"gemm_avx512_11", gemm(avx512, 10, 11)},
		{"gemm_avx512_12", gemm(avx512, 12, 12)},
		{"gemm_avx512_14", gemm(avx512, 13, 14)},
		{"vector_avx2", vector(avx2)},
		{"vector_avx512", vector(avx512)},
		{"exp_avx2", exponential(avx2)},
		{"exp_avx512", exponential(avx512)},
		{"move_avx2", moves(avx2)},
		{"move_avx512", moves(avx512)},
	}
}
