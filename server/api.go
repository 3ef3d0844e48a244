package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

const about = `Texts, pictures and sounds as vectors of one space, in the shapes of OpenAI's API: point an OpenAI client at /v1.

Errors are {"error": {"message", "type", "param", "code"}}. Pictures and sounds come as data: URIs, or as http(s) addresses where the
server allows that.`

// noModel is how operations fail that name a model which there is not.
var noModel = []int{http.StatusNotFound}

// describe puts all operations on mux. The document is made of the same declarations.
func (s *Server) describe(mux *http.ServeMux) huma.API {
	config := huma.DefaultConfig("chiasm", s.opts.Version)
	config.Info.Description = about
	config.DocsPath, config.SchemasPath = "", ""
	config.CreateHooks = nil // no $schema in answers
	config.Formats = map[string]huma.Format{"application/json": jsonFormat, "json": jsonFormat, "application/x-www-form-urlencoded": jsonFormat}
	config.Transformers = []huma.Transformer{transform}
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer", Description: "Needed where the server is not on a loopback address."}}
	config.Components.Responses = map[string]*huma.Response{}
	config.Security = []map[string][]string{{"token": {}}, {}}
	api := humago.New(mux, config)

	register(s, api, huma.Operation{OperationID: "health", Method: "GET", Path: "/health", Tags: []string{"Server"}, Summary: "Whether the server runs", Security: []map[string][]string{{}}}, s.health)
	register(s, api, huma.Operation{OperationID: "createSession", Method: "POST", Path: "/v1/session", Tags: []string{"Server"}, Summary: "Keep the token in a cookie, for pages", Security: []map[string][]string{{}}, DefaultStatus: 204}, s.session)
	register(s, api, huma.Operation{OperationID: "listModels", Method: "GET", Path: "/v1/models", Tags: []string{"Models"}, Summary: "The models that can be asked for"}, s.listModels)
	register(s, api, huma.Operation{OperationID: "getModel", Method: "GET", Path: "/v1/models/{model...}", Tags: []string{"Models"}, Summary: "One model"}, s.getModel)
	paths := api.OpenAPI().Paths // whose names of parameters are plain, where the router's say that a model's has slashes
	paths["/v1/models/{model}"] = paths["/v1/models/{model...}"]
	delete(paths, "/v1/models/{model...}")
	register(s, api, huma.Operation{OperationID: "createEmbeddings", Method: "POST", Path: "/v1/embeddings", Tags: []string{"Models"}, Summary: "Vectors of texts, pictures and sounds", SkipValidateBody: true, Errors: noModel}, s.embeddings)
	register(s, api, huma.Operation{OperationID: "rerank", Method: "POST", Path: "/v1/rerank", Tags: []string{"Models"}, Summary: "Documents in the order in which they fit a query", SkipValidateBody: true, Errors: noModel}, s.rerank)
	register(s, api, huma.Operation{OperationID: "classify", Method: "POST", Path: "/v1/classify", Tags: []string{"Models"}, Summary: "Sort pictures or sounds into labels of your own", SkipValidateBody: true, Errors: noModel}, s.classify)
	if len(s.fused) > 0 {
		register(s, api, huma.Operation{OperationID: "fuse", Method: "POST", Path: "/v1/fuse", Tags: []string{"Models"}, Summary: "Decide about a thing by several modalities, whichever there are", SkipValidateBody: true, Errors: noModel}, s.fuse)
	}
	register(s, api, s.written(huma.Operation{OperationID: "createTranscription", Path: "/v1/audio/transcriptions", Summary: "What is said in a sound"}), s.transcribe(false))
	register(s, api, s.written(huma.Operation{OperationID: "createTranslation", Path: "/v1/audio/translations", Summary: "What is said in a sound, in English"}), s.transcribe(true))
	paths["/v1/audio/transcriptions"].Post.RequestBody.Required, paths["/v1/audio/translations"].Post.RequestBody.Required = true, true

	mux.Handle("GET /metrics", s.metrics.handler())
	measured := huma.Operation{
		OperationID: "metrics", Method: "GET", Path: "/metrics", Tags: []string{"Server"}, Summary: "Measurements in Prometheus' text format",
		Responses: map[string]*huma.Response{"200": {Description: "OK", Content: texts("text/plain")}},
	}
	measured.Responses = withErrors(measured, api)
	api.OpenAPI().AddOperation(&measured)
	if s.opts.Library != nil {
		s.describeLibrary(mux, api)
	}
	s.describePage(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if methods := methodsAt(mux, r); len(methods) > 0 {
			w.Header().Set("Allow", strings.Join(methods, ", "))
			failf(http.StatusMethodNotAllowed, "", "", "%s is not for %.200q: want %s", r.Method, r.URL.Path, strings.Join(methods, " or ")).write(w)
			return
		}
		failf(http.StatusNotFound, "", "", "there is nothing at %s %.200q: see /openapi.json", r.Method, r.URL.Path).write(w)
	})
	return api
}

// methodsAt lists the methods by which there is something where a request went.
func methodsAt(mux *http.ServeMux, r *http.Request) (methods []string) {
	for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
		if _, pattern := mux.Handler(&http.Request{Method: method, URL: r.URL, Host: r.Host}); pattern != "/" && pattern != "" {
			methods = append(methods, method)
		}
	}
	return methods
}

