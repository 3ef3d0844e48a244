package hub

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

const defaultEndpoint = "https://huggingface.co"

// FromEnv makes a client as the environment describes it, by the variables of huggingface_hub: HF_HUB_CACHE (or HUGGINGFACE_HUB_CACHE),
// HF_HOME and XDG_CACHE_HOME for the cache; HF_TOKEN (or HUGGING_FACE_HUB_TOKEN) and the file that HF_TOKEN_PATH names, $HF_HOME/token
// unless it is set, for the token, of which HF_HUB_DISABLE_IMPLICIT_TOKEN makes no use; HF_ENDPOINT; HF_HUB_OFFLINE and
// TRANSFORMERS_OFFLINE; HF_HUB_DISABLE_SYMLINKS.
func FromEnv() (*Client, error) {
	home, err := envHome()
	if err != nil {
		return nil, err
	}
	c := &Client{
		Endpoint: strings.TrimRight(cmp.Or(os.Getenv("HF_ENDPOINT"), defaultEndpoint), "/"),
		Cache:    envCache(home),
		Offline:  isTrue(cmp.Or(os.Getenv("HF_HUB_OFFLINE"), os.Getenv("TRANSFORMERS_OFFLINE"))),
	}
	if isTrue(os.Getenv("HF_HUB_DISABLE_SYMLINKS")) {
		c.symlink = func(string, string) error { return errors.ErrUnsupported }
	}
	if _, err := c.origin(); err != nil {
		return nil, fmt.Errorf("hub: HF_ENDPOINT: %w", err)
	}
	if isTrue(os.Getenv("HF_HUB_DISABLE_IMPLICIT_TOKEN")) {
		return c, nil
	}
	c.Token = cleanToken(cmp.Or(os.Getenv("HF_TOKEN"), os.Getenv("HUGGING_FACE_HUB_TOKEN")))
	if c.Token == "" {
		data, err := readSmall(cmp.Or(expand(os.Getenv("HF_TOKEN_PATH")), filepath.Join(home, "token")), 4096)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("hub: token: %w", err)
		}
		c.Token = cleanToken(string(data))
	}
	return c, nil
}

// origin is the endpoint's address.
func (c *Client) origin() (*url.URL, error) {
	s := strings.TrimRight(cmp.Or(c.Endpoint, defaultEndpoint), "/")
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("endpoint: expected an address such as %s, got %q", defaultEndpoint, printable(s))
	}
	return u, nil
}

// envHome is the folder of the cache and the token.
func envHome() (string, error) {
	if home := expand(os.Getenv("HF_HOME")); home != "" {
		return home, nil
	}
	if xdg := expand(os.Getenv("XDG_CACHE_HOME")); xdg != "" {
		return filepath.Join(xdg, "huggingface"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("hub: cache: expected HF_HOME or a home folder: %w", err)
	}
	return filepath.Join(home, ".cache", "huggingface"), nil
}

// envCache is the folder of models--org--name folders.
func envCache(home string) string {
	return cmp.Or(expand(os.Getenv("HF_HUB_CACHE")), expand(os.Getenv("HUGGINGFACE_HUB_CACHE")), filepath.Join(home, "hub"))
}

// expand replaces a leading ~, and $variables that are set.
func expand(p string) string {
	if p == "~" || strings.HasPrefix(p, "~/") || strings.HasPrefix(p, `~\`) {
		if home, err := os.UserHomeDir(); err == nil {
			p = home + p[1:]
		}
	}
	return os.Expand(p, func(name string) string {
		if v, ok := os.LookupEnv(name); ok {
			return v
		}
		return "$" + name
	})
}

func isTrue(s string) bool {
	switch strings.ToUpper(s) {
	case "1", "ON", "YES", "TRUE":
		return true
	}
	return false
}

// cleanToken removes what editors and terminals leave around a token.
func cleanToken(s string) string {
	return strings.TrimSpace(strings.NewReplacer("\r", "", "\n", "").Replace(s))
}
