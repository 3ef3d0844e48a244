package server

import (
	"cmp"
	"context"
	"errors"
	stdimage "image"
	"io/fs"
	"math"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/library"
)

// A seeker is a model as the library needs it, whose queries join those of others.
type seeker struct{ *loaded }

var _ library.Model = seeker{}

// EmbedQueries is the model's, by its batcher.
func (m seeker) EmbedQueries(ctx context.Context, texts []string) ([]chiasm.Embedding, error) {
	return m.queries.do(ctx, texts)
}

// EmbedImages is the model's, by its batcher.
func (m seeker) EmbedImages(ctx context.Context, imgs []stdimage.Image) ([]chiasm.Embedding, error) {
	return m.images.do(ctx, imgs)
}

// EmbedAudios is the model's, by its batcher.
func (m seeker) EmbedAudios(ctx context.Context, sounds []chiasm.Sound) ([]chiasm.Embedding, error) {
	return m.sounds.do(ctx, sounds)
}

// describeLibrary adds the operations on the library.
func (s *Server) describeLibrary(mux *http.ServeMux, api huma.API) {
	op := func(id, method, path, summary string, errors ...int) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: path, Summary: summary, Tags: []string{"Library"}, RejectUnknownQueryParameters: true, Errors: errors}
	}
	const bad, none, clash, kind, full, busy, span = http.StatusBadRequest, http.StatusNotFound, http.StatusConflict, http.StatusUnsupportedMediaType, http.StatusInsufficientStorage, http.StatusServiceUnavailable, http.StatusRequestedRangeNotSatisfiable
	register(s, api, op("getLibrary", "GET", "/v1/library", "What the library covers and holds"), s.libraryInfo)
	register(s, api, op("search", "GET", "/v1/search", "Find pictures, videos and sounds by words and conditions", bad, none, busy), s.searchWords)
	post := op("searchLike", "POST", "/v1/search", "Find by words, pictures and sounds together", none)
	post.SkipValidateBody = true
	register(s, api, post, s.searchLike)
	bring := op("upload", "POST", "/v1/uploads", "Bring files into the library's own folder, to be indexed at once", kind, full)
	describeUpload(&bring)
	s.raw(mux, api, bring, map[string]*huma.MediaType{"application/json": {Schema: huma.SchemaFromType(api.OpenAPI().Components.Schemas, reflect.TypeFor[listing[uploadedFile]]())}}, s.upload)
	s.raw(mux, api, op("libraryEvents", "GET", "/v1/events", "What changes, as server-sent events: library (counts of files), and job (a run of indexing)", busy), texts("text/event-stream"), s.libraryEvents)
	register(s, api, op("getItem", "GET", "/v1/items/{id}", "What the catalogue knows of a file"), s.item)
	register(s, api, op("similarItems", "GET", "/v1/items/{id}/similar", "What is like a file", bad, busy), s.similar)
	register(s, api, op("addTag", "PUT", "/v1/items/{id}/tags/{tag}", "Give a file a tag", bad), s.tag(true))
	register(s, api, op("removeTag", "DELETE", "/v1/items/{id}/tags/{tag}", "Take a tag from a file", bad), s.tag(false))
	register(s, api, op("listDuplicates", "GET", "/v1/duplicates", "Files that are the same, or nearly", bad), s.duplicates)
	register(s, api, op("listBursts", "GET", "/v1/bursts", "Pictures that were taken soon after one another and look alike", bad), s.bursts)
	register(s, api, op("listTags", "GET", "/v1/tags", "The tags of files"), s.tags)
	register(s, api, op("getFacets", "GET", "/v1/facets", "What the files that fulfil conditions have in common", bad), s.facets)
	register(s, api, op("listErrors", "GET", "/v1/errors", "Files that could not be read"), s.listErrors)
	start := op("startJob", "POST", "/v1/jobs", "Bring the library up to date", clash)
	start.DefaultStatus = http.StatusAccepted
	register(s, api, start, s.startJob)
	register(s, api, op("listJobs", "GET", "/v1/jobs", "The runs of indexing"), s.listJobs)
	register(s, api, op("getJob", "GET", "/v1/jobs/{id}", "How far a run is"), s.getJob)
	register(s, api, op("stopJob", "DELETE", "/v1/jobs/{id}", "Stop a run: what it has done is kept"), s.stopJob)
	s.raw(mux, api, op("jobEvents", "GET", "/v1/jobs/{id}/events", "How far a run is, as server-sent events: data is a job, the last one is not running"), texts("text/event-stream"), s.jobEvents)
	version := &huma.Param{Name: "v", In: "query", Description: "The item's version, for an answer that may be kept for ever.", Schema: &huma.Schema{Type: "string"}}
	whole := op("getOriginal", "GET", "/v1/items/{id}/original", "The file itself, or ranges of it", span)
	whole.Parameters, whole.Responses = []*huma.Param{version}, inParts("*/*", "multipart/byteranges")
	s.raw(mux, api, whole, texts("*/*"), s.original)
	small := op("getThumbnail", "GET", "/v1/items/{id}/thumbnail", "A small picture of a file: JPEG, or the waveform of a sound as PNG", bad, span)
	small.Responses = inParts("image/jpeg", "image/png", "multipart/byteranges")
	small.Parameters = []*huma.Param{
		{Name: "size", In: "query", Description: "The longer side in pixels.", Schema: &huma.Schema{Type: "integer", Minimum: at(leastThumbnail), Maximum: at(mostThumbnail)}},
		{Name: "at", In: "query", Description: "A moment of a video in seconds.", Schema: &huma.Schema{Type: "number", Minimum: at(0), ExclusiveMaximum: at(mostMoment)}},
		version,
	}
	s.raw(mux, api, small, texts("image/jpeg", "image/png"), s.thumbnail)
}

