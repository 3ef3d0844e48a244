package hub

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"unicode"
)

// What a caller may want to tell apart, with errors.Is.
var (
	ErrOffline      = errors.New("the network must not be used") // HF_HUB_OFFLINE is set, or Client.Offline
	ErrNotFound     = errors.New("not found")                    // no such repository, revision or file
	ErrUnauthorized = errors.New("access refused")               // the repository is gated or private, or the token is wrong
)

// A refusal is an error with a text of its own that is also each of kinds.
type refusal struct {
	text  string
	kinds []error
}

func (r *refusal) Error() string   { return r.text }
func (r *refusal) Unwrap() []error { return r.kinds }

func refuse(kinds []error, format string, args ...any) error {
	return &refusal{fmt.Sprintf(format, args...), kinds}
}

// refused makes the error of an answer that no other try will change. file is what was asked for, "" for the repository's description.
func (c *Client) refused(r *http.Response, id ID, file string) error {
	code, said := r.Header.Get("X-Error-Code"), message(r)
	page := c.url(id.Repo)
	unauthorized := []error{ErrUnauthorized}
	switch {
	case code == "GatedRepo", r.StatusCode == http.StatusForbidden && code != "RepoNotFound":
		hint := "then set HF_TOKEN to a token of that account"
		if c.Token != "" {
			hint = "the token in use is of an account that was not granted access, or lacks the permission to read gated repositories"
		}
		return refuse(unauthorized, "expected access, got %s: %s is gated: ask for access at %s; %s%s", r.Status, id.Repo, page, hint, said)
	case r.StatusCode == http.StatusUnauthorized && c.Token != "":
		return refuse(unauthorized, "expected access, got %s: the token (HF_TOKEN, or the file of HF_TOKEN_PATH) is not valid, or may not read %s%s", r.Status, id.Repo, said)
	case r.StatusCode == http.StatusUnauthorized:
		return refuse([]error{ErrUnauthorized, ErrNotFound},
			"expected access, got %s: %s does not exist, or is private or gated: check the name, or set HF_TOKEN to a token that may read it%s", r.Status, id.Repo, said)
	case r.StatusCode == http.StatusNotFound && code == "RevisionNotFound":
		return refuse([]error{ErrNotFound}, "expected revision %s, got %s: %s exists but has no such revision%s", id.revision(), r.Status, id.Repo, said)
	case r.StatusCode == http.StatusNotFound && file != "" && (code == "EntryNotFound" || code == ""):
		return refuse([]error{ErrNotFound}, "expected file %s, got %s: the repository has no such file%s", printable(file), r.Status, said)
	case r.StatusCode == http.StatusNotFound && code == "RepoNotFound":
		return refuse([]error{ErrNotFound}, "expected a repository at %s, got %s: there is none of that name%s", page, r.Status, said)
	case r.StatusCode == http.StatusNotFound:
		return refuse([]error{ErrNotFound}, "expected revision %s of a repository at %s, got %s%s", id.revision(), page, r.Status, said)
	}
	return fmt.Errorf("expected an answer from %s, got %s%s", r.Request.URL.Host, r.Status, said)
}

// message is what the server says of its refusal, in parentheses, or nothing.
func message(r *http.Response) string {
	var body struct {
		Error string `json:"error"`
	}
	if data, err := io.ReadAll(io.LimitReader(r.Body, 4096)); err == nil {
		_ = json.Unmarshal(data, &body) // a body of another form says nothing
	}
	text := printable(cmp.Or(r.Header.Get("X-Error-Message"), body.Error))
	if text == "" {
		return ""
	}
	return " (the server says: " + strings.TrimRight(text, ".") + ")"
}

// printable makes one short line of what a server sent.
func printable(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if r := []rune(s); len(r) > 200 {
		s = string(r[:200]) + "…"
	}
	return s
}
