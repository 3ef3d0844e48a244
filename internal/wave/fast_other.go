//go:build !amd64 || purego

package wave

// assembly says that this build has it.
const assembly = false

func load[T Float](cells []Cell[T], frames *[Lanes][]float32, window []T) {
	GenericLoad(cells, frames, window)
}
func (p *pass[T]) do(y, x []Cell[T])                            { p.generic(y, x) }
func split[T Float](dst []Row[T], z []Cell[T], turns []turn[T]) { GenericSplit(dst, z, turns) }
func (b *Bank[T]) sums(dst, power []Row[T])                     { b.GenericSums(dst, power) }
func roots[T Float](x []Row[T])                                 { GenericRoots(x) }
func logarithms[T Float](dst []float32, x []Row[T], g Log)      { GenericLogs(dst, x, g) }
func raise(x []float32, floor, add, factor float32)             { GenericRaise(x, floor, add, factor) }
func (p *Interpolation) values(dst, x []float32, phase int)     { p.GenericValues(dst, x, phase) }
