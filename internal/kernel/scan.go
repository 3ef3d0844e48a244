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

// PickInt8 multiplies rows of signed bytes, wherever they lie, with a query: dst[i] is the inner product of row rows[i] of codes [rows, width] and the
// query, under the conditions of [ScanInt8]. It is for codes that no cache holds.
func PickInt8(dst []int32, codes []byte, rows []uint32, query []int16) {
	picked(len(dst), codes, rows, query)
	if len(rows) > 0 {
		pickInt8(dst, codes, rows, query)
	}
}

// PickUint8 is [PickInt8] of unsigned bytes. The magnitude of a query is at most 2³¹/(256·width).
func PickUint8(dst []int32, codes []byte, rows []uint32, query []int16) {
	picked(len(dst), codes, rows, query)
	if len(rows) > 0 {
		pickUint8(dst, codes, rows, query)
	}
}

func picked(n int, codes []byte, rows []uint32, query []int16) {
	width := len(query)
	need(width > 0 && width%64 == 0, "pick", "expected rows of a multiple of %d values, got %d", 64, width)
	need(n == len(rows), "pick", "expected %d rows, got %d", n, len(rows))
	for _, r := range rows {
		need((int(r)+1)*width <= len(codes), "pick", "expected rows before %d, got %d", len(codes)/width, int(r))
	}
}

// GenericPickInt8 defines PickInt8.
func GenericPickInt8(dst []int32, codes []byte, rows []uint32, query []int16) {
	for i, r := range rows {
		GenericScanInt8(dst[i:i+1], codes[int(r)*len(query):(int(r)+1)*len(query)], query, 1, len(query))
	}
}

// GenericPickUint8 defines PickUint8.
func GenericPickUint8(dst []int32, codes []byte, rows []uint32, query []int16) {
	for i, r := range rows {
		row := codes[int(r)*len(query) : (int(r)+1)*len(query)]
		var sum int32
		for k, c := range row {
			sum += int32(c) * int32(query[k])
		}
		dst[i] = sum
	}
}
