package main

// A neonFormat says how a micro-kernel reads the numbers of a panel of 16 columns and multiplies them. Of A it reads 16 bytes of a row
// at once, which serve several steps of K.
type neonFormat struct {
	name, tier string
	bytes      int // of a step of K of a panel
	// load brings half a step from an offset into two registers.
	load     func(g *neon, panel x, offset int, b [2]v)
	multiply encoding
	// pairs: an instruction multiplies two rows with two columns, eight bytes of each. Otherwise four bytes of one row with each of four
	// columns.
	pairs   bool
	integer bool // sums are integers, which another kernel finishes
}

// loadWhole is for numbers that are multiplied as they lie there.
func loadWhole(g *neon, panel x, offset int, b [2]v) {
	g.op("FLDPQ", address(panel, offset), pair(b[0], b[1]))
}

var (
	neonF32  = neonFormat{name: "gemm", tier: "NEON", bytes: 64, load: loadWhole, multiply: fmlaLane}
	neonBF16 = neonFormat{name: "bf16Gemm", tier: "NEON", bytes: 32, multiply: fmlaLane,
		load: func(g *neon, panel x, offset int, b [2]v) {
			g.op("FMOVQ", address(panel, offset), b[1])
			g.do(shll, b[0], b[1])
			g.do(shllb, b[1], b[1])
		},
	}
	neonW8 = neonFormat{name: "w8Gemm", tier: "NEON", bytes: 16, multiply: fmlaLane,
		load: func(g *neon, panel x, offset int, b [2]v) {
			g.op("FMOVD", address(panel, offset), b[1])
			g.do(sxtl8, b[1], b[1])
			g.do(sxtl16, b[0], b[1])
			g.do(sxtl16b, b[1], b[1])
			for _, r := range b {
				g.do(scvtf, r, r)
			}
		},
	}
	neonI8Dot    = neonFormat{name: "i8Gemm", tier: "NEONDot", bytes: 64, load: loadWhole, multiply: sdotLane, integer: true}
	neonBF16Pair = neonFormat{name: "bf16Gemm", tier: "NEONBF16", bytes: 128, load: loadWhole, multiply: bfmmla, pairs: true}
	neonI8Pair   = neonFormat{name: "i8Gemm", tier: "NEONBF16", bytes: 128, load: loadWhole, multiply: usmmla, pairs: true, integer: true}
)

const neonHeight = 6 // of the tallest tile: 24 registers of sums, 6 of A, 2 of the panel

func neonGemm(f neonFormat) func(g *neon) {
	return func(g *neon) {
		g.function(f.name+f.tier, "", "makes a tile of h rows, up to 6, and 16 columns.", "t *tile", "h int")
		m := &neonTile{neon: g, f: f, t: g.arg("t")}
		h := g.arg("h")
		m.panel, m.next, m.stride, m.k, m.from = m.field(tileB), m.field(tileNext), m.field(tileStride), m.field(tileK), m.field(tileFrom)
		lda := m.field(tileLDA)
		m.rows = []x{m.field(tileA)}
		for i := 1; i < neonHeight; i++ {
			m.rows = append(m.rows, g.x())
			g.op("ADD", lda, m.rows[i-1], m.rows[i])
		}
		g.eachHeight(h, m.height)
	}
}

// eachHeight calls body for the number of rows that h holds.
func (g *neon) eachHeight(h x, body func(h int)) {
	numbers := g.xs
	heights := make([]string, neonHeight+1)
	for i := 1; i <= neonHeight; i++ {
		heights[i] = g.label("height")
		g.op("CMP", i, h)
		g.op("BEQ", heights[i])
	}
	g.op("RET")
	for i := neonHeight; i > 0; i-- {
		g.place(heights[i])
		g.xs, g.vs = numbers, 0
		body(i)
	}
}

