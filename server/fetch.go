package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// A fetcher gets what public addresses hold. It never connects to this machine or to a private network, whatever a name resolves to and
// wherever an answer redirects: the address is looked at when the connection is made.
type fetcher struct {
	client *http.Client
	limit  int64
}

func newFetcher(limit int64, patience time.Duration) *fetcher {
	dialer := &net.Dialer{Timeout: 10 * time.Second, Control: func(_, address string, _ syscall.RawConn) error { return public(address) }}
	return &fetcher{limit: limit, client: &http.Client{
		Timeout: patience,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, Proxy: nil, MaxResponseHeaderBytes: 64 << 10, TLSHandshakeTimeout: 10 * time.Second,
			ForceAttemptHTTP2: true, MaxIdleConns: 8, IdleConnTimeout: 10 * time.Second,
		},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > 5 {
				return errors.New("more than 5 redirections")
			}
			return fetchable(r.URL)
		},
	}}
}

func (f *fetcher) close() { f.client.CloseIdleConnections() }

// fetch gives what address holds.
func (f *fetcher) fetch(ctx context.Context, address string) ([]byte, error) {
	u, err := url.Parse(address)
	if err == nil {
		err = fetchable(u)
	}
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("User-Agent", "chiasm")
	answer, err := f.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", u.Redacted(), answer.Status)
	}
	data, err := io.ReadAll(io.LimitReader(answer.Body, f.limit+1))
	if err == nil && int64(len(data)) > f.limit {
		err = fmt.Errorf("%s holds more than %d bytes", u.Redacted(), f.limit)
	}
	return data, err
}

// fetchable checks an address before its name is looked up.
func fetchable(u *url.URL) error {
	if u.User != nil {
		return errors.New("want a data: URI or an http(s) address without a password, got one with a user's name")
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("want a data: URI or an http(s) address, got scheme %.20q", u.Scheme)
	}
	return nil
}

// private are networks that are not the public internet's, besides those that package netip knows.
var private = func() (all []netip.Prefix) {
	for _, s := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
	} {
		all = append(all, netip.MustParsePrefix(s))
	}
	return all
}()

// public refuses an address, as "1.2.3.4:80", that is not of the public internet (the special-purpose registries of IANA).
func public(address string) error {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	ip := a.Addr().Unmap().WithZone("")
	bad := !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast()
	for _, p := range private {
		bad = bad || p.Contains(ip)
	}
	if bad {
		return fmt.Errorf("%s is not an address of the public internet", ip)
	}
	return nil
}
