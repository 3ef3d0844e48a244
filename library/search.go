package library

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/index"
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
	Path      string   `json:"path"`
	Kind      string   `json:"kind"`
	Score     float64  `json:"score"`           // the cosine of the query and the moment, 0 where only words were found
	Start     *float64 `json:"start,omitempty"` // seconds, of sounds and videos
	End       *float64 `json:"end,omitempty"`
	ID        int64    `json:"id"`
	PathBytes []byte   `json:"path_bytes,omitempty"` // the path where it is not UTF-8, which JSON cannot hold

	Moments       []Moment  `json:"-"` // the best ones, of sounds and videos
	Probability   *float64  `json:"-"` // how likely the query means it, where the model is calibrated
	Width, Height int       `json:"-"` // 0 if they are not known
	Duration      float64   `json:"-"` // seconds
	Taken         time.Time `json:"-"`
	Version       string    `json:"-"` // changes with the content

	pieces []index.Hit // the best ones, whose moments are to be filled in
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
	if q.Ranker != nil {
		return l.rerank(ctx, m, q)
	}
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
	vector, err := l.direction(ctx, m, s, q)
	if err != nil {
		return r, err
	}
	if vector == nil && (q.NoWords || len(q.Terms) == 0) {
		f, err := l.filter(ctx, s, q, false)
		if err != nil {
			return r, err
		}
		r.Files, r.More = f.count, f.count > q.Offset+q.Limit
		if r.Hits, err = l.newest(ctx, f, q.Offset, q.Limit); err != nil {
			return r, err
		}
		return r, l.details(ctx, r.Hits)
	}
	allowed, err := l.filter(ctx, s, q, q.conditional())
	if err != nil {
		return r, err
	}
	r.Files = allowed.count
	if !q.conditional() {
		allowed = nil // all of them
	}
	var hits []Hit
	if vector != nil {
		if hits, r.Cut, err = l.near(ctx, m, s, q, vector, allowed, q.Offset+q.Limit+1); err != nil {
			return r, err
		}
	}
	if !q.NoWords && len(q.Terms) > 0 {
		words, err := l.lexical(ctx, q, allowed, r.Files)
		if err != nil {
			return r, err
		}
		hits = fuse(hits, words)
	}
	r.More = len(hits) > q.Offset+q.Limit
	hits = hits[min(q.Offset, len(hits)):]
	r.Hits = hits[:min(q.Limit, len(hits))]
	if err := l.moments(ctx, r.Hits); err != nil {
		return r, err
	}
	return r, l.details(ctx, r.Hits)
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
	own    bool              // it was measured for this kind of pieces
	least  float64           // the cosine from which on a piece counts
}

