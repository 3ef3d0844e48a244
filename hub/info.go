package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

const largestInfo = 64 << 20 // bytes of a repository's description: some list 100,000 files

// A remote is a file as the hub describes it.
type remote struct {
	name string
	size int64  // -1 unknown
	etag string // the blob's name: the sha256 of large files, the git hash of others; empty if unknown
}

// info is what the hub says of a revision.
type info struct {
	commit string
	files  []remote
}

// info asks the hub which commit a revision is and which files it has.
func (c *Client) info(ctx context.Context, id ID, note func(string)) (*info, error) {
	address := c.url("api", "models", id.Repo, "revision") + "/" + url.PathEscape(id.revision()) + "?blobs=true"
	var data []byte
	err := c.retry(ctx, note, func() (bool, error) {
		a, err := c.ask(ctx, http.MethodGet, address, "", false)
		if err != nil {
			return false, err
		}
		defer a.close()
		if err := c.check(a, id, ""); err != nil {
			return false, err
		}
		data, err = io.ReadAll(io.LimitReader(a.Body, largestInfo+1))
		if err != nil {
			return false, &transient{err: err}
		}
		return false, nil
	})
	if err != nil {
		return nil, err
	}
	if len(data) > largestInfo {
		return nil, fmt.Errorf("description: expected at most %d bytes, got more", largestInfo)
	}
	return parseInfo(data)
}

func parseInfo(data []byte) (*info, error) {
	var body struct {
		SHA      string `json:"sha"`
		Siblings []struct {
			Name   string `json:"rfilename"`
			Size   *int64 `json:"size"`
			BlobID string `json:"blobId"`
			LFS    *struct {
				SHA256 string `json:"sha256"`
				Size   *int64 `json:"size"`
			} `json:"lfs"`
		} `json:"siblings"`
	}
	if err := json.Unmarshal(data, &body); err != nil {
		return nil, fmt.Errorf("description: expected JSON of a model: %w", err)
	}
	if !isCommit(body.SHA) {
		return nil, fmt.Errorf("description: expected sha of 40 hex digits, got %q", printable(body.SHA))
	}
	in := &info{commit: body.SHA}
	for _, s := range body.Siblings {
		f := remote{name: s.Name, size: -1, etag: s.BlobID}
		size := s.Size
		if s.LFS != nil {
			f.etag = s.LFS.SHA256
			if s.LFS.Size != nil {
				size = s.LFS.Size
			}
		}
		if size != nil {
			f.size = *size
		}
		if f.size < -1 {
			return nil, fmt.Errorf("description: expected a size of %q, got %d", printable(s.Name), f.size)
		}
		in.files = append(in.files, f)
	}
	return in, nil
}

// complete asks for what the description of a file left out, as mirrors do.
func (c *Client) complete(ctx context.Context, id ID, commit string, f *remote, note func(string)) error {
	if f.size < 0 || f.etag == "" {
		err := c.retry(ctx, note, func() (bool, error) {
			a, err := c.ask(ctx, http.MethodHead, c.url(id.Repo, "resolve", commit, f.name), "", true)
			if err != nil {
				return false, err
			}
			defer a.close()
			if a.StatusCode/100 != 3 {
				if err := c.check(a, id, f.name); err != nil {
					return false, err
				}
			}
			etag, size := linked(a)
			if f.etag == "" {
				f.etag = etag
			}
			if f.size < 0 {
				f.size = size
			}
			return false, nil
		})
		if err != nil {
			return err
		}
	}
	if f.size < 0 {
		return errors.New("expected a size from the hub, got none")
	}
	// The name becomes a file's name, with suffixes.
	if f.etag == "" || len(f.etag) > 150 || strings.HasPrefix(f.etag, ".") || strings.HasSuffix(f.etag, partial) ||
		strings.ContainsFunc(f.etag, func(r rune) bool { return !isWord(r) && r != '-' && r != '.' }) || !isLocal(f.etag) {
		return fmt.Errorf("expected an ETag that can name a file, got %q", printable(f.etag))
	}
	return nil
}

// linked reads what the hub's own response says of a file: its ETag without W/ and quotes, and its size or -1.
func linked(a *answer) (etag string, size int64) {
	etag = a.linked.Get("X-Linked-Etag")
	if etag == "" {
		etag = a.linked.Get("Etag")
	}
	etag = strings.Trim(strings.TrimPrefix(etag, "W/"), `"`)
	size, err := strconv.ParseInt(a.linked.Get("X-Linked-Size"), 10, 64)
	if err == nil && size >= 0 {
		return etag, size
	}
	if a.StatusCode/100 == 2 {
		return etag, a.ContentLength
	}
	return etag, -1
}
