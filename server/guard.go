package server

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// cookie holds the token in a page's browser.
const cookie = "chiasm_token"

// open are the paths that need no token: to see whether the server runs, and to bring the token.
var open = []string{"/health", "/v1/session"}

// mostOpen is how many bytes a request for them may have.
const mostOpen = 4 << 10

// guarded turns away requests that name a foreign host, come from a foreign page or bear no token.
func (s *Server) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if s.opts.Token == "" && !s.hosts(r.Host) {
			failf(http.StatusForbidden, "", "host", "the server does not go by the name %.200q", r.Host).write(w)
			return
		}
		if origin := r.Header.Get("Origin"); origin != "" && slices.Contains(s.opts.Origins, origin) {
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Cross-Origin-Resource-Policy", "cross-origin")
			h.Add("Vary", "Origin")
			if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
				h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE")
				h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
				w.WriteHeader(http.StatusNoContent)
				return
			}
		}
		if s.foreign(r) {
			failf(http.StatusForbidden, "", "origin", "requests from pages of other sites are not taken").write(w)
			return
		}
		if s.opts.Token != "" && !slices.Contains(open, r.URL.Path) && !isPage(r.URL.Path) && !s.bears(r) {
			h.Set("WWW-Authenticate", "Bearer")
			failf(http.StatusUnauthorized, "", "invalid_api_key", "want the server's token: Authorization: Bearer TOKEN").write(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// foreign reports whether a page of another site asks. Browsers say so of reading too, which that page could not look into, but time and repeat;
// what it merely leads to, in a window of its own, is asked for by the person.
func (s *Server) foreign(r *http.Request) bool {
	if s.origins.Check(r) != nil {
		return true
	}
	h := r.Header
	switch h.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return false
	}
	led := h.Get("Sec-Fetch-Mode") == "navigate" && h.Get("Sec-Fetch-Dest") == "document"
	return !led && !slices.Contains(s.opts.Origins, h.Get("Origin"))
}

// hosts reports whether a request that names host is for this server: a page of another site that has its name resolve to this machine names its own.
func (s *Server) hosts(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsLoopback() || host == "localhost" {
		return true
	}
	return slices.ContainsFunc(s.opts.Hosts, func(h string) bool { return strings.EqualFold(h, host) })
}

// bears reports whether a request has the token.
func (s *Server) bears(r *http.Request) bool {
	if token, ok := bearer(r.Header.Get("Authorization")); ok {
		return s.isToken(token) || s.isKey(token)
	}
	c, err := r.Cookie(cookie)
	return err == nil && s.isToken(c.Value)
}

// bearer is the token of a header.
func bearer(authorization string) (token string, ok bool) {
	scheme, token, ok := strings.Cut(authorization, " ")
	return strings.TrimSpace(token), ok && strings.EqualFold(scheme, "Bearer")
}

// isKey reports whether a token is the key of who may have any folder indexed.
func (s *Server) isKey(token string) bool {
	sum, key := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(s.opts.Key))
	return s.opts.Key != "" && subtle.ConstantTimeCompare(sum[:], key[:]) == 1
}

// isToken takes the same time for every answer.
func (s *Server) isToken(token string) bool {
	sum := sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(sum[:], s.token[:]) == 1
}

type sessionInput struct {
	Body struct {
		Token string `json:"token" maxLength:"1024"`
	}
}

type sessionOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
}

func (s *Server) session(_ context.Context, in *sessionInput) (*sessionOutput, error) {
	if s.opts.Token == "" || !s.isToken(in.Body.Token) {
		return nil, failf(http.StatusUnauthorized, "token", "invalid_api_key", "this is not the server's token")
	}
	return &sessionOutput{http.Cookie{Name: cookie, Value: in.Body.Token, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode, MaxAge: 365 * 24 * 3600}}, nil
}

