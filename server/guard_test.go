package server

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// request sends a request with headers, "Host" among them.
func request(t *testing.T, h *httptest.Server, method, path, body string, headers ...string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, h.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestForeignersAreTurnedAway(t *testing.T) {
	h := serve(t, Options{Hosts: []string{"photos.home"}, Origins: []string{"https://friend.example"}})
	const post, path, body = "POST", "/v1/embeddings", `{"input":"a"}`
	for _, c := range []struct {
		status  int
		headers []string
	}{
		{200, nil},
		{200, []string{"Host", "localhost:7878"}},
		{200, []string{"Host", "[::1]:7878"}},
		{200, []string{"Host", "Photos.Home"}},
		{403, []string{"Host", "evil.example"}},
		{403, []string{"Host", "127.0.0.1.evil.example:80"}},
		{403, []string{"Host", "192.168.1.4"}},
		{403, []string{"Origin", "https://evil.example"}},
		{403, []string{"Origin", "null"}},
		{403, []string{"Sec-Fetch-Site", "cross-site"}},
		{200, []string{"Sec-Fetch-Site", "same-origin", "Origin", h.URL}},
		{200, []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://friend.example"}},
	} {
		answer := request(t, h, post, path, body, c.headers...)
		check(t, answer, fmt.Sprint(c.headers), c.status, nil)
		got := answer.Header.Get("Access-Control-Allow-Origin")
		if want := strings.Contains(fmt.Sprint(c.headers), "friend"); (got != "") != want {
			t.Errorf("%v: allowed origin %q", c.headers, got)
		}
	}
	for status, headers := range map[int][]string{ // of reading
		403: {"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"},
		200: {"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"},
	} {
		check(t, request(t, h, "GET", "/v1/models", "", headers...), fmt.Sprint(headers), status, nil)
	}
	check(t, request(t, h, "GET", "/v1/models", "", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors", "Origin", "https://friend.example"), "a friend reads", 200, nil)
	check(t, request(t, h, "GET", "/v1/models", "", "Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "cors", "Origin", "http://localhost:1"), "another port reads", 403, nil)
	check(t, request(t, h, "OPTIONS", path, "", "Origin", "https://friend.example", "Access-Control-Request-Method", "POST"), "preflight", 204, nil)
	check(t, request(t, h, "OPTIONS", path, "", "Origin", "https://evil.example", "Access-Control-Request-Method", "POST"), "preflight", 405, nil)
}

func TestToken(t *testing.T) {
	const token = "correct-horse-battery"
	h := serve(t, Options{Token: token})
	get := func(status int, headers ...string) *http.Response {
		t.Helper()
		answer := request(t, h, "GET", "/v1/models", "", headers...)
		check(t, answer, fmt.Sprint(headers), status, nil)
		return answer
	}
	get(401)
	get(401, "Authorization", "Bearer wrong")
	get(401, "Authorization", "Basic "+token)
	get(401, "Authorization", "Bearer "+token[:len(token)-1])
	get(200, "Authorization", "Bearer "+token)
	get(200, "Authorization", "bearer "+token, "Host", "any.example")
	check(t, request(t, h, "GET", "/metrics", ""), "metrics", 401, nil)
	check(t, request(t, h, "GET", "/openapi.json", ""), "document", 401, nil)
	check(t, request(t, h, "GET", "/health", ""), "health", 200, nil)
	check(t, request(t, h, "POST", "/v1/session", `{"token":"wrong"}`), "session", 401, nil)
	answer := request(t, h, "POST", "/v1/session", `{"token":"`+token+`"}`)
	check(t, answer, "session", 204, nil)
	c := answer.Cookies()
	if len(c) != 1 || !c[0].HttpOnly || c[0].SameSite != http.SameSiteStrictMode {
		t.Fatalf("cookies %v", c)
	}
	get(200, "Cookie", c[0].Name+"="+c[0].Value)
	get(401, "Cookie", c[0].Name+"=wrong")
}

func TestTokenFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "token")
	token, made, err := Token(path)
	if err != nil || !made || len(token) < leastToken {
		t.Fatal(token, made, err)
	}
	if again, made, err := Token(path); err != nil || made || again != token {
		t.Error(again, made, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != fs.FileMode(0o600) {
		t.Error(info.Mode(), err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Token(path); err == nil || !strings.Contains(err.Error(), "0644") {
		t.Error(err)
	}
	os.Remove(path)
	os.WriteFile(path, []byte("short\n"), 0o600)
	if _, _, err := Token(path); err == nil || !strings.Contains(err.Error(), "want one word") {
		t.Error(err)
	}
}

// An address that others can reach needs a token.
func TestServeWantsToken(t *testing.T) {
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Skip(err)
	}
	s, err := New(Options{Models: []Source{source("clip", tinyCLIP)}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(t.Context(), l); err == nil || !strings.Contains(err.Error(), "want a token") {
		t.Error(err)
	}
}

// Addresses are looked at when the connection is made, whatever they are written as.
func TestFetchingStaysOutside(t *testing.T) {
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a private address was asked") }))
	defer inside.Close()
	port := inside.URL[strings.LastIndexByte(inside.URL, ':'):]
	f := newFetcher(1000, 5*time.Second)
	defer f.close()
	for _, address := range []string{
		inside.URL, "http://localhost" + port, "http://2130706433" + port, "http://0x7f.1" + port, "http://[::1]" + port, "http://[::ffff:127.0.0.1]" + port, "http://0.0.0.0" + port,
		"http://169.254.169.254/latest/meta-data", "http://10.0.0.1", "http://[fe80::1]/", "http://[fd00::1]/", "http://[64:ff9b::7f00:1]/", "http://100.64.0.1",
		"file:///etc/passwd", "ftp://example.org/x", "gopher://127.0.0.1", "http://user:password@example.org/", "http://", "//example.org", "data:x", "",
	} {
		if data, err := f.fetch(t.Context(), address); err == nil {
			t.Errorf("%s gave %q", address, data)
		}
	}
	for _, address := range []string{"93.184.215.14:80", "[2606:2800:21f:cb07:6820:80da:af6b:8b2c]:443"} {
		if err := public(address); err != nil {
			t.Error(err)
		}
	}
}

// What is fetched is bounded, and a redirection to the inside is not followed.
func TestFetchBounds(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/small":
			io.WriteString(w, "hello")
		case "/large":
			w.Write(make([]byte, 2000))
		case "/file":
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/inside":
			http.Redirect(w, r, "http://127.0.0.2/", http.StatusFound)
		default:
			http.NotFound(w, r)
		}
	}))
	defer site.Close()
	f := newFetcher(1000, 5*time.Second)
	defer f.close()
	at := site.Listener.Addr().String()
	checked := f.client.Transport.(*http.Transport).DialContext
	f.client.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if address == at { // the one address that this test lets through
			return net.Dial(network, address)
		}
		return checked(ctx, network, address)
	}
	if data, err := f.fetch(t.Context(), site.URL+"/small"); err != nil || string(data) != "hello" {
		t.Error(string(data), err)
	}
	for path, want := range map[string]string{"/large": "more than 1000", "/file": "scheme", "/loop": "redirections", "/inside": "public internet", "/none": "404"} {
		if _, err := f.fetch(t.Context(), site.URL+path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

// Clients that send slowly, and that go away, free their place.
func TestSlowClients(t *testing.T) {
	h := serve(t, Options{Limits: Limits{Concurrent: 1, Wait: time.Minute, Grace: 50 * time.Millisecond, Pace: 1}})
	u, err := url.Parse(h.URL)
	if err != nil {
		t.Fatal(err)
	}
	const head = "POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{"
	slow, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	io.WriteString(slow, head)
	answer, err := http.ReadResponse(bufio.NewReader(slow), nil)
	if err != nil {
		t.Fatal(err)
	}
	check(t, answer, "slow", 408, nil)
	gone, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(gone, head)
	gone.Close()
	call(t, h, "/v1/embeddings", `{"input":"a"}`, 200, nil) // there is one place
}

func TestBusy(t *testing.T) {
	h := serve(t, Options{Limits: Limits{Concurrent: 1, Wait: time.Second}})
	r, w := io.Pipe()
	first := make(chan int)
	go func() {
		answer, err := http.Post(h.URL+"/v1/embeddings", "application/json", r)
		if err != nil {
			t.Error(err)
			close(first)
			return
		}
		answer.Body.Close()
		first <- answer.StatusCode
	}()
	io.WriteString(w, `{"input":`) // the first is in
	for {
		answer := request(t, h, "POST", "/v1/embeddings", `{"input":"a"}`)
		status := answer.StatusCode
		answer.Body.Close()
		if status == 503 {
			if answer.Header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			break
		}
	}
	check(t, request(t, h, "GET", "/health", ""), "health", 200, nil)                    // what has no body needs no place
	check(t, request(t, h, "POST", "/v1/session", `{"token":"x"}`), "session", 401, nil) // nor does who bears no token, so that none of them keeps others out
	check(t, request(t, h, "POST", "/v1/session", strings.Repeat(" ", mostOpen+1)), "session", 413, nil)
	io.WriteString(w, `"a"}`)
	w.Close()
	if status := <-first; status != 200 {
		t.Errorf("the first got %d", status)
	}
}

// Log lines are JSON with the request's id, whatever clients write into it.
func TestLog(t *testing.T) {
	var log bytes.Buffer
	h := serve(t, Options{Log: slog.New(slog.NewJSONHandler(&log, nil))})
	answer := request(t, h, "GET", "/health", "", "X-Request-Id", "my-id.1")
	check(t, answer, "health", 200, nil)
	if answer.Header.Get("X-Request-Id") != "my-id.1" {
		t.Error("a good id is not kept")
	}
	answer = request(t, h, "GET", "/health", "", "X-Request-Id", "bad id")
	check(t, answer, "health", 200, nil)
	if id := answer.Header.Get("X-Request-Id"); id == "bad id" || id == "" {
		t.Errorf("id %q", id)
	}
	h.Close() // so that all lines are written
	if !strings.Contains(log.String(), `"id":"my-id.1","method":"GET","path":"/health","status":200`) {
		t.Error(log.String())
	}
}
