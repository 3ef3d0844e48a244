package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/chiasm/chiasm/library"
)

type searchOutput struct {
	Object string        `json:"object" enum:"list"`
	Data   []hit         `json:"data" doc:"The best first."`
	More   bool          `json:"more" doc:"There are hits after these: ask with a larger offset."`
	Cut    bool          `json:"cut" doc:"What came after was too far from the query to be meant."`
	Files  int           `json:"files" doc:"That fulfil the conditions."`
	Space  library.Space `json:"space"`
}

// A hit is the library's, with its moments.
type hit struct {
	ID          int64            `json:"id"`
	Path        string           `json:"path"`
	PathBytes   []byte           `json:"path_bytes,omitempty" doc:"The path in base64, where it is not UTF-8."`
	Kind        string           `json:"kind" enum:"image,video,audio"`
	Score       float64          `json:"score" doc:"The cosine, 0 where only words were found."`
	Probability *float64         `json:"probability,omitempty" doc:"How likely it is meant, where the model is calibrated."`
	Start       *float64         `json:"start,omitempty"`
	End         *float64         `json:"end,omitempty"`
	Moments     []library.Moment `json:"moments,omitempty" doc:"The best ones of sounds and videos, in seconds."`
	Width       int              `json:"width,omitempty"`
	Height      int              `json:"height,omitempty"`
	Duration    float64          `json:"duration,omitempty" doc:"Seconds."`
	Taken       time.Time        `json:"taken,omitzero"`
	Version     string           `json:"version" doc:"Changes with the content: for addresses that may be cached for ever."`
}

// Paging says which hits to give. It is exported for the router, which looks at exported fields only.
type Paging struct {
	Limit  int `json:"limit,omitempty" query:"limit" minimum:"0" maximum:"1000" doc:"How many hits; 0 for 20."`
	Offset int `json:"offset,omitempty" query:"offset" minimum:"0" doc:"How many hits before them."`
}

// Strict says where to cut.
type Strict struct {
	Strictness float64 `query:"strictness" minimum:"0" maximum:"1" default:"0.5" doc:"How likely hits are to be meant, where the model is calibrated; 0 shows all."`
}

// strictness is what a request gets that names none: the same as on the command line.
const strictness = library.Strictness

func (s *Server) searchWords(ctx context.Context, in *struct {
	Q string `query:"q" doc:"Words, \"phrases\", -not, 2:more, type:image, after:2024-05-01, before:, place:, camera:, path:, tag:, word:, size:>1MB, duration:<10s. Nothing: the newest."`
	Paging
	Strict
}) (*answer[searchOutput], error) {
	return s.find(ctx, in.Q, in.Paging, in.Strictness, nil)
}

func (s *Server) similar(ctx context.Context, in *struct {
	ID int64 `path:"id"`
	Paging
}) (*answer[searchOutput], error) {
	if _, err := s.opts.Library.Item(ctx, in.ID); err != nil {
		return nil, s.missing(ctx, err)
	}
	return s.find(ctx, "", in.Paging, 0, func(*loaded) ([]library.Example, error) { return []library.Example{{ID: in.ID, Weight: 1}}, nil })
}

type searchLikeInput struct{ Body searchLikeBody }

type searchLikeBody struct {
	Q    string  `json:"q,omitempty" doc:"As of GET."`
	Like media   `json:"like,omitzero" doc:"To be near to."`
	IDs  []int64 `json:"ids,omitempty" doc:"Items to be near to."`
	Paging
	Strictness *float64 `json:"strictness,omitempty" minimum:"0" maximum:"1" doc:"As of GET."`
}

// UnmarshalJSON refuses fields that there are not: one that is misspelt is not passed over.
func (b *searchLikeBody) UnmarshalJSON(data []byte) error {
	type plain searchLikeBody
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	return d.Decode((*plain)(b))
}

func (s *Server) searchLike(ctx context.Context, in *searchLikeInput) (*answer[searchOutput], error) {
	q := &in.Body
	least := float64(strictness)
	if q.Strictness != nil {
		least = *q.Strictness
	}
	if n := len(q.Like.input) + len(q.IDs); n > 64 || q.Limit < 0 || q.Limit > 1000 || q.Offset < 0 {
		return nil, wrong("", "want at most 64 examples, limit 0 to 1000, offset from 0")
	}
	return s.find(ctx, q.Q, q.Paging, least, func(m *loaded) (like []library.Example, err error) {
		left := s.limits.Pixels
		for i, it := range q.Like.input {
			if len(it) != 1 || it[0].kind == "text" {
				return nil, wrong("like", "like %d: want one picture or sound", i)
			}
			p, err := s.bring(ctx, m, it[0], &left)
			if err != nil {
				return nil, s.explain(ctx, "like", fmt.Errorf("like %d: %w", i, err))
			}
			like = append(like, library.Example{Image: p.Image, Sound: p.Sound, Weight: 1})
		}
		for _, id := range q.IDs {
			like = append(like, library.Example{ID: id, Weight: 1})
		}
		return like, nil
	})
}

// find searches. examples, if there are any, are read for the model.
func (s *Server) find(ctx context.Context, text string, p Paging, least float64, examples func(*loaded) ([]library.Example, error)) (*answer[searchOutput], error) {
	if !(least >= 0 && least <= 1) { // not a number is neither below nor above
		return nil, wrong("strictness", "strictness: want 0 to 1, got %g", least)
	}
	q, err := library.ParseQuery(text)
	if err != nil {
		return nil, s.missing(ctx, err)
	}
	for i, e := range q.Like { // like:PATH is that file as it was indexed: none is read
		id, ok := s.opts.Library.Find(ctx, e.Path)
		if !ok {
			return nil, failf(http.StatusNotFound, "q", "item_not_found", "like:%.200s: there is no such file in the library", e.Path)
		}
		q.Like[i] = library.Example{ID: id, Weight: e.Weight}
	}
	m, release, err := s.shelf.take(ctx, "")
	if err != nil {
		return nil, err
	}
	defer release()
	if examples != nil {
		more, err := examples(m)
		if err != nil {
			return nil, err
		}
		q.Like = append(q.Like, more...)
	}
	q.Limit, q.Offset, q.Strictness = p.Limit, p.Offset, least
	r, err := s.opts.Library.Search(ctx, seeker{m}, q)
	if err != nil {
		return nil, s.missing(ctx, err)
	}
	out := searchOutput{Object: "list", Data: []hit{}, More: r.More, Cut: r.Cut, Files: r.Files, Space: r.Space}
	for _, h := range r.Hits {
		out.Data = append(out.Data, hit{h.ID, h.Path, h.PathBytes, h.Kind, h.Score, h.Probability, h.Start, h.End, h.Moments, h.Width, h.Height, h.Duration, h.Taken, h.Version})
	}
	return &answer[searchOutput]{out}, nil
}
