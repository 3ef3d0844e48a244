package main

// families lists the files. None is long, so that a change shows well.
func families() []family {
	return []family{
		{"gemm_avx2", gemm(avx2, f32, 1, 6)},
		{"gemm_avx2_bf16", gemm(avx2, bf16, 1, 6)},
		{"gemm_avx2_f16", gemm(avx2, f16, 1, 6)},
		{"gemm_avx2_w8", gemm(avx2, w8, 1, 6)},
		{"gemm_avx2_i8", gemm(avx2, i8, 1, 6)},
		{"gemm_avx512_6", gemm(avx512, f32, 1, 6)},
		{"gemm_avx512_9", gemm(avx512, f32, 7, 9)},
		{"gemm_avx512_11", gemm(avx512, f32, 10, 11)},
		{"gemm_avx512_12", gemm(avx512, f32, 12, 12)},
		{"gemm_avx512_14", gemm(avx512, f32, 13, 14)},
		{"gemm_vnni_6", gemm(vnni, i8Dot, 1, 6)},
		{"gemm_vnni_9", gemm(vnni, i8Dot, 7, 9)},
		{"gemm_vnni_11", gemm(vnni, i8Dot, 10, 11)},
		{"gemm_vnni_12", gemm(vnni, i8Dot, 12, 12)},
		{"gemm_vnni_14", gemm(vnni, i8Dot, 13, 14)},
		{"gemm_dpbf16_6", gemm(dpbf16, bf16Dot, 1, 6)},
		{"gemm_dpbf16_9", gemm(dpbf16, bf16Dot, 7, 9)},
		{"gemm_dpbf16_11", gemm(dpbf16, bf16Dot, 10, 11)},
		{"gemm_dpbf16_12", gemm(dpbf16, bf16Dot, 12, 12)},
		{"gemm_dpbf16_14", gemm(dpbf16, bf16Dot, 13, 14)},
		{"gemm_amx_bf16", amx(tdpbf16ps, "bf16")},
		{"gemm_amx_i8", amx(tdpbusd, "i8")},
		{"vnni", dots(vnni, i8Dot)},
		{"dpbf16", dots(dpbf16, bf16Dot)},
		{"vector_avx2", vector(avx2)},
		{"vector_avx512", vector(avx512)},
		{"exp_avx2", exponential(avx2)},
		{"exp_avx512", exponential(avx512)},
		{"gradient_avx2", gradients(avx2)},
		{"gradient_avx512", gradients(avx512)},
		{"move_avx2", moves(avx2)},
		{"attention_avx2", attention(avx2, whole, 6)},
		{"attention_avx512", attention(avx512, whole, 8)},
		{"attention_half_avx2", attention(avx2, half, 6)},
		{"attention_half_avx512", attention(avx512, half, 8)},
		{"weigh_avx2", softening(avx2)},
		{"weigh_avx512", softening(avx512)},
		{"narrow_avx2", narrowing(avx2)},
		{"quantize_avx2", quantize(avx2)},
		{"finish_avx512", finish(avx512)},
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
		{"attention_neon", neonAttention},
		{"vector_neon", neonVector},
		{"exp_neon", neonExponential},
		{"move_neon", neonMoves},
		{"quantize_neon", neonQuantize},
	}
}
