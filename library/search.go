package library

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	stdimage "image"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/index"
	"github.com/chiasm/chiasm/media/audio"
	"github.com/chiasm/chiasm/media/image"
)

// Results are the answer to a query.
type Results struct {
	Hits  []Hit `json:"hits"`
	More  bool  `json:"more"`  // there are hits after these
	Files int   `json:"files"` // that fulfil the conditions
	Cut   bool  `json:"cut"`   // what came after was too far from the query to be meant: the model's calibration says so
	Space Space `json:"space"`
}

// A Hit is a file that was found, and the moment of it that fits best.
type Hit struct {
	Path  string   `json:"path"`
	Kind  string   `json:"kind"`
	Score float64  `json:"score"`           // the cosine of the query and the moment, 0 where only words were found
	Start *float64 `json:"start,omitempty"` // seconds, of sounds and videos
	End   *float64 `json:"end,omitempty"`
	ID    int64    `json:"id"`

	Moments []Moment `json:"-"` // the best ones, of sounds and videos
}

// A Moment is a stretch of a sound or a video.
type Moment struct {
	Start float64 `json:"start"`
	End   float64 `json:"end"`
	Score float64 `json:"score"`
}

const (
	defaultLimit = 20
	mostLimit    = 10000 // of hits at once
	mostMoments  = 10    // of a hit
	fusion       = 60    // of reciprocal rank fusion (Cormack et al. 2009)
)

// Search finds the files that a query means, the best first. The model is the one whose space answers: see [Library.Current].
func (l *Library) Search(ctx context.Context, m Model, q Query) (Results, error) {
	r, err := l.search(ctx, m, &q)
	var syntax *SyntaxError
	if err != nil && ctx.Err() == nil && !errors.As(err, &syntax) {
		err = fmt.Errorf("library: %w", err)
	}
	return r, err
}

func (l *Library) search(ctx context.Context, m Model, q *Query) (r Results, err error) {
	if q.Limit <= 0 {
		q.Limit = defaultLimit
	}
	q.Limit, q.Offset = min(q.Limit, mostLimit), max(q.Offset, 0)
	s, ok, err := l.spaceOf(ctx, m)
	if err != nil {
		return r, err
	}
	if !ok {
		return r, l.foreign(ctx, m)
	}
	r.Space = s
	var allowed *filtered // nil for all
	if _, ok := calibrated(m); ok || q.conditional() {
		if allowed, err = l.filter(ctx, s, q); err != nil {
			return r, err
		}
		r.Files = allowed.count
	} else if err := l.db.QueryRowContext(ctx, "SELECT count(*) FROM files").Scan(&r.Files); err != nil {
		return r, err
	}
	need := q.Offset + q.Limit + 1
	vector, err := l.direction(ctx, m, s, q)
	if err != nil {
		return r, err
	}
	var near []Hit
	if vector != nil {
		if near, r.Cut, err = l.near(ctx, m, s, q, vector, allowed, need); err != nil {
			return r, err
		}
	}
	hits := near
	if !q.NoWords && len(q.Terms) > 0 {
		words, err := l.lexical(ctx, q, allowed)
		if err != nil {
			return r, err
		}
		if hits, err = l.fuse(ctx, near, words); err != nil {
			return r, err
		}
	} else if vector == nil {
		if hits, err = l.newest(ctx, q, need); err != nil {
			return r, err
		}
	}
	r.More = len(hits) > q.Offset+q.Limit
	hits = hits[min(q.Offset, len(hits)):]
	r.Hits = hits[:min(q.Limit, len(hits))]
	return r, nil
}

// foreign says that a model's vectors are not in the library, and which are.
func (l *Library) foreign(ctx context.Context, m Model) error {
	all, err := l.spaces(ctx)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return errors.New("it is empty: index a folder first")
	}
	return fmt.Errorf("it holds vectors of %s, none of %s: search with that model, or index with this one first", names(all), m.Space())
}

// A look is a search of some of the pieces.
type look struct {
	pieces index.Filter      // nil for all
	fits   *chiasm.Relevance // how a cosine is to be read, nil if that is not known
	least  *float64
}

// looks is how to search: at once, or where the model is calibrated at pictures and sounds apart, whose cosines mean different things.
// A query of more than one text has cosines that no calibration is for.
func looks(m Model, q *Query, allowed *filtered) []look {
	c, ok := calibrated(m)
	if !ok || len(q.Like) > 0 || len(q.Terms) != 1 || q.Terms[0].Weight < 0 {
		return nil
	}
	var out []look
	for _, side := range []struct {
		modality string
		pieces   index.Filter
	}{{Image, without{allowed.pieces, allowed.sounds}}, {Audio, allowed.sounds}} {
		l := look{pieces: side.pieces}
		if r, ok := c.Relevance(side.modality); ok {
			l.fits = &r
			if q.Strictness > 0 {
				least := float64(r.Least(min(q.Strictness, strictest)))
				l.least = &least
			}
		} else if side.modality == Image || len(allowed.sounds) > 0 {
			return nil // they could not be put in one order
		}
		out = append(out, l)
	}
	return out
}

// calibrated is a model's calibration, if it has one for anything.
func calibrated(m Model) (c Calibrated, ok bool) {
	if c, ok = m.(Calibrated); ok {
		_, sees := c.Relevance(Image)
		_, hears := c.Relevance(Audio)
		ok = sees || hears
	}
	return c, ok
}

// strictest is the probability that the largest strictness asks for.
const strictest = 0.999

