package index

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sort"
)

const (
	fewRows    = 512 // blocks with fewer than this on average are worth joining
	manyBlocks = 64  // where there are as many as this
)

// Compact writes segments anew of which more than a quarter is dead, or that consist of very many small blocks, and gives their room
// back. Where many vectors, and more than a quarter, have been added since it last did so, it writes all anew, those that are near one another side by
// side, and learns along which directions they differ: then far fewer bytes are read for an exact answer, and fewer still for one that need not be
// (see [Query]). Searches and writers go on meanwhile. It does nothing where there is nothing to gain.
func (x *Index) Compact(ctx context.Context) error {
	learnt := x.learn()
	x.mu.Lock()
	err := x.writable()
	if err == nil {
		err = x.seal() // what is compacted grows no more
	}
	var victims []view
	for _, s := range x.segments {
		if v := s.view(); err == nil && (learnt != nil || worthwhile(&v)) && !s.damaged {
			victims = append(victims, v)
		}
	}
	frame := cmp.Or(learnt, x.newest())
	if err == nil && len(victims) > 0 {
		_, err = x.begin(frame)
	}
	now := x.acquire() // holds the victims' memory
	x.mu.Unlock()
	if now != nil {
		defer now.release()
	}
	if err != nil {
		return fmt.Errorf("index: %s: %w", x.dir, err)
	}
	if len(victims) == 0 {
		return nil
	}
	moved, err := x.rewrite(ctx, victims, frame)
	if err != nil {
		for _, s := range moved.segments {
			s.memory.release()
			_ = x.opts.FS.Remove(s.path)
		}
		return fmt.Errorf("index: %s: compacting: %w", x.dir, err)
	}
	if err := x.exchange(victims, moved); err != nil {
		return fmt.Errorf("index: %s: compacting: %w", x.dir, err)
	}
	if err := x.sound(ctx); err != nil {
		return fmt.Errorf("index: %s: compacting: %w", x.dir, err)
	}
	return nil
}

// sound measures how deep a search must go.
func (x *Index) sound(ctx context.Context) error {
	now := x.acquire()
	if now == nil {
		return os.ErrClosed
	}
	defer now.release()
	if now.cells == 0 {
		return nil
	}
	measured, err := now.measure(ctx, x.Dimension())
	if err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := x.writable(); err != nil {
		return err
	}
	x.manifest.Sounding = measured
	if err := x.keep(); err != nil {
		return err
	}
	x.publish()
	return nil
}

func worthwhile(v *view) bool {
	total := v.live() + v.killed
	return v.killed*4 > total || len(v.blocks) >= manyBlocks && total < fewRows*len(v.blocks)
}

// learn makes a new frame, where so many vectors lie in no cell that it is worth learning anew where they lie; else it is nil.
func (x *Index) learn() *frame {
	now := x.acquire()
	if now == nil {
		return nil
	}
	defer now.release()
	var blocks []*block
	var counts []int
	loose, all := 0, 0
	for i := range now.views {
		for j := range now.views[i].blocks {
			b := &now.views[i].blocks[j]
			if len(b.cells) == 0 {
				loose += len(b.ids)
			}
			if len(b.ids) > 0 {
				blocks, counts = append(blocks, b), append(counts, all)
				all += len(b.ids)
			}
		}
	}
	if loose < x.clusterAt || loose*4 <= all {
		return nil
	}
	d := x.Dimension()
	r := rand.New(rand.NewPCG(3, uint64(all)))
	sample := make([]float32, 0, trainRows*d)
	for range trainRows {
		n := r.IntN(all)
		at := sort.SearchInts(counts, n+1) - 1
		row := source{b: blocks[at], at: n - counts[at]}
		sample = append(sample, row.vector(d)...)
	}
	return train(sample, d)
}

// others is what the victims' blocks killed outside of them: that must not rise again when they go.
func others(victims []view) (kills []row) {
	for i := range victims {
		for _, b := range victims[i].blocks {
			for _, k := range b.kills {
				if !slices.ContainsFunc(victims, func(v view) bool { return v.number == k.segment }) {
					kills = append(kills, k)
				}
			}
		}
	}
	return kills
}

