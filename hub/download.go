package hub

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

const partial = ".incomplete" // suffix of a blob that is on its way

// A partFile is where a download is written.
type partFile interface {
	io.ReadWriteSeeker
	io.Closer
	Truncate(size int64) error
	Sync() error
}

var errCorrupt = errors.New("corrupt")

func openPart(path string) (partFile, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
}

// promises reports whether an ETag is a hash that can be verified: sha256, or git's sha1 of a blob.
func promises(etag string) bool { return isHex(etag, 64) || isHex(etag, 40) }

// digest is the hash that an ETag promises, or some hash if it promises none.
func digest(etag string, size int64) hash.Hash {
	if !isHex(etag, 40) {
		return sha256.New()
	}
	h := sha1.New()
	fmt.Fprintf(h, "blob %d\x00", size)
	return h
}

// download fetches f into path + ".incomplete", from where an earlier try broke off, verifies it and renames it to path. On failure the
// part stays, except when it proves corrupt.
func (c *Client) download(ctx context.Context, id ID, commit string, f remote, path, part string, t *tally) error {
	for again := false; ; again = true {
		err := c.fill(ctx, id, commit, f, part, t)
		if err == nil {
			return os.Rename(part, path)
		}
		if !errors.Is(err, errCorrupt) {
			return err
		}
		if err := os.Remove(part); err != nil {
			return err
		}
		// What an earlier process left may have been bad, say after a power cut: the file gets one chance from its start.
		if again {
			return err
		}
		t.note(f.name)(err.Error() + "; downloading it again")
	}
}

// fill brings the part to its full size and verifies it.
func (c *Client) fill(ctx context.Context, id ID, commit string, f remote, path string, t *tally) (err error) {
	create := c.create
	if create == nil {
		create = openPart
	}
	file, err := create(path)
	if err != nil {
		return err
	}
	defer func() {
		if e := file.Close(); err == nil {
			err = e
		}
	}()
	p := &part{file: file, sum: digest(f.etag, f.size), etag: f.etag, moved: func(done int64) { t.moved(f.name, done, f.size) }, size: f.size}
	if err := p.rehash(ctx); err != nil {
		return err
	}
	if free, known := FreeSpace(filepath.Dir(path)); known && free < p.size-p.done {
		return p.full(fmt.Errorf("%w (%d bytes are free)", syscall.ENOSPC, free))
	}
	err = c.retry(ctx, t.note(f.name), func() (bool, error) {
		before := p.done
		err := c.stream(ctx, id, commit, f, p)
		return p.done > before, err
	})
	if err != nil {
		return err
	}
	if got := hex.EncodeToString(p.sum.Sum(nil)); promises(f.etag) && got != f.etag {
		return refuse([]error{errCorrupt}, "expected hash %s, got %s: the download was deleted", f.etag, got)
	}
	return p.full(file.Sync())
}

// stream asks for what is missing of the part and appends it.
func (c *Client) stream(ctx context.Context, id ID, commit string, f remote, p *part) error {
	if p.done == p.size {
		return nil
	}
	span := ""
	if p.done > 0 {
		span = "bytes=" + strconv.FormatInt(p.done, 10) + "-"
	}
	a, err := c.ask(ctx, http.MethodGet, c.url(id.Repo, "resolve", commit, f.name), span, false)
	if err != nil {
		return err
	}
	defer a.close()
	if a.StatusCode == http.StatusRequestedRangeNotSatisfiable && p.done > 0 {
		if err := p.restart(); err != nil {
			return err
		}
		return &transient{err: fmt.Errorf("expected 206 from %s, got %s", a.Request.URL.Host, a.Status)}
	}
	if err := c.check(a, id, f.name); err != nil {
		return err
	}
	if got := a.linked.Get("X-Repo-Commit"); got != "" && got != commit {
		return fmt.Errorf("expected commit %s, got %s", commit, printable(got))
	}
	total := a.ContentLength
	if a.StatusCode == http.StatusPartialContent {
		var from int64
		if from, total, err = contentRange(a.Header.Get("Content-Range")); err != nil {
			return err
		}
		if from != p.done {
			return fmt.Errorf("expected bytes from %d on, got them from %d", p.done, from)
		}
	} else if p.done > 0 { // the server ignores ranges
		if err := p.restart(); err != nil {
			return err
		}
	}
	if total >= 0 && total != p.size {
		return fmt.Errorf("expected %d bytes, got a file of %d", p.size, total)
	}
	return p.append(a.Body)
}

// contentRange reads `bytes from-to/total`; total is -1 for *.
func contentRange(s string) (from, total int64, err error) {
	bytes, all, ok := strings.Cut(strings.TrimPrefix(s, "bytes "), "/")
	first, _, dash := strings.Cut(bytes, "-")
	from, err = strconv.ParseInt(first, 10, 64)
	total = -1
	if err == nil && all != "*" {
		total, err = strconv.ParseInt(all, 10, 64)
	}
	if err != nil || !ok || !dash {
		return 0, 0, fmt.Errorf("expected a Content-Range, got %q", printable(s))
	}
	return from, total, nil
}

// A part is a file that grows, with the hash of what it holds.
type part struct {
	file       partFile
	sum        hash.Hash
	etag       string
	done, size int64
	moved      func(done int64)
}

// rehash reads what is there already; more than the whole file cannot be right and is dropped.
func (p *part) rehash(ctx context.Context) error {
	have, err := p.file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if have > p.size {
		have = 0
		if err := p.file.Truncate(0); err != nil {
			return err
		}
	}
	if _, err := p.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	for p.done < have {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n, err := io.CopyN(p.sum, p.file, min(have-p.done, 16<<20))
		p.done += n
		if err != nil {
			return err
		}
	}
	p.moved(p.done)
	return nil
}

// restart forgets what the part holds.
func (p *part) restart() error {
	if err := p.file.Truncate(0); err != nil {
		return err
	}
	if _, err := p.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	p.done, p.sum = 0, digest(p.etag, p.size)
	return nil
}

// full says what is needed if err is that of a full disk.
func (p *part) full(err error) error {
	if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) {
		return err
	}
	return fmt.Errorf("expected room for %d more bytes (what has come stays, and the next pull goes on from there; HF_HUB_CACHE names another disk): %w",
		p.size-p.done, err)
}

// append copies body to the end. It never writes more than the size; a body that ends early is transient, a disk that is full is not.
func (p *part) append(body io.Reader) error {
	buf := make([]byte, 256<<10)
	for {
		n, err := body.Read(buf)
		if int64(n) > p.size-p.done {
			return fmt.Errorf("expected %d bytes, got more", p.size)
		}
		if n > 0 {
			wrote, werr := p.file.Write(buf[:n])
			p.sum.Write(buf[:wrote])
			p.done += int64(wrote)
			if werr != nil {
				return p.full(werr)
			}
			p.moved(p.done)
		}
		if err == io.EOF && p.done == p.size {
			return nil
		}
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return &transient{err: fmt.Errorf("expected %d bytes, got %d: %w", p.size, p.done, err)}
		}
	}
}
