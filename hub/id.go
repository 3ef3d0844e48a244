package hub

import (
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// An ID names a model on the hub: Repo is "org/name", or a bare "name" for some old models; Revision is a branch, a tag, a commit or a
// reference such as "refs/pr/1". An empty Revision is "main".
type ID struct{ Repo, Revision string }

const folderPrefix = "models--"

var repoPattern = regexp.MustCompile(`^([A-Za-z0-9_][A-Za-z0-9._-]*/)?[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?$`)

// ParseID reads "org/name", "org/name@revision" or a bare "name".
func ParseID(s string) (ID, error) {
	repo, revision, at := strings.Cut(s, "@")
	id := ID{Repo: repo, Revision: revision}
	if at && revision == "" {
		return ID{}, fmt.Errorf("hub: id %q: expected a revision behind @, got nothing", s)
	}
	if err := id.check(); err != nil {
		return ID{}, err
	}
	return id, nil
}

// String is the form that [ParseID] reads.
func (id ID) String() string {
	if id.Revision == "" {
		return id.Repo
	}
	return id.Repo + "@" + id.Revision
}

// check makes sure that nothing made of id can name a place outside its folder. The rules are huggingface_hub's.
func (id ID) check() error {
	if len(id.Repo) > 96 || !repoPattern.MatchString(id.Repo) || strings.Contains(id.Repo, "--") || strings.Contains(id.Repo, "..") ||
		strings.HasSuffix(id.Repo, ".git") {
		return fmt.Errorf("hub: id: expected org/name of at most 96 letters, digits, '-', '_' and '.', got %q", printable(id.Repo))
	}
	if id.Revision != "" && !isLocal(id.Revision) {
		return fmt.Errorf("hub: id %s: expected a branch, a tag or a commit, got %q", id.Repo, printable(id.Revision))
	}
	return nil
}

func (id ID) revision() string {
	if id.Revision == "" {
		return "main"
	}
	return id.Revision
}

// folder is the name of the repository's folder in the cache.
func (id ID) folder() string { return folderPrefix + strings.ReplaceAll(id.Repo, "/", "--") }

// isLocal reports whether name, with slashes, stays below the folder that it is joined to, on every system.
func isLocal(name string) bool {
	return name != "" && name != "." && len(name) <= 1024 && path.Clean(name) == name && !strings.ContainsAny(name, "\\:\x00\r\n") &&
		filepath.IsLocal(filepath.FromSlash(name))
}

// isCommit reports whether s is a full git hash.
func isCommit(s string) bool { return isHex(s, 40) }

// isHex reports whether s is n lower-case hexadecimal digits.
func isHex(s string, n int) bool {
	return len(s) == n && !strings.ContainsFunc(s, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'f') })
}

func isWord(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_'
}
