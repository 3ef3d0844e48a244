package hub

import (
	"context"
	"net/http"
	"os"
	"time"
)

// A Client finds models in a cache on disk and downloads them into it. Its zero value uses the public hub, no token and the cache that the
// environment names. Methods may be called from several goroutines and processes at once; fields must not change meanwhile.
type Client struct {
	Endpoint string       // the hub or a mirror of it; empty means https://huggingface.co
	Token    string       // sent to the endpoint's own scheme, host and port alone; empty sends none
	Cache    string       // the folder of models--org--name folders; empty means the environment's
	Offline  bool         // never touch the network: Pull answers from the cache or with ErrOffline
	HTTP     *http.Client // nil means a client of its own, which honours HTTPS_PROXY; redirects are always followed by this package
	Progress func(Event)  // told how a Pull goes, by one goroutine at a time; nil for none

	// What tests replace; nil means the real thing.
	create  func(path string) (partFile, error)
	symlink func(target, path string) error
	wait    func(ctx context.Context, d time.Duration) error
	stall   time.Duration // how long a connection may stay silent; zero means a minute
}

// A File is one file of a repository.
type File struct {
	Name string // slash-separated, relative to the repository
	Size int64  // bytes; -1 if the hub does not say
}

// An Event says how far a [Client.Pull] has come. Files that were in the cache already count as done.
type Event struct {
	File              string // the file that has moved; empty while the hub is asked what there is
	Done, Total       int64  // its bytes
	AllDone, AllTotal int64  // bytes of all wanted files
	Note              string // why nothing moves: an error and the wait after it, or another process; empty while all is well
}

func (c *Client) cacheDir() (string, error) {
	if c.Cache != "" {
		return c.Cache, nil
	}
	home, err := envHome()
	if err != nil {
		return "", err
	}
	return envCache(home), nil
}

func (c *Client) sleep(ctx context.Context, d time.Duration) error {
	if c.wait != nil {
		return c.wait(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

func (c *Client) link(target, path string) error {
	if c.symlink != nil {
		return c.symlink(target, path)
	}
	return os.Symlink(target, path)
}