// A neonTile is a micro-kernel under construction.
type neonTile struct {
	*neon
	f                               neonFormat
	t, panel, next, stride, k, from x
	rows                            []x // of A
	a                               []v // values of A: one register a row, or two a pair of rows
	sums                            [][4]v
	b                               [][2]v // for the panel, which take turns
	turn                            int
	h                               int
	apart                           bool // steps of the panel lie stride apart, and nothing is fetched ahead
}

func (m *neonTile) field(off int) x {
	r := m.x()
	m.op("MOVD", address(m.t, off), r)
	return r
}

// height writes the micro-kernel for h rows. Each sum takes its products in the order of K.
func (m *neonTile) height(h int) {
	m.h = h
	whole := h // with pairs, a row alone has itself as its neighbour, and what comes of that is left behind
	if m.f.pairs && h%2 == 1 {
		whole++
		m.op("MOVD", m.rows[h-1], m.rows[h])
	}
	m.share(whole)
	m.begin()

	m.products()
	m.end()
}

// share gives the registers to so many rows.
func (m *neonTile) share(rows int) {
	m.a, m.sums, m.b, m.turn = m.vectors(rows), make([][4]v, rows), nil, 0
	for r := range m.sums {
		m.sums[r] = [4]v(m.vectors(4))
	}
	for m.vs+2 <= 32 {
		m.b = append(m.b, [2]v(m.vectors(2)))
	}
}

// products adds k products to the sums.
func (m *neonTile) products() {
	loop, rest, one, done := m.label("loop"), m.label("rest"), m.label("one"), m.label("done")
	steps := 4
	if m.f.pairs {
		steps = 2
	}
	m.op("SUBS", steps, m.k, m.k)
	m.op("BLT", rest)
	m.place(loop)
	if !m.apart {
		for line := 0; line < steps*m.f.bytes; line += 64 {
			m.op("PRFM", address(m.next, line), "PLDL2KEEP")
		}
		m.op("ADD", m.stride, m.next, m.next)
	}
	m.left(16)
	for i := range steps {
		m.step(i)
	}
	if !m.apart {
		m.op("ADD", steps*m.f.bytes, m.panel, m.panel)
	}
	m.op("SUBS", steps, m.k, m.k)
	m.op("BGE", loop)
	m.place(rest)
	m.op("ADDS", steps, m.k, m.k)
	m.op("BEQ", done)
	m.place(one)
	m.left(16 / steps)
	m.step(0)
	if !m.apart {
		m.op("ADD", m.f.bytes, m.panel, m.panel)
	}
	m.op("SUBS", 1, m.k, m.k)
	m.op("BNE", one)
	m.place(done)
}

// zip makes (lower half of a, lower half of b), or of the upper ones.
func (m *neonTile) zip(half string, a, b, to v) {
	m.op("VZIP"+half, b.as("D2"), a.as("D2"), to.as("D2"))
}

// begin sets the sums to those so far, or zero. Pairs of rows hold sums of two columns of the first row, then of the second.
func (m *neonTile) begin() {
	fresh, ready := m.label("fresh"), m.label("ready")
	m.op("CBZ", m.from, fresh)
	if m.f.pairs {
		for r := 0; r < len(m.sums); r += 2 {
			for j := range 4 {
				x, y := m.b[0][0], m.b[0][1]
				m.op("FMOVQ", address(m.from, 64*r+16*j), x)
				m.op("FMOVQ", address(m.from, 64*min(r+1, m.h-1)+16*j), y)
				m.zip("1", x, y, m.sums[r][j])
				m.zip("2", x, y, m.sums[r+1][j])
			}
		}
	} else {
		for r, s := range m.sums {
			for j := 0; j < 4; j += 2 {
				m.op("FLDPQ", address(m.from, 64*r+16*j), pair(s[j], s[j+1]))
			}
		}
	}
	m.op("B", ready)
	m.place(fresh)
	for _, s := range m.sums {
		for _, r := range s {
			m.zero(r)
		}
	}
	m.place(ready)
}

