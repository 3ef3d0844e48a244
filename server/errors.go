package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/media/audio"
	"github.com/chiasm/chiasm/media/image"
)

// statusGone is nginx's code for a client that has gone; only the log sees it.
const statusGone = 499

// A failure is an answer that says what is wrong, in the shape of OpenAI's service.
type failure struct {
	status int
	cause  error
	Detail detail `json:"error"`
}

type detail struct {
	Message string  `json:"message" doc:"What was expected, and what came."`
	Type    string  `json:"type" enum:"invalid_request_error,authentication_error,permission_error,not_found_error,server_error,overloaded_error"`
	Param   *string `json:"param" doc:"The field of the request that is wrong."`
	Code    *string `json:"code"`
}

// fail makes a failure of an error. param and code may be empty.
func fail(status int, param, code string, err error) *failure {
	f := &failure{status: status, cause: err, Detail: detail{Message: strings.TrimPrefix(strings.TrimPrefix(err.Error(), "server: "), "library: "), Type: "invalid_request_error"}}
	switch {
	case status == http.StatusUnauthorized:
		f.Detail.Type = "authentication_error"
	case status == http.StatusForbidden:
		f.Detail.Type = "permission_error"
	case status == http.StatusNotFound:
		f.Detail.Type = "not_found_error"
	case status == http.StatusServiceUnavailable:
		f.Detail.Type = "overloaded_error"
	case status >= 500:
		f.Detail.Type = "server_error"
	}
	if param != "" {
		f.Detail.Param = &param
	}
	if code != "" {
		f.Detail.Code = &code
	}
	return f
}

func failf(status int, param, code, format string, args ...any) *failure {
	return fail(status, param, code, fmt.Errorf(format, args...))
}

// wrong is a failure of the request's field param.
func wrong(param, format string, args ...any) *failure {
	return failf(http.StatusBadRequest, param, "", format, args...)
}

// Error is the message.
func (f *failure) Error() string { return f.Detail.Message }

// Unwrap is what the failure was made of.
func (f *failure) Unwrap() error { return f.cause }

// GetStatus is the code of the answer.
func (f *failure) GetStatus() int { return f.status }

// GetHeaders tells a client that is to come again when.
func (f *failure) GetHeaders() http.Header {
	if f.status == http.StatusServiceUnavailable || f.status == http.StatusTooManyRequests {
		return http.Header{"Retry-After": {"1"}}
	}
	return nil
}

// write sends the failure where no operation does.
func (f *failure) write(w http.ResponseWriter) {
	for name, values := range f.GetHeaders() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.status)
	_ = json.NewEncoder(w).Encode(f) // the client may be gone
}

// explain makes a failure of what went wrong with the request's field param.
func (s *Server) explain(ctx context.Context, param string, err error) *failure {
	var f *failure
	var bug *panicError
	switch {
	case errors.As(err, &f):
		return f
	case ctx.Err() != nil:
		return fail(statusGone, "", "", errors.New("the client has gone"))
	case errors.As(err, &bug):
		s.log.ErrorContext(ctx, "bug", "id", ctx.Value(requestID{}), "value", bug.value, "stack", string(bug.stack))
		return fail(http.StatusInternalServerError, "", "bug", errors.New("this is a bug in chiasm: see the server's log"))
	case errors.Is(err, errors.ErrUnsupported):
		return fail(http.StatusBadRequest, param, "unsupported_by_model", err)
	case chiasm.IsTooLong(err):
		return fail(http.StatusBadRequest, param, "context_length_exceeded", err)
	case errors.Is(err, audio.ErrFormat), errors.Is(err, image.ErrFormat):
		return fail(http.StatusBadRequest, param, "unknown_format", err)
	}
	return fail(http.StatusBadRequest, param, "", err)
}

// fieldInBody is how what [jsonFormat] says of a field begins, and perhaps of one thing in its list.
var fieldInBody = regexp.MustCompile(`^([a-z_.]+)(?: (\d+))?: `)

// transform brings the errors that the router finds by itself into the shape of all others.
func transform(ctx huma.Context, _ string, v any) (any, error) {
	e, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	ctx.SetHeader("Content-Type", "application/json") // the router's own is a problem of RFC 9457
	if len(e.Errors) == 0 {
		return fail(e.Status, "", "", errors.New(e.Detail)), nil
	}
	var params, messages []string
	for _, d := range e.Errors {
		param := strings.TrimPrefix(strings.TrimPrefix(d.Location, "body"), ".")
		messages = append(messages, strings.TrimPrefix(param+": "+d.Message, ": "))
		if m := fieldInBody.FindStringSubmatch(d.Message); m != nil && param == "" {
			if param = m[1]; m[2] != "" {
				param += "[" + m[2] + "]"
			}
		}
		params = append(params, param)
	}
	return fail(e.Status, params[0], "", errors.New(strings.Join(messages, "; "))), nil
}
