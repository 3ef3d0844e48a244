package main

// families lists the files. None is long, so that a change shows well.
func families() []family {
	return []family{
		{"gemm_avx2", gemm(avx2, f32, 1, 6)},
		{"gemm_avx2_bf16", gemm(avx2, bf16, 1, 6)},
		{"gemm_avx2_w8", gemm(avx2, w8, 1, 6)},
		{"gemm_avx2_i8", gemm(avx2, i8, 1, 6)},
		{"gemm_avx512_6", gemm(avx512, f32, 1, 6)},
		{"gemm_avx512_9", gemm(avx512, f32, 7, 9)},
		{"gemm_avx512_11", gemm(avx512, f32, 10, 11)},
		{"gemm_avx512_12", gemm(avx512, f32, 12, 12)},
		{"gemm_avx512_14", gemm(avx512, f32, 13, 14)},
		{"vector_avx2", vector(avx2)},
		{"vector_avx512", vector(avx512)},
		{"exp_avx2", exponential(avx2)},
		{"exp_avx512", exponential(avx512)},
		{"move_avx2", moves(avx2)},
		{"quantize_avx2", quantize(avx2)},
		{"rescale_avx512", rescale(avx512)},
		{"move_avx512", moves(avx512)},
	}
}

func neonFamilies() []neonFamily {
	return []neonFamily{
		{"gemm_neon", neonGemm(neonF32)},
		{"gemm_neon_bf16", neonGemm(neonBF16)},
		{"gemm_neon_w8", neonGemm(neonW8)},
		{"gemm_neondot_i8", neonGemm(neonI8Dot)},
		{"gemm_neonbf16_bf16", neonGemm(neonBF16Pair)},
		{"gemm_neonbf16_i8", neonGemm(neonI8Pair)},
		{"vector_neon", neonVector},
		{"exp_neon", neonExponential},
		{"move_neon", neonMoves},
		{"quantize_neon", neonQuantize},
	}
}
