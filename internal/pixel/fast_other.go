//go:build !amd64 || purego

package pixel

// assembly says that this build has it.
const assembly = false

func idct(dst []uint8, stride int, coefs []int16, last []uint8, quant *[64]int16) {
	GenericIDCT(dst, stride, coefs, last, quant)
}

func across(dst, from []uint8)              { panic(missing) }
func around(dst, near, far []uint8)         { panic(missing) }
func down(dst, near, far []uint8, bias int) { panic(missing) }
func ycc(dst, y, cb, cr []uint8)            { panic(missing) }

func (b *Bits) units(slots []Slot, from, n int) int { panic(missing) }

func (t *Taps) across4(dst, src []uint8, stride, m int) { panic(missing) }

func (t *Taps) downSum(dst, src []uint8, stride, i int) { panic(missing) }

func reduce(dst []uint8, stride int, coefs []int16, n int, quant *[64]int16, size int) {
	panic(missing)
}

func halve(dst, up, down []uint8, n int) { panic(missing) }

func forward(dst *[64]int16, src, factors *[64]float32) { panic(missing) }

const missing = "pixel: no assembly in this build"
