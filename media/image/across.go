package image

import "encoding/binary"

// rows resizes n (1 or 2) rows horizontally by the plan in r.across and writes them to dst, one after the other. src
// begins at source column from of the first row; the second lies stride pixels further. Columns from..to are read.
func (r *resizer) rows(dst, src []uint8, n, channels, stride, from, to int) {
	out, wide := channels*len(r.across.first), channels*(to-from)
	a, da := src[:wide], dst[:out]
	b, db := a, da // with one row, both halves hold it
	if n == 2 {
		b, db = src[stride*channels:][:wide], dst[out:2*out]
	}
	if channels == 3 {
		r.rows3(da, db, a, b, from)
	} else {
		r.rows1(da, db, a, b, from)
	}
}

// rows3 sums six samples for each source column: red and green of both rows, and the two blues together.
func (r *resizer) rows3(da, db, a, b []uint8, from int) {
	n := len(a) / 3
	for i := range 3 {
		r.pair[i] = grow(r.pair[i], n)
	}
	p0, p1, p2 := r.pair[0][:n], r.pair[1][:n], r.pair[2][:n]
	widen(p0, p1, p2, a, b)
	t := &r.across
	for x, first := range t.first {
		w := t.weight[x*t.size:][:t.count[x]]
		at := int(first) - from
		q0, q1, q2 := p0[at:][:len(w)], p1[at:][:len(w)], p2[at:][:len(w)]
		var s0, s1, s2 uint64 = rounding, rounding, rounding
		i := 0
		for ; i < len(w)-1; i += 2 { // by twos: a third faster
			k, l := w[i], w[i+1]
			s0 += q0[i]*k + q0[i+1]*l
			s1 += q1[i]*k + q1[i+1]*l
			s2 += q2[i]*k + q2[i+1]*l
		}
		if i < len(w) {
			s0 += q0[i] * w[i]
			s1 += q1[i] * w[i]
			s2 += q2[i] * w[i]
		}
		oa, ob := da[3*x:3*x+3:3*x+3], db[3*x:3*x+3:3*x+3]
		ob[0], ob[1] = split(s2)
		oa[0], oa[1] = split(s0)
		oa[2], ob[2] = split(s1)
	}
}

// widen spreads the samples of two rows of pixels over the halves of 64-bit integers. Two pixels are loaded at a time.
func widen(p0, p1, p2 []uint64, a, b []uint8) {
	const low, high = 0xff, 0xff << 32
	p1, p2 = p1[:len(p0)], p2[:len(p0)]
	i := 0
	for ; i+2 < len(p0) && len(a) >= 8 && len(b) >= 8; i += 2 {
		u, v := binary.LittleEndian.Uint64(a), binary.LittleEndian.Uint64(b)
		a, b = a[6:], b[6:]
		p0[i] = u&low | u<<24&high
		p1[i] = u>>16&low | v<<16&high
		p2[i] = v&low | v<<24&high
		p0[i+1] = u>>24&low | u&high
		p1[i+1] = u>>40&low | v>>8&high
		p2[i+1] = v>>24&low | v&high
	}
	for ; i < len(p0); i++ {
		pa, pb := a[:3:3], b[:3:3]
		p0[i] = uint64(pa[0]) | uint64(pa[1])<<32
		p1[i] = uint64(pa[2]) | uint64(pb[2])<<32
		p2[i] = uint64(pb[0]) | uint64(pb[1])<<32
		a, b = a[3:], b[3:]
	}
}

// rows1 sums the samples of both rows together.
func (r *resizer) rows1(da, db, a, b []uint8, from int) {
	n := len(a)
	r.pair[0] = grow(r.pair[0], n)
	p := r.pair[0][:n]
	b = b[:len(p)]
	for i := range p {
		p[i] = uint64(a[i]) | uint64(b[i])<<32
	}
	t := &r.across
	for x, first := range t.first {
		w := t.weight[x*t.size:][:t.count[x]]
		q := p[int(first)-from:][:len(w)]
		var s uint64 = rounding
		for i, k := range w {
			s += q[i] * k
		}
		da[x], db[x] = split(s)
	}
}