// jsonFormat is how bodies are read and written. curl -d calls what it sends a form unless it is told otherwise, and it is read as what it is:
// a page of another site, which may send forms without being asked, is turned away by guarded.
var jsonFormat = huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: func(data []byte, v any) error {
	if bytes.Equal(bytes.TrimSpace(data), []byte("null")) { // which would be read as nothing
		return errors.New("want an object, got null")
	}
	err := json.Unmarshal(data, v)
	if mistyped := (*json.UnmarshalTypeError)(nil); errors.As(err, &mistyped) { // its text is about Go's types
		names := slices.DeleteFunc(strings.Split(mistyped.Field, "."), func(name string) bool { return name == "" || name[0] < 'a' }) // embedded structs are Go's
		where := strings.Join(names, ".")
		return errors.New(strings.TrimPrefix(fmt.Sprintf("%s: want %s, got %s", where, jsonType(mistyped.Type), mistyped.Value), ": "))
	}
	return err
}}

// jsonType says in JSON's words what a Go type is read from.
func jsonType(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return jsonType(t.Elem())
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Float32, reflect.Float64:
		return "a number"
	}
	return "a whole number"
}

// register adds an operation. Its body is bounded and timed by admitted, not here.
func register[I, O any](s *Server, api huma.API, o huma.Operation, f func(context.Context, *I) (*O, error)) {
	o.Responses = withErrors(o, api)
	o.Errors = nil // which the router would describe in its own shape
	o.MaxBodyBytes, o.BodyReadTimeout = s.limits.body(o.Path), -1
	huma.Register(api, o, func(ctx context.Context, in *I) (*O, error) {
		out, err := guard(func() (*O, error) { return f(ctx, in) })
		if err != nil {
			return nil, s.explain(ctx, "", err)
		}
		return out, nil
	})
}

// withErrors documents how an operation fails: in one shape, by the statuses that what it takes can bring about.
func withErrors(o huma.Operation, api huma.API) map[string]*huma.Response {
	responses, all := map[string]*huma.Response{}, api.OpenAPI().Components
	maps.Copy(responses, o.Responses)
	schema := huma.SchemaFromType(all.Schemas, failureType)
	describe := func(key, what string) {
		if all.Responses[key] == nil {
			all.Responses[key] = &huma.Response{Description: what, Content: map[string]*huma.MediaType{"application/json": {Schema: schema}}}
		}
		responses[key] = &huma.Response{Ref: "#/components/responses/" + key}
	}
	for _, status := range failures(o) {
		describe(strconv.Itoa(status), http.StatusText(status))
	}
	describe("default", "What is wrong")
	return responses
}

// failures are the statuses of an operation's errors, besides those that it names itself.
func failures(o huma.Operation) []int {
	all := append([]int{http.StatusForbidden}, o.Errors...)
	if !slices.Contains(open, o.Path) {
		all = append(all, http.StatusUnauthorized)
	}
	if strings.Contains(o.Path, "{") {
		all = append(all, http.StatusNotFound)
	}
	if o.Method == http.MethodPost {
		all = append(all, http.StatusBadRequest, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity, http.StatusServiceUnavailable)
	} else if strings.HasPrefix(o.Path, "/v1/") {
		all = append(all, http.StatusUnprocessableEntity) // of parameters, which it may not have
	}
	return all
}

type answer[T any] struct{ Body T }

type healthBody struct {
	Status  string `json:"status" enum:"ok"`
	Version string `json:"version"`
}

func (s *Server) health(context.Context, *struct{}) (*answer[healthBody], error) {
	return &answer[healthBody]{healthBody{"ok", s.opts.Version}}, nil
}

type modelList struct {
	Object string      `json:"object" enum:"list"`
	Data   []modelBody `json:"data"`
}

type modelBody struct {
	ID         string      `json:"id"`
	Object     string      `json:"object" enum:"model"`
	Created    int64       `json:"created"`
	OwnedBy    string      `json:"owned_by"`
	Open       bool        `json:"open" doc:"Whether it is in memory; the fields below are known only then."`
	Space      string      `json:"space,omitempty" doc:"Vectors of one space can be compared."`
	Dimension  int         `json:"dimension,omitempty"`
	Modalities []string    `json:"modalities,omitempty"`
	Fusion     *fusionBody `json:"fusion,omitempty" doc:"Of models that decide by several modalities."`
}

func (s *Server) listModels(context.Context, *struct{}) (*answer[modelList], error) {
	list := modelList{Object: "list", Data: []modelBody{}}
	for _, name := range s.shelf.names {
		list.Data = append(list.Data, s.shelf.books[name].describe())
	}
	for _, f := range s.fused {
		list.Data = append(list.Data, f.describe())
	}
	return &answer[modelList]{list}, nil
}

func (s *Server) getModel(_ context.Context, in *struct {
	Model string `path:"model"`
}) (*answer[modelBody], error) {
	b := s.shelf.books[in.Model]
	if f := s.fusedBook(in.Model); f != nil {
		return &answer[modelBody]{f.describe()}, nil
	}
	if b == nil {
		return nil, failf(http.StatusNotFound, "model", "model_not_found", "there is no model %.200q: see /v1/models", in.Model)
	}
	return &answer[modelBody]{b.describe()}, nil
}

func (b *book) describe() modelBody {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := modelBody{ID: b.Name, Object: "model", OwnedBy: "chiasm"}
	if b.open != nil {
		info := b.open.Info()
		m.Open, m.Space, m.Dimension, m.Modalities = true, info.Space, info.Dimension, info.Modalities
	}
	return m
}
