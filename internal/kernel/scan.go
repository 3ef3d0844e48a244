package kernel

// ScanInt8 multiplies rows of signed bytes with n queries, 1 or 4: dst[i·n+j] is the inner product of row i of codes [rows, width] and query j of
// queries [n, width]. The width is a multiple of 64. A sum must not leave int32: the magnitude of a query is at most 2³¹/(128·width).
func ScanInt8(dst []int32, codes []byte, queries []int16, n int) {
	if n != 1 && n != 4 {
		panic(&ArgumentError{"scan", "want 1 query or 4"})
	}
	width := len(queries) / n
	need(width > 0 && width%64 == 0 && len(queries) == n*width, "scan", "expected rows of a multiple of %d values, got %d", width, 64)
	need(len(dst)%n == 0 && len(codes) == len(dst)/n*width, "scan", "expected %d bytes of codes, got %d", len(codes), len(dst)/n*width)
	if len(dst) > 0 {
		scanInt8(dst, codes, queries, n, width)
	}
}

// GenericScanInt8 defines ScanInt8.
func GenericScanInt8(dst []int32, codes []byte, queries []int16, n, width int) {
	for i := range len(dst) / n {
		row := codes[i*width : (i+1)*width]
		for j := range n {
			query := queries[j*width:]
			query = query[:len(row)]
			var sum int32
			for k, c := range row {
				sum += int32(int8(c)) * int32(query[k])
			}
			dst[i*n+j] = sum
		}
	}
}