// looks is how to search: at once, or where the model is calibrated at pictures and sounds apart, whose cosines mean different things. Where
// it is calibrated for one of them only, the other is read likewise, for want of something better. A query of more than one text has cosines
// that no calibration is for.
func looks(m Model, q *Query, allowed *filtered, sounds bits) []look {
	c, ok := calibrated(m)
	if !ok || len(q.Like) > 0 || len(q.Terms) != 1 || q.Terms[0].Weight < 0 {
		return []look{{pieces: allowed.choose(nil, nil), least: math.Inf(-1)}}
	}
	sight, sees := c.Relevance(Image)
	hearing, hears := c.Relevance(Audio)
	out := []look{{pieces: allowed.choose(nil, sounds), fits: &sight, own: sees}}
	if !sees {
		out[0].fits = &hearing
	}
	if len(sounds) > 0 {
		out = append(out, look{pieces: allowed.choose(sounds, nil), fits: &hearing, own: hears})
		if !hears {
			out[1].fits = &sight
		}
	}
	for i := range out {
		out[i].least = math.Inf(-1)
		if q.Strictness > 0 {
			out[i].least = float64(out[i].fits.Least(min(q.Strictness, strictest)))
		}
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
	sounds, err := l.sounds(ctx, s)
	if err != nil {
		return nil, false, err
	}
	all := looks(m, q, allowed, sounds)
	for k := max(2*need, 64); ; k *= 4 {
		var found []piecesHit
		more := false
		for _, look := range all {
			some, err := x.Search(ctx, index.Query{Vector: vector, K: k, Filter: look.pieces})
			if err != nil {
				return nil, false, err
			}
			if far := slices.IndexFunc(some, func(h index.Hit) bool { return h.Score < look.least }); far >= 0 {
				some, cut = some[:far], true
			}
			more = more || len(some) == k
			for _, h := range some {
				fit := h.Score
				if look.fits != nil {
					fit = look.fits.Of(float32(h.Score))
				}
				found = append(found, piecesHit{h, fit, look.own})
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
	fit   float64
	known bool // fit is a probability
}

// together is how many rows of the catalogue are asked for at once.
const together = 256

// files joins the pieces of a file into one hit, in the order of the best ones. Their moments and details are to be filled in.
func (l *Library) files(ctx context.Context, found []piecesHit) ([]Hit, error) {
	t, err := l.columns(ctx, "piece")
	if err != nil {
		return nil, err
	}
	hits := make([]Hit, 0, len(found))
	at := make(map[int64]int, len(found))
	for _, f := range found {
		file := int64(t["piece"].at(int(f.ID / chunkRows)).small[f.ID%chunkRows])
		if file == 0 {
			continue // it has just been deleted, or is not told of yet
		}
		i, known := at[file]
		if !known {
			i = len(hits)
			at[file] = i
			hits = append(hits, Hit{ID: file, Score: f.Score})
			if f.known {
				hits[i].Probability = &f.fit
			}
		}
		if len(hits[i].pieces) < mostMoments {
			hits[i].pieces = append(hits[i].pieces, f.Hit)
		}
	}
	return hits, nil
}

// moments fills in where in sounds and videos the pieces of hits lie.
func (l *Library) moments(ctx context.Context, hits []Hit) error {
	type place struct{ start, end *float64 }
	places := map[uint64]place{}
	var ids []any
	for _, h := range hits {
		for _, p := range h.pieces {
			ids = append(ids, p.ID)
		}
	}
	for some := range slices.Chunk(ids, together) {
		if err := each(ctx, l.db, func(scan func(...any) error) error {
			var id uint64
			var p place
			err := scan(&id, &p.start, &p.end)
			places[id] = p
			return err
		}, "SELECT id, start, stop FROM pieces WHERE start IS NOT NULL AND stop IS NOT NULL AND id IN ("+marks(len(some))+")", some...); err != nil {
			return err
		}
	}
	for i := range hits {
		h := &hits[i]
		for n, piece := range h.pieces {
			p, ok := places[piece.ID]
			if !ok {
				continue
			}
			if n == 0 {
				h.Start, h.End = p.start, p.end
			}
			h.Moments = append(h.Moments, Moment{*p.start, *p.end, piece.Score})
		}
		h.pieces = nil
	}
	return nil
}

// details fills in what the catalogue knows of hits. Files that have just vanished have no path.
func (l *Library) details(ctx context.Context, hits []Hit) error {
	at := make(map[int64]*Hit, len(hits))
	for i := range hits {
		at[hits[i].ID] = &hits[i]
	}
	for some := range slices.Chunk(hits, together) {
		var ids []any
		for _, h := range some {
			ids = append(ids, h.ID)
		}
		if err := each(ctx, l.db, func(scan func(...any) error) error {
			var id int64
			var path, hash []byte
			var kind string
			var w, h, taken sql.NullInt64
			var duration sql.NullFloat64
			if err := scan(&id, &path, &kind, &w, &h, &duration, &taken, &hash); err != nil {
				return err
			}
			hit := at[id]
			hit.Path, hit.PathBytes = text(path)
			hit.Kind, hit.Width, hit.Height, hit.Duration, hit.Version = kind, int(w.Int64), int(h.Int64), duration.Float64, versionOf(hash)
			if taken.Valid {
				hit.Taken = time.Unix(taken.Int64, 0)
			}
			return nil
		}, "SELECT id, path, kind, width, height, duration, taken, hash FROM files WHERE id IN ("+marks(len(ids))+")", ids...); err != nil {
			return err
		}
	}
	return nil
}

// text is a path as it is, and its bytes where JSON could not hold it.
func text(path []byte) (string, []byte) {
	if utf8.Valid(path) {
		return string(path), nil
	}
	return string(path), path
}

// versionOf is short for a content.
func versionOf(hash []byte) string { return hex.EncodeToString(hash[:min(4, len(hash))]) }

// fuse joins what is near and what holds the words by reciprocal rank fusion.
func fuse(near []Hit, words []match) []Hit {
	if len(words) == 0 {
		return near
	}
	rank := map[int64]float64{}
	hits := near[:len(near):len(near)]
	for i, h := range near {
		rank[h.ID] += 1 / float64(fusion+i+1)
	}
	place := 0
	for i, w := range words {
		if i > 0 && w.weight < words[i-1].weight {
			place = i // files that hold as much share a place
		}
		if rank[w.file] == 0 {
			hits = append(hits, Hit{ID: w.file})
		}
		rank[w.file] += 1 / float64(fusion+place+1)
	}
	slices.SortFunc(hits, func(a, b Hit) int {
		return cmp.Or(cmp.Compare(rank[b.ID], rank[a.ID]), cmp.Compare(b.Score, a.Score), cmp.Compare(a.ID, b.ID))
	})
	return hits
}