// inParts are the answers about what is sent in ranges, and what the client has already.
func inParts(kinds ...string) map[string]*huma.Response {
	return map[string]*huma.Response{
		"206": {Description: "The ranges that are asked for", Content: texts(kinds...)},
		"304": {Description: "What the client has is still good"},
	}
}

// at is a bound of a schema.
func at(x float64) *float64 { return &x }

// texts is content of kinds that are not described further.
func texts(kinds ...string) map[string]*huma.MediaType {
	content := map[string]*huma.MediaType{}
	for _, kind := range kinds {
		content[kind] = &huma.MediaType{Schema: &huma.Schema{Type: "string"}}
	}
	return content
}

// raw adds an operation that writes its answer by itself, which has some content.
func (s *Server) raw(mux *http.ServeMux, api huma.API, o huma.Operation, content map[string]*huma.MediaType, f func(http.ResponseWriter, *http.Request) error) {
	if strings.Contains(o.Path, "{id}") {
		o.Parameters = append(o.Parameters, &huma.Param{Name: "id", In: "path", Required: true, Schema: &huma.Schema{Type: "integer"}})
	}
	status := cmp.Or(o.DefaultStatus, http.StatusOK)
	if o.Responses == nil {
		o.Responses = map[string]*huma.Response{}
	}
	o.Responses[strconv.Itoa(status)] = &huma.Response{Description: http.StatusText(status), Content: content}
	o.Responses = withErrors(o, api)
	api.OpenAPI().AddOperation(&o)
	mux.HandleFunc(o.Method+" "+o.Path, func(w http.ResponseWriter, r *http.Request) {
		err := unknown(o, r)
		if err == nil {
			err = f(w, r)
		}
		if err != nil {
			s.missing(r.Context(), err).write(w)
		}
	})
}

// unknown is what is wrong with a request that has a query parameter which the operation does not: one that is misspelt is not passed over.
func unknown(o huma.Operation, r *http.Request) error {
	for name := range r.URL.Query() {
		if !slices.ContainsFunc(o.Parameters, func(p *huma.Param) bool { return p.In == "query" && p.Name == name }) {
			return failf(http.StatusUnprocessableEntity, "query."+name, "", "query.%.100s: unknown query parameter", name)
		}
	}
	return nil
}

// missing makes failures of the library's errors.
func (s *Server) missing(ctx context.Context, err error) *failure {
	var syntax *library.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return fail(http.StatusBadRequest, "q", "syntax", err)
	case errors.Is(err, fs.ErrNotExist):
		return failf(http.StatusNotFound, "id", "item_not_found", "there is no such item")
	case errors.Is(err, library.ErrReadOnly):
		return failf(http.StatusForbidden, "", "read_only", "the server changes nothing of the library, which it opened for reading only")
	}
	return s.explain(ctx, "", err)
}

type libraryBody struct {
	library.Info
	ReadOnly  bool     `json:"read_only"`
	Watching  bool     `json:"watching" doc:"Changes of the folders are followed."`
	Model     string   `json:"model" doc:"Whose vectors are searched."`
	Languages []string `json:"languages" doc:"That words of what the model saw can be given in."`
}

func (s *Server) libraryInfo(ctx context.Context, _ *struct{}) (*answer[libraryBody], error) {
	info, err := s.opts.Library.Info(ctx)
	if err != nil {
		return nil, err
	}
	return &answer[libraryBody]{libraryBody{info, s.opts.ReadOnly, s.watches(), s.shelf.names[0], library.Languages()}}, nil
}

type itemInput struct {
	ID int64 `path:"id"`
	Spoken
}

