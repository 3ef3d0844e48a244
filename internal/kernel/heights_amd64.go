//go:build !purego

package kernel

import "github.com/chiasm/chiasm/internal/cpu"

// clips: the micro-kernels apply activations that clip.
const clips = true

// round is how many bytes of a panel a micro-kernel reads before it fetches again.
func (l *layout) round() int { return max(64, 2*l.group*l.width*l.format.size()) }

// block computes rows m0 to m1 of the panels first to last-1.
func (g *Gemm) block(m0, m1, first, last int) {
	if g.layout.tier == cpu.AMX {
		g.bands(m0, m1, first, last)
	} else {
		g.tiles(m0, m1, first, last)
	}
}

// multiply calls the micro-kernel of height h, which makes all tiles.
func (t *tile) multiply(lay *layout, h int) {
	switch {
	case lay.tier == cpu.AVX512BF16:
		t.multiplyBF16AVX512(h)
	case lay.tier == cpu.AVX512VNNI:
		t.multiplyI8AVX512(h)
	case lay.tier == cpu.AVX512:
		t.multiplyAVX512(h)
	case lay.format == F32:
		t.multiplyAVX2(h)
	case lay.format == BF16:
		t.multiplyBF16AVX2(h)
	case lay.format == F16:
		t.multiplyF16AVX2(h)
	case lay.format == W8:
		t.multiplyW8AVX2(h)
	case lay.format == I8:
		t.multiplyI8AVX2(h)
	}
}

// rescale finishes the sums of integers of h rows.
func (t *tile) rescale(lay *layout, h int) {
	if lay.tier == cpu.AVX2 {
		rescaleAVX2(t, h)
	} else {
		rescaleAVX512(t, h)
	}
}

// There is a micro-kernel for each height of a tile.

func (t *tile) multiplyAVX2(h int) {
	switch h {
	case 1:
		gemm1AVX2(t)
	case 2:
		gemm2AVX2(t)
	case 3:
		gemm3AVX2(t)
	case 4:
		gemm4AVX2(t)
	case 5:
		gemm5AVX2(t)
	case 6:
		gemm6AVX2(t)
	}
}

func (t *tile) multiplyBF16AVX2(h int) {
	switch h {
	case 1:
		bf16Gemm1AVX2(t)
	case 2:
		bf16Gemm2AVX2(t)
	case 3:
		bf16Gemm3AVX2(t)
	case 4:
		bf16Gemm4AVX2(t)
	case 5:
		bf16Gemm5AVX2(t)
	case 6:
		bf16Gemm6AVX2(t)
	}
}

func (t *tile) multiplyF16AVX2(h int) {
	switch h {
	case 1:
		f16Gemm1AVX2(t)
	case 2:
		f16Gemm2AVX2(t)
	case 3:
		f16Gemm3AVX2(t)
	case 4:
		f16Gemm4AVX2(t)
	case 5:
		f16Gemm5AVX2(t)
	case 6:
		f16Gemm6AVX2(t)
	}
}

func (t *tile) multiplyW8AVX2(h int) {
	switch h {
	case 1:
		w8Gemm1AVX2(t)
	case 2:
		w8Gemm2AVX2(t)
	case 3:
		w8Gemm3AVX2(t)
	case 4:
		w8Gemm4AVX2(t)
	case 5:
		w8Gemm5AVX2(t)
	case 6:
		w8Gemm6AVX2(t)
	}
}

func (t *tile) multiplyI8AVX2(h int) {
	switch h {
	case 1:
		i8Gemm1AVX2(t)
	case 2:
		i8Gemm2AVX2(t)
	case 3:
		i8Gemm3AVX2(t)
	case 4:
		i8Gemm4AVX2(t)
	case 5:
		i8Gemm5AVX2(t)
	case 6:
		i8Gemm6AVX2(t)
	}
}

func (t *tile) multiplyAVX512(h int) {
	switch h {
	case 1:
		gemm1AVX512(t)
	case 2:
		gemm2AVX512(t)
	case 3:
		gemm3AVX512(t)
	case 4:
		gemm4AVX512(t)
	case 5:
		gemm5AVX512(t)
	case 6:
		gemm6AVX512(t)
	case 7:
		gemm7AVX512(t)
	case 8:
		gemm8AVX512(t)
	case 9:
		gemm9AVX512(t)
	case 10:
		gemm10AVX512(t)
	case 11:
		gemm11AVX512(t)
	case 12:
		gemm12AVX512(t)
	case 13:
		gemm13AVX512(t)
	case 14:
		gemm14AVX512(t)
	}
}

func (t *tile) multiplyI8AVX512(h int) {
	switch h {
	case 1:
		i8Gemm1AVX512VNNI(t)
	case 2:
		i8Gemm2AVX512VNNI(t)
	case 3:
		i8Gemm3AVX512VNNI(t)
	case 4:
		i8Gemm4AVX512VNNI(t)
	case 5:
		i8Gemm5AVX512VNNI(t)
	case 6:
		i8Gemm6AVX512VNNI(t)
	case 7:
		i8Gemm7AVX512VNNI(t)
	case 8:
		i8Gemm8AVX512VNNI(t)
	case 9:
		i8Gemm9AVX512VNNI(t)
	case 10:
		i8Gemm10AVX512VNNI(t)
	case 11:
		i8Gemm11AVX512VNNI(t)
	case 12:
		i8Gemm12AVX512VNNI(t)
	case 13:
		i8Gemm13AVX512VNNI(t)
	case 14:
		i8Gemm14AVX512VNNI(t)
	}
}

func (t *tile) multiplyBF16AVX512(h int) {
	switch h {
	case 1:
		bf16Gemm1AVX512BF16(t)
	case 2:
		bf16Gemm2AVX512BF16(t)
	case 3:
		bf16Gemm3AVX512BF16(t)
	case 4:
		bf16Gemm4AVX512BF16(t)
	case 5:
		bf16Gemm5AVX512BF16(t)
	case 6:
		bf16Gemm6AVX512BF16(t)
	case 7:
		bf16Gemm7AVX512BF16(t)
	case 8:
		bf16Gemm8AVX512BF16(t)
	case 9:
		bf16Gemm9AVX512BF16(t)
	case 10:
		bf16Gemm10AVX512BF16(t)
	case 11:
		bf16Gemm11AVX512BF16(t)
	case 12:
		bf16Gemm12AVX512BF16(t)
	case 13:
		bf16Gemm13AVX512BF16(t)
	case 14:
		bf16Gemm14AVX512BF16(t)
	}
}