// exchange puts the new segments in the place of the victims. Rows that were killed meanwhile are killed where they went.
func (x *Index) exchange(victims []view, m move) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := x.writable(); err != nil {
		return err
	}
	for _, s := range m.segments {
		if err := s.remap(); err != nil {
			return err
		}
	}
	was, numbers := map[uint32]*view{}, []uint32{}
	for i := range victims {
		was[victims[i].number] = &victims[i]
	}
	var kept []*segment
	var killed []row
	for _, s := range x.segments {
		v := was[s.number]
		if v == nil {
			kept = append(kept, s)
			continue
		}
		now := s.view()
		for from, to := range m.to {
			if from.segment == s.number && now.isDead(from.row) && !v.isDead(from.row) {
				killed = append(killed, to)
			}
		}
	}
	segments := append(slices.Clone(m.segments), kept...) // the one that is appended to stays the last
	for _, s := range segments {
		numbers = append(numbers, s.number)
	}
	before := x.manifest
	x.manifest.Segments = numbers
	old := x.segments
	x.segments = segments
	if len(killed) > 0 {
		// The kills are written, and durable, before the manifest names what they are of.
		if err := x.commit(nil, nil, killed); err != nil {
			x.manifest.Segments, x.segments, x.where = before.Segments, old, nil
			x.publish()
			return err
		}
		if err := x.sync(); err != nil {
			return err
		}
	}
	if err := x.keep(); err != nil {
		x.broken = err // the disk has the old state or the new one, both whole: only reading it again tells
		return err
	}
	x.where = nil
	x.publish()
	for _, s := range old {
		if was[s.number] != nil {
			s.memory.release()
			_ = x.opts.FS.Remove(s.path) // if it stays, the next start sweeps it away
		}
	}
	return nil
}

// Check reads everything and compares it with its checksums. The first difference is its error.
func (x *Index) Check(ctx context.Context) error {
	s := x.acquire()
	if s == nil {
		return fmt.Errorf("index: %s: %w", x.dir, os.ErrClosed)
	}
	defer s.release()
	for i := range s.views {
		path := segmentPath(x.dir, s.views[i].number)
		m, err := mapFile(path)
		if err != nil {
			return fmt.Errorf("index: %w", err)
		}
		data := m.data
		if size := s.views[i].size; size >= headerBytes && size < int64(len(data)) {
			data = data[:size]
		}
		err = checkFile(ctx, data, x.Dimension())
		m.retain().release()
		if err != nil {
			return fmt.Errorf("index: %s: %w", path, err)
		}
	}
	return nil
}

func checkFile(ctx context.Context, data []byte, dimension int) error {
	if len(data) < headerBytes {
		return fmt.Errorf("%d bytes, want %d or more", len(data), headerBytes)
	}
	begin := headerBytes
	if data[16] != 0 {
		if _, err := readFrame(data[headerBytes:], dimension, nil); err != nil {
			return err
		}
		begin += frameBytes(dimension)
	}
	blocks, gaps := walk(data, begin, dimension)
	if len(gaps) > 0 {
		return gaps[0]
	}
	for _, b := range blocks {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !b.whole(data[b.at:]) {
			return fmt.Errorf("the block at byte %d differs from its checksum", b.at)
		}
	}
	return nil
}

// Suspects lists the ids of vectors that differ, or may differ, from what was written: those of blocks with another checksum. What could
// not be read at all is not among them: see [Index.Damages].
func (x *Index) Suspects(ctx context.Context) ([]uint64, error) {
	s := x.acquire()
	if s == nil {
		return nil, fmt.Errorf("index: %s: %w", x.dir, os.ErrClosed)
	}
	defer s.release()
	var ids []uint64
	for i := range s.views {
		v := &s.views[i]
		m, err := mapFile(segmentPath(x.dir, v.number))
		if err != nil {
			return nil, fmt.Errorf("index: %w", err)
		}
		m.retain()
		begin := headerBytes
		if len(m.data) > begin && m.data[16] != 0 {
			begin = min(begin+frameBytes(x.Dimension()), len(m.data))
		}
		blocks, _ := walk(m.data, begin, x.Dimension()) // gaps are damages, and told of
		for _, b := range blocks {
			if ctx.Err() != nil {
				break
			}
			if b.whole(m.data[b.at:]) {
				continue
			}
			for _, of := range v.blocks {
				if of.first == b.first {
					ids = append(ids, of.ids...)
				}
			}
		}
		m.release()
	}
	return ids, ctx.Err()
}