// Spoken is the language of a request. It is exported for the router, which looks at exported fields only.
type Spoken struct {
	Lang   string `query:"lang" maxLength:"35" doc:"Of words that the model saw: en, zh, fr, de or es. Without it, Accept-Language counts."`
	Accept string `header:"Accept-Language"`
}

// language is the first that is asked for and known.
func (s *Spoken) language() string {
	known := library.Languages()
	for _, wish := range strings.Split(s.Lang+","+s.Accept, ",") {
		wish, _, _ = strings.Cut(strings.TrimSpace(wish), ";")
		wish, _, _ = strings.Cut(strings.ToLower(wish), "-")
		if slices.Contains(known, wish) {
			return wish
		}
	}
	return known[0]
}

func (s *Server) item(ctx context.Context, in *itemInput) (*answer[library.Item], error) {
	it, err := s.opts.Library.Item(ctx, in.ID)
	if err == nil {
		it.Words, err = s.opts.Library.Words(ctx, in.ID, in.language())
	}
	if err != nil {
		return nil, s.missing(ctx, err)
	}
	return &answer[library.Item]{it}, nil
}

func (s *Server) tags(ctx context.Context, in *struct {
	Prefix string `query:"prefix" maxLength:"200" doc:"How they begin."`
	Limit  int    `query:"limit" minimum:"1" maximum:"10000" default:"100"`
}) (*answer[listing[tagCount]], error) {
	all, err := s.opts.Library.Tags(ctx, in.Prefix, in.Limit)
	var out []tagCount
	for _, c := range all {
		out = append(out, tagCount{c.Value, c.Files})
	}
	return listed(out), err
}

type tagCount struct {
	Tag   string `json:"tag"`
	Files int    `json:"files"`
}

func (s *Server) facets(ctx context.Context, in *struct {
	Q string `query:"q" doc:"Conditions, as of a search; its words count for nothing."`
	Spoken
}) (*answer[library.Facets], error) {
	q, err := library.ParseQuery(in.Q)
	if err != nil {
		return nil, s.missing(ctx, err)
	}
	f, err := s.opts.Library.Facets(ctx, q, in.language())
	return &answer[library.Facets]{f}, err
}

type tagInput struct {
	ID  int64  `path:"id"`
	Tag string `path:"tag" maxLength:"200"`
}

func (s *Server) tag(add bool) func(context.Context, *tagInput) (*answer[library.Item], error) {
	return func(ctx context.Context, in *tagInput) (*answer[library.Item], error) {
		if s.opts.ReadOnly {
			return nil, s.missing(ctx, library.ErrReadOnly)
		}
		tags, none := []string{in.Tag}, []string(nil)
		if !add {
			tags, none = none, tags
		}
		if err := s.opts.Library.Tag(ctx, in.ID, tags, none); err != nil {
			return nil, s.missing(ctx, err)
		}
		return s.item(ctx, &itemInput{ID: in.ID})
	}
}

// A listing is a list of things.
type listing[T any] struct {
	Object string `json:"object" enum:"list"`
	Data   []T    `json:"data"`
}

func listed[T any](list []T) *answer[listing[T]] {
	return &answer[listing[T]]{listing[T]{"list", append([]T{}, list...)}}
}

func (s *Server) duplicates(ctx context.Context, in *struct {
	Least float64 `query:"least" minimum:"0" maximum:"1" doc:"The cosine from which on pictures are nearly the same; 0 for equal contents only."`
}) (*answer[listing[library.Group]], error) {
	if math.IsNaN(in.Least) {
		return nil, wrong("least", "least: want 0 to 1, got NaN")
	}
	groups, err := s.opts.Library.Duplicates(ctx, library.DuplicateOptions{Least: in.Least})
	return listed(groups), err
}

func (s *Server) bursts(ctx context.Context, in *struct {
	Within float64 `query:"within" minimum:"1" maximum:"86400" default:"30" doc:"Seconds between one and the next at most."`
	Least  float64 `query:"least" minimum:"0.01" maximum:"1" default:"0.9" doc:"The cosine of one and the next."`
}) (*answer[listing[library.Group]], error) {
	if math.IsNaN(in.Least) || math.IsNaN(in.Within) {
		return nil, wrong("", "want numbers, got NaN")
	}
	groups, err := s.opts.Library.Bursts(ctx, library.BurstOptions{Within: time.Duration(in.Within * float64(time.Second)), Least: in.Least})
	return listed(groups), err
}

func (s *Server) listErrors(ctx context.Context, _ *struct{}) (*answer[listing[library.Failure]], error) {
	failures, err := s.opts.Library.Errors(ctx)
	return listed(failures), err
}