// near ranks files by the nearest of their pieces: by how likely they are meant if the model knows, else by their cosines. Cut says that
// there was more, too far from the query to be meant.
func (l *Library) near(ctx context.Context, m Model, s Space, q *Query, vector []float32, allowed *filtered, need int) (hits []Hit, cut bool, err error) {
	x, err := l.vectors(ctx, s)
	if err != nil {
		return nil, false, err
	}
	all := looks(m, q, allowed)
	if all == nil {
		all = []look{{pieces: allowed.filter()}}
	}
	for k := max(2*need, 64); ; k *= 4 {
		var found []piecesHit
		more := false
		for _, look := range all {
			some, err := x.Search(ctx, index.Query{Vector: vector, K: k, Filter: look.pieces, Least: look.least})
			if err != nil {
				return nil, false, err
			}
			more = more || len(some) == k
			if look.least != nil && len(some) < k && !cut {
				beyond, err := x.Search(ctx, index.Query{Vector: vector, K: len(some) + 1, Filter: look.pieces})
				if err != nil {
					return nil, false, err
				}
				cut = len(beyond) > len(some)
			}
			for _, h := range some {
				fit := h.Score
				if look.fits != nil {
					fit = look.fits.Of(float32(h.Score))
				}
				found = append(found, piecesHit{h, fit})
			}
		}
		slices.SortStableFunc(found, func(a, b piecesHit) int { return cmp.Compare(b.fit, a.fit) })
		if hits, err = l.files(ctx, found); err != nil {
			return nil, false, err
		}
		if len(hits) >= need || !more {
			return hits, cut, nil
		}
	}
}

// A piecesHit is a piece that was found, and how well it fits: comparable between pictures and sounds.
type piecesHit struct {
	index.Hit
	fit float64
}

// files joins the pieces of a file into one hit, in the order of the best ones.
func (l *Library) files(ctx context.Context, found []piecesHit) ([]Hit, error) {
	statement, err := l.db.PrepareContext(ctx, "SELECT f.id, f.path, f.kind, p.start, p.stop FROM pieces p JOIN files f ON f.id = p.file WHERE p.id = ?")
	if err != nil {
		return nil, err
	}
	defer statement.Close()
	var hits []Hit
	at := map[int64]int{}
	for _, f := range found {
		h := Hit{Score: f.Score}
		var path []byte
		rows, err := statement.QueryContext(ctx, f.ID)
		if err != nil {
			return nil, err
		}
		there := rows.Next() // else it has just been deleted, or is not told of yet
		if there {
			err = rows.Scan(&h.ID, &path, &h.Kind, &h.Start, &h.End)
		}
		if err = errors.Join(err, rows.Err(), rows.Close()); err != nil {
			return nil, err
		}
		if !there {
			continue
		}
		h.Path = string(path)
		i, known := at[h.ID]
		if !known {
			i = len(hits)
			at[h.ID] = i
			hits = append(hits, h)
		}
		if h.Start != nil && h.End != nil && len(hits[i].Moments) < mostMoments {
			hits[i].Moments = append(hits[i].Moments, Moment{*h.Start, *h.End, h.Score})
		}
	}
	return hits, nil
}

// fuse joins what is near and what holds the words by reciprocal rank fusion.
func (l *Library) fuse(ctx context.Context, near []Hit, words []match) ([]Hit, error) {
	if len(words) == 0 {
		return near, nil
	}
	rank := map[int64]float64{}
	byID := map[int64]Hit{}
	for i, h := range near {
		rank[h.ID] += 1 / float64(fusion+i+1)
		byID[h.ID] = h
	}
	place := 0
	for i, w := range words {
		if i > 0 && w.weight < words[i-1].weight {
			place = i // files that hold as much share a place
		}
		rank[w.file] += 1 / float64(fusion+place+1)
		if _, ok := byID[w.file]; ok {
			continue
		}
		h := Hit{ID: w.file}
		var path []byte
		if err := l.db.QueryRowContext(ctx, "SELECT path, kind FROM files WHERE id = ?", w.file).Scan(&path, &h.Kind); err != nil {
			continue // it has just been deleted
		}
		h.Path = string(path)
		byID[w.file] = h
	}
	hits := make([]Hit, 0, len(byID))
	for _, h := range byID {
		hits = append(hits, h)
	}
	slices.SortFunc(hits, func(a, b Hit) int {
		switch x, y := rank[a.ID], rank[b.ID]; {
		case x != y:
			return sign(y - x)
		case a.Score != b.Score:
			return sign(b.Score - a.Score)
		}
		return sign(float64(a.ID - b.ID))
	})
	return hits, nil
}

func sign(x float64) int {
	if x < 0 {
		return -1
	}
	return 1
}

// newest lists the files that fulfil the conditions of a query that says nothing else.
func (l *Library) newest(ctx context.Context, q *Query, need int) (hits []Hit, err error) {
	clause, args := q.where()
	err = each(ctx, l.db, func(scan func(...any) error) error {
		var h Hit
		var path []byte
		err := scan(&h.ID, &path, &h.Kind)
		h.Path = string(path)
		hits = append(hits, h)
		return err
	}, "SELECT id, path, kind FROM files WHERE error IS NULL AND "+clause+" ORDER BY coalesce(taken, modified / 1000000000) DESC, id LIMIT ?", append(args, need)...)
	return hits, err
}

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
		img, err := image.Open(path, &image.Options{Pixels: mostPixels, Warn: func(error) {}})
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
