package library

import (
	"context"
	"errors"
	"fmt"
	stdimage "image"
	"math"
	"os"
	"path/filepath"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/media/audio"
	"github.com/chiasm/chiasm/media/image"
)

// direction is the one vector that a query's texts and examples make, nil if it has none: their weighted sum, of length 1.
func (l *Library) direction(ctx context.Context, m Model, s Space, q *Query) ([]float32, error) {
	if q.NoLike {
		return nil, nil
	}
	sum := make([]float64, s.Dimension)
	any := false
	add := func(v []float32, weight float64) {
		any = true
		for i, x := range v {
			sum[i] += weight * float64(x)
		}
	}
	var texts []string
	for _, t := range q.Terms {
		texts = append(texts, t.Text)
	}
	if len(texts) > 0 {
		out, err := m.EmbedQueries(ctx, texts)
		if err != nil {
			return nil, err
		}
		for i, e := range out {
			add(e.Values, q.Terms[i].Weight)
		}
	}
	for _, e := range q.Like {
		v, err := l.example(ctx, m, s, e)
		if err != nil {
			return nil, err
		}
		w := e.Weight
		if w == 0 {
			w = 1
		}
		add(v, w)
	}
	var length float64
	for _, x := range sum {
		length += x * x
	}
	if !any {
		return nil, nil
	}
	if length = math.Sqrt(length); length < 1e-9 {
		return nil, errors.New("what the query wants and what it does not want are the same")
	}
	out := make([]float32, len(sum))
	for i, x := range sum {
		out[i] = float32(x / length)
	}
	return out, nil
}

// example is the vector of an example: of a file of the library the mean of its own.
func (l *Library) example(ctx context.Context, m Model, s Space, e Example) ([]float32, error) {
	one := func(out []chiasm.Embedding, err error) ([]float32, error) {
		if err != nil {
			return nil, err
		}
		return out[0].Values, nil
	}
	switch {
	case e.Image != nil:
		return one(m.EmbedImages(ctx, []stdimage.Image{e.Image}))
	case e.Sound != nil:
		return one(m.EmbedAudios(ctx, []chiasm.Sound{*e.Sound}))
	}
	id, path := e.ID, e.Path
	if path != "" {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return nil, err
		}
		if err := l.db.QueryRowContext(ctx, "SELECT coalesce((SELECT id FROM files WHERE path = ?), 0)", []byte(absolute)).Scan(&id); err != nil {
			return nil, err
		}
	}
	if id != 0 {
		v, err := l.mean(ctx, s, id)
		if v != nil || err != nil {
			return v, err
		}
	}
	if path == "" {
		return nil, fmt.Errorf("the library has no vectors of item %d", e.ID)
	}
	return l.outside(ctx, m, path)
}

// outside is the vector of a file that the library does not hold.
func (l *Library) outside(ctx context.Context, m Model, path string) ([]float32, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	head := make([]byte, Sniffed)
	n, _ := f.Read(head) // a file that cannot be read is none of a known kind
	_ = f.Close()        // it was only read
	kind := Recognise(path, head[:n])
	rate, hears := m.Hears()
	switch {
	case kind == Image && m.Processor() != nil:
		o := m.Processor().Options()
		o.Pixels, o.Warn = mostPixels, func(error) {}
		img, err := image.Open(path, &o)
		if err != nil {
			return nil, err
		}
		out, err := m.EmbedImages(ctx, []stdimage.Image{img})
		if err != nil {
			return nil, err
		}
		return out[0].Values, nil
	case kind == Audio && rate > 0:
		samples, err := audio.Load(ctx, path, rate, hears)
		if err != nil && !errors.Is(err, audio.ErrLimit) && !errors.Is(err, audio.ErrTruncated) {
			return nil, err
		}
		out, err := m.EmbedAudios(ctx, []chiasm.Sound{{Samples: samples, Rate: rate}})
		if err != nil {
			return nil, err
		}
		return out[0].Values, nil
	}
	return nil, fmt.Errorf("%s: want a picture, or a sound that the model hears", path)
}

// mean is the direction of a file's vectors together, nil if it has none.
func (l *Library) mean(ctx context.Context, s Space, file int64) ([]float32, error) {
	x, err := l.vectors(ctx, s)
	if err != nil {
		return nil, err
	}
	var sum []float32
	err = each(ctx, l.db, func(scan func(...any) error) error {
		var id uint64
		if err := scan(&id); err != nil {
			return err
		}
		v := x.Get(id)
		if sum == nil {
			sum = v
			return nil
		}
		for i := range v {
			sum[i] += v[i]
		}
		return nil
	}, "SELECT id FROM pieces WHERE file = ? AND space = ?", file, s.id)
	if err != nil || sum == nil {
		return nil, err
	}
	var length float64
	for _, v := range sum {
		length += float64(v) * float64(v)
	}
	for i := range sum {
		sum[i] = float32(float64(sum[i]) / max(math.Sqrt(length), 1e-12))
	}
	return sum, nil
}