// left reads so many bytes of each row of A: 16, or those of one step.
func (m *neonTile) left(bytes int) {
	move := map[int]string{16: "FMOVQ.P", 8: "FMOVD.P", 4: "FMOVS.P"}[bytes]
	if !m.f.pairs {
		for r, a := range m.a {
			m.op(move, address(m.rows[r], bytes), a)
		}
		return
	}
	for r := 0; r < len(m.a); r += 2 {
		x, y := m.b[0][0], m.b[0][1]
		m.op(move, address(m.rows[r], bytes), x)
		m.op(move, address(m.rows[r+1], bytes), y)
		m.zip("1", x, y, m.a[r])
		if bytes == 16 {
			m.zip("2", x, y, m.a[r+1])
		}
	}
}

// step multiplies step i of those that the registers of A hold. Two registers of the panel are 8 columns, or 4 of pairs.
func (m *neonTile) step(i int) {
	parts := 2
	if m.f.pairs {
		parts = 4
	}
	for part := range parts {
		b := m.b[m.turn%len(m.b)]
		m.turn++
		offset := part * m.f.bytes / parts
		if !m.apart {
			offset += i * m.f.bytes
		}
		m.f.load(m.neon, m.panel, offset, b)
		for r := range m.a {
			for j := range 2 {
				if !m.f.pairs {
					m.do(m.f.multiply, m.sums[r][2*part+j], b[j], m.a[r], v(i))
				} else if r%2 == 0 {
					m.do(m.f.multiply, m.sums[r+j][part], m.a[r+i], b[j])
				}
			}
		}
	}
	if m.apart {
		m.op("ADD", m.stride, m.panel, m.panel)
	}
}

// end brings the sums into rows, finishes and stores them.
func (m *neonTile) end() {
	if m.f.pairs {
		free := m.b[0][0]
		for r := 0; r < len(m.sums); r += 2 {
			for j := range 4 {
				x, y := m.sums[r][j], m.sums[r+1][j]
				m.zip("1", x, y, free)
				m.zip("2", x, y, y)
				m.sums[r][j], free = free, x
			}
		}
		m.b[0][0] = free
	}
	if !m.f.integer {
		m.finishFloats()
	}
	c, ldc := m.field(tileC), m.field(tileLDC)
	for _, s := range m.sums[:m.h] {
		for j := 0; j < 4; j += 2 {
			m.op("FSTPQ", pair(s[j], s[j+1]), address(c, 16*j))
		}
		m.op("ADD", ldc, c, c)
	}
	m.op("RET")
}

// finishFloats multiplies the sums by the scales of their columns and adds bias and residual, each if there is one.
func (m *neonTile) finishFloats() {
	b := m.b[0]
	taken := m.xs
	each := func(off int, by encoding) {
		m.xs = taken
		skip, values := m.label("skip"), m.field(off)
		m.op("CBZ", values, skip)
		for j := 0; j < 4; j += 2 {
			m.op("FLDPQ", address(values, 16*j), pair(b[0], b[1]))
			for _, s := range m.sums[:m.h] {
				m.do(by, s[j], s[j], b[0])
				m.do(by, s[j+1], s[j+1], b[1])
			}
		}
		m.place(skip)
	}
	each(tileScale, fmul)
	each(tileBias, fadd)
	m.xs = taken
	residual, ldr, store := m.field(tileResidual), m.field(tileLDR), m.label("store")
	m.op("CBZ", residual, store)
	for _, s := range m.sums[:m.h] {
		for j := 0; j < 4; j += 2 {
			m.op("FLDPQ", address(residual, 16*j), pair(b[0], b[1]))
			m.do(fadd, s[j], s[j], b[0])
			m.do(fadd, s[j+1], s[j+1], b[1])
		}
		m.op("ADD", ldr, residual, residual)
	}
	m.place(store)
	m.xs = taken
}
