package hub

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	retries      = 5                // failures in a row, without a byte gained, before giving up
	firstWait    = time.Second / 2  // doubled at each retry
	longestWait  = 10 * time.Second // of our own choice
	longestAsked = 2 * time.Minute  // of what a server asks for
	redirects    = 10
)

var errStalled = errors.New("the connection fell silent")

// A transient error may go away by itself; after is how long the server wants to be left alone.
type transient struct {
	err   error
	after time.Duration
}

func (t *transient) Error() string { return t.err.Error() }
func (t *transient) Unwrap() error { return t.err }

// retry calls try until it succeeds, fails for good, or fails too often in a row without getting on. note is told why it waits.
func (c *Client) retry(ctx context.Context, note func(string), try func() (moved bool, err error)) error {
	for failures := 0; ; failures++ {
		moved, err := try()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var t *transient
		if !errors.As(err, &t) {
			return err
		}
		if moved {
			failures = 0
		}
		if failures >= retries {
			return fmt.Errorf("tried %d times: %w", failures+1, err)
		}
		wait := min(firstWait<<failures, longestWait)
		wait += rand.N(wait / 4) // so that many clients do not come back at once
		if t.after > 0 {
			wait = min(t.after, longestAsked)
		}
		note(fmt.Sprintf("%v; trying again in %v", err, wait.Round(100*time.Millisecond)))
		if err := c.sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// An answer is the last response of a chain of redirects. linked holds what the hub's own responses said of the file before the chain left
// for another host: the first value seen of each header counts.
type answer struct {
	*http.Response
	linked http.Header
	away   bool // another host than the endpoint answered
	stop   context.CancelFunc
}

func (a *answer) close() {
	a.Body.Close()
	a.stop()
}

// ask sends one request and follows redirects by hand, so that the token stays with the endpoint's scheme, host and port. With stay, it does
// not leave the endpoint: the redirect itself is the answer. Errors of the connection are transient.
func (c *Client) ask(ctx context.Context, method, address, span string, stay bool) (*answer, error) {
	origin, err := c.origin()
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	client := *c.client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	ctx, stop := context.WithCancelCause(ctx)
	a := &answer{linked: http.Header{}, stop: func() { stop(nil) }}
	watch := time.AfterFunc(c.patience(), func() { stop(errStalled) })
	for hops := 0; ; hops++ {
		home := u.Scheme == origin.Scheme && u.Host == origin.Host
		a.away = !home
		r, err := http.NewRequestWithContext(ctx, method, u.String(), nil)
		if err == nil && u.Scheme != "http" && u.Scheme != "https" {
			err = fmt.Errorf("expected a redirect to http or https, got %s", u.Scheme)
		}
		if err != nil {
			a.stop()
			return nil, err
		}
		r.Header.Set("Accept-Encoding", "identity") // sizes and ranges are those of the file itself
		r.Header.Set("User-Agent", "chiasm")
		if span != "" {
			r.Header.Set("Range", span)
		}
		if home && c.Token != "" {
			r.Header.Set("Authorization", "Bearer "+c.Token)
		}
		a.Response, err = client.Do(r)
		if err != nil {
			err = c.broken(ctx, err)
			a.stop()
			return nil, err
		}
		if home {
			for _, name := range []string{"X-Repo-Commit", "X-Linked-Etag", "X-Linked-Size", "Etag"} {
				if value := a.Header.Get(name); value != "" && a.linked.Get(name) == "" {
					a.linked.Set(name, value)
				}
			}
		}
		to := a.Header.Get("Location")
		if a.StatusCode/100 != 3 || to == "" || a.StatusCode == http.StatusNotModified {
			a.Body = &watched{a.Body, watch, c.patience(), ctx}
			return a, nil
		}
		next, err := u.Parse(to)
		if err == nil && u.Scheme == "https" && next.Scheme == "http" {
			err = fmt.Errorf("expected a redirect from %s to https, got http", u.Host)
		}
		if err == nil && hops == redirects {
			err = fmt.Errorf("expected at most %d redirects, got more at %s", redirects, u.Host)
		}
		if err == nil && stay && (next.Scheme != origin.Scheme || next.Host != origin.Host) {
			a.Body = &watched{a.Body, watch, c.patience(), ctx}
			return a, nil
		}
		a.Body.Close()
		if err != nil {
			a.stop()
			return nil, err
		}
		u = next
	}
}

func (c *Client) patience() time.Duration { return cmp.Or(c.stall, time.Minute) }

func (c *Client) client() *http.Client {
	if c.HTTP != nil {
		return c.HTTP
	}
	return &http.Client{} // on Go's shared transport: it dials, shakes hands and honours proxies as everyone else's
}

// broken sorts a failed connection into errors that may go away and those that will not.
func (c *Client) broken(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		if cause != errStalled {
			return cause
		}
		err = fmt.Errorf("%w for %v", errStalled, c.patience())
	}
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	final := errors.As(err, &dns) && dns.IsNotFound || errors.As(err, &cert)
	var whole *url.Error // names the address, which may carry a signature
	if errors.As(err, &whole) {
		err = whole.Err
		if u, e := url.Parse(whole.URL); e == nil {
			err = fmt.Errorf("%s: %w", u.Host, whole.Err)
		}
	}
	if final {
		return err
	}
	return &transient{err: err}
}

// A watched body ends the request when no byte comes for long, which a plain client would wait out forever.
type watched struct {
	io.ReadCloser
	timer    *time.Timer
	patience time.Duration
	ctx      context.Context
}

func (w *watched) Read(p []byte) (int, error) {
	w.timer.Reset(w.patience)
	n, err := w.ReadCloser.Read(p)
	w.timer.Stop() // the reader may take its time
	if err != nil && err != io.EOF && context.Cause(w.ctx) != nil {
		err = context.Cause(w.ctx)
	}
	return n, err
}

func (w *watched) Close() error {
	w.timer.Stop()
	return w.ReadCloser.Close()
}

// check turns a status that is not a success into an error: transient where another try may help.
func (c *Client) check(a *answer, id ID, file string) error {
	status := a.StatusCode
	switch {
	case status/100 == 2:
		return nil
	case status == 408 || status == 425 || status == 429 || status/100 == 5:
		return &transient{fmt.Errorf("expected 200 from %s, got %s", a.Request.URL.Host, a.Status), retryAfter(a.Header, time.Now())}
	case a.away && (status == 401 || status == 403 || status == 404):
		// A signed address that has expired: the next try gets a fresh one from the hub.
		return &transient{err: fmt.Errorf("expected 200 from %s, to which the hub redirects, got %s", a.Request.URL.Host, a.Status)}
	}
	return c.refused(a.Response, id, file)
}

// retryAfter reads how long a server wants to be left alone: seconds or a date, or the hub's own RateLimit header. Zero if it does not say.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds >= 0 {
		return time.Duration(min(seconds, longestAsked.Seconds()) * float64(time.Second))
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(0, date.Sub(now))
	}
	for _, part := range strings.Split(h.Get("RateLimit"), ";") {
		if t, ok := strings.CutPrefix(strings.TrimSpace(part), "t="); ok {
			if seconds, err := strconv.ParseUint(t, 10, 16); err == nil {
				return time.Duration(seconds) * time.Second
			}
		}
	}
	return 0
}

// url joins escaped path elements to the endpoint; a slash inside an element stays one.
func (c *Client) url(elements ...string) string {
	s := strings.TrimRight(cmp.Or(c.Endpoint, defaultEndpoint), "/")
	for _, e := range elements {
		for _, part := range strings.Split(e, "/") {
			s += "/" + url.PathEscape(part)
		}
	}
	return s
}
