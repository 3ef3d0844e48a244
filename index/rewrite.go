package index

import (
	"context"

	"github.com/chiasm/chiasm/internal/par"
)

const (
	compactRows = 4096      // of a block that compaction writes
	clusterRows = 4 * 4096  // of one whose rows lie in cells
	clusterAt   = 32 * 1024 // vectors that are worth it
)

// A move is where rows went.
type move struct {
	segments []*segment
	to       map[row]row
}

// A source is a live row of the victims.
type source struct {
	v  *view
	b  *block
	at int
}

func (s *source) vector(d int) []float32 { return s.b.values[s.at*d : (s.at+1)*d] }

// rewrite copies what lives of the victims into new segments that no manifest names yet.
func (x *Index) rewrite(ctx context.Context, victims []view, frame *frame) (m move, err error) {
	w := &rewriter{x: x, frame: frame, move: move{to: map[row]row{}}}
	defer func() {
		if closing := w.close(); err == nil {
			err = closing
		}
		m = w.move
	}()
	var rows []source
	for i := range victims {
		v := &victims[i]
		for j := range v.blocks {
			b := &v.blocks[j]
			for k := range b.ids {
				if !v.isDead(uint32(b.first + k)) {
					rows = append(rows, source{v, b, k})
				}
			}
		}
	}
	w.kills = others(victims)
	if len(rows) >= x.clusterAt {
		return m, w.clustered(ctx, rows)
	}
	for len(rows) > 0 {
		n := min(len(rows), compactRows)
		if err := w.write(ctx, rows[:n], nil, nil); err != nil {
			return m, err
		}
		rows = rows[n:]
	}
	if len(w.kills) > 0 {
		return m, w.write(ctx, nil, nil, nil)
	}
	return m, nil
}

// A rewriter writes segments anew.
type rewriter struct {
	move
	x     *Index
	frame *frame
	kills []row // that the next block takes along
	s     *segment
	f     File
	batch batch
}

func (w *rewriter) close() error {
	if w.f == nil {
		return nil
	}
	f := w.f
	w.f = nil
	return f.Close()
}

// write writes rows as a block.
func (w *rewriter) write(ctx context.Context, rows []source, cells []cell, middle []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if w.f != nil && w.s.size >= w.x.opts.SegmentBytes {
		if err := w.close(); err != nil {
			return err
		}
	}
	if w.f == nil {
		w.x.mu.Lock()
		number := w.x.manifest.Next
		w.x.manifest.Next++ // the manifest on disk says so before the file counts
		w.x.mu.Unlock()
		var err error
		if w.s, w.f, err = w.x.create(number, w.frame); err != nil {
			return err
		}
		w.segments = append(w.segments, w.s)
	}
	b, d := &w.batch, w.frame.dimension
	b.ids, b.vectors = b.ids[:0], b.vectors[:0]
	for i := range rows {
		b.ids, b.vectors = append(b.ids, rows[i].b.ids[rows[i].at]), append(b.vectors, rows[i].vector(d)...)
	}
	b.kills, b.cells, b.middle = w.kills, cells, middle
	data := b.encode(w.frame, w.s.rows, w.s.durable)
	if _, err := w.f.Write(data); err != nil {
		return err
	}
	if err := w.f.Sync(); err != nil {
		return err
	}
	for i, r := range rows {
		w.to[row{r.v.number, uint32(r.b.first + r.at)}] = row{w.s.number, uint32(w.s.rows + i)}
	}
	w.s.rows += len(rows)
	w.s.size += int64(len(data))
	w.s.durable, w.kills = w.s.size, nil
	return nil
}

// clustered writes rows so that those of a cell lie side by side.
func (w *rewriter) clustered(ctx context.Context, rows []source) error {
	n := &nearing{f: w.frame, rows: rows, codes: make([]byte, len(rows)*nearWidth), scales: make([]float32, len(rows)), offsets: make([]float32, len(rows))}
	par.Do(n, (len(rows)+encodeRows-1)/encodeRows, 0)
	if err := ctx.Err(); err != nil {
		return err
	}
	c := cluster(n.codes, n.scales)
	for first := 0; first < len(rows); first += clusterRows {
		last := min(first+clusterRows, len(rows))
		some := make([]source, 0, clusterRows)
		var cells []cell
		var middle []byte
		for i := first; i < last; {
			l := int(c.labels[c.order[i]])
			end := min(last, c.starts[l+1])
			from, offset := i-first, 0.0
			for ; i < end; i++ {
				some = append(some, rows[c.order[i]])
				offset += float64(n.offsets[c.order[i]])
			}
			codes := make([]byte, nearWidth)
			scale, _ := code(codes, c.middles[l*nearWidth:(l+1)*nearWidth])
			cells = append(cells, cell{uint32(from), scale, float32(offset / float64(len(some)-from)), 0})
			middle = append(middle, codes...)
		}
		if err := w.write(ctx, some, cells, middle); err != nil {
			return err
		}
	}
	return nil
}

// A nearing makes near codes of rows.
type nearing struct {
	f       *frame
	rows    []source
	codes   []byte // i8
	scales  []float32
	offsets []float32
}

// Run does some rows.
func (n *nearing) Run(chunk int) {
	d := n.f.dimension
	r, z := make([]float32, d), make([]float32, nearWidth)
	for i := chunk * encodeRows; i < min((chunk+1)*encodeRows, len(n.rows)); i++ {
		n.f.relative(r, n.rows[i].vector(d))
		n.f.look(z, r)
		codes := n.codes[i*nearWidth : (i+1)*nearWidth]
		n.scales[i], n.offsets[i] = nearCodes(codes, z), float32(inner(n.f.mean, r))
		for k := range codes {
			codes[k] ^= 128
		}
	}
}