// admitted lets a bounded number of requests with a body in at once, and bounds the body's size and the time that it takes.
func (s *Server) admitted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit := s.limits.body(r.URL.Path)
		if r.ContentLength > limit {
			w.Header().Set("Connection", "close")
			failf(http.StatusRequestEntityTooLarge, "", "", "the request has %d bytes, want at most %d", r.ContentLength, limit).write(w)
			return
		}
		if r.Body != nil && r.Body != http.NoBody && !slices.Contains(open, r.URL.Path) { // who bears no token takes no place
			timer := time.NewTimer(s.limits.Wait)
			defer timer.Stop()
			select {
			case s.slots <- struct{}{}:
				defer func() { <-s.slots }()
			case <-timer.C:
				failf(http.StatusServiceUnavailable, "", "busy", "the server is busy: try again later").write(w)
				return
			case <-r.Context().Done():
				return
			}
		}
		if r.Body != nil && r.Body != http.NoBody {
			r.Body = http.MaxBytesReader(w, &pacedBody{ReadCloser: r.Body, control: http.NewResponseController(w), started: time.Now(), grace: s.limits.Grace, pace: s.limits.Pace}, limit+1) // the router refuses what has more than limit
		}
		next.ServeHTTP(w, r)
		if r.MultipartForm != nil {
			_ = r.MultipartForm.RemoveAll() // temporary files
		}
	})
}

// body is how many bytes a request for path may have: more, if it brings a file.
func (l Limits) body(path string) int64 {
	switch {
	case strings.HasPrefix(path, "/v1/audio/"), path == "/v1/uploads":
		return l.Upload
	case slices.Contains(open, path):
		return min(l.Body, mostOpen)
	}
	return l.Body
}

// A pacedBody must come at some pace.
type pacedBody struct {
	io.ReadCloser
	control *http.ResponseController
	started time.Time
	read    int64
	grace   time.Duration
	pace    int64
}

// Read waits no longer than the pace allows.
func (b *pacedBody) Read(p []byte) (int, error) {
	_ = b.control.SetReadDeadline(b.started.Add(b.grace + time.Duration(b.read/b.pace)*time.Second)) // a recorder in a test has none
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	if err == io.EOF {
		_ = b.control.SetReadDeadline(time.Time{}) // so that waiting for the answer is no error
	}
	return n, err
}

// observed gives a request its id, a log line and a place in the measurements, and bounds how long a client may take to read.
func (s *Server) observed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Request-Id")
		if !isID(id) {
			id = rand.Text()
		}
		w.Header().Set("X-Request-Id", id)
		r = r.WithContext(context.WithValue(r.Context(), requestID{}, id))
		rec := &recorder{ResponseWriter: w, control: http.NewResponseController(w), patience: s.limits.Grace}
		started := time.Now()
		if r.Body != http.NoBody {
			_ = rec.control.SetReadDeadline(started.Add(s.limits.Grace)) // for bodies that nobody reads: they are drained
		}
		s.metrics.inFlight.Inc()
		defer func() {
			s.metrics.inFlight.Dec()
			broken := recover()
			if broken != nil && rec.status == 0 && broken != http.ErrAbortHandler {
				fail(http.StatusInternalServerError, "", "bug", errors.New("this is a bug in chiasm: see the server's log")).write(rec)
			}
			status := rec.status
			if r.Context().Err() != nil && status == 0 {
				status = statusGone
			}
			took := time.Since(started)
			route := r.Pattern
			if route == "" {
				route = "none"
			}
			s.metrics.requests.WithLabelValues(route, statusText(status)).Inc()
			s.metrics.seconds.WithLabelValues(route).Observe(took.Seconds())
			level := slog.LevelInfo
			if status >= 500 {
				level = slog.LevelError
			}
			s.log.Log(r.Context(), level, "request", "id", id, "method", r.Method, "path", r.URL.Path, "status", status, "bytes", rec.bytes, "seconds", took.Seconds(), "from", r.RemoteAddr)
			if broken != nil {
				s.log.Error("bug", "id", id, "value", broken)
			}
		}()
		next.ServeHTTP(rec, r)
	})
}

// requestID is the key of a request's id in its context.
type requestID struct{}

// isID reports whether a client's id of a request may stand in the log.
func isID(id string) bool {
	return id != "" && len(id) <= 64 && !strings.ContainsFunc(id, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.", r))
	})
}

// A recorder sees what is answered, and gives up on clients that do not read.
type recorder struct {
	http.ResponseWriter
	control  *http.ResponseController
	patience time.Duration
	status   int
	bytes    int64
}

// Unwrap is for http.ResponseController.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader notes the status.
func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write waits for the client no longer than patience allows.
func (w *recorder) Write(p []byte) (n int, err error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	for len(p) > 0 && err == nil {
		_ = w.control.SetWriteDeadline(time.Now().Add(w.patience)) // a recorder in a test has none
		var some int
		some, err = w.ResponseWriter.Write(p[:min(len(p), 64<<10)])
		n, p = n+some, p[some:]
	}
	w.bytes += int64(n)
	return n, err
}
