package kernel

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// TestWordsOfArm64AreWhatTheySay disassembles the instructions that the generator encoded itself and compares them with the comments
// beside them.
func TestWordsOfArm64AreWhatTheySay(t *testing.T) {
	objdump, err := exec.LookPath("aarch64-linux-gnu-objdump")
	if err != nil && runtime.GOARCH == "arm64" {
		objdump, err = exec.LookPath("objdump")
	}
	if err != nil {
		t.Skip("aarch64-linux-gnu-objdump is not installed (Debian: binutils-aarch64-linux-gnu)")
	}
	files, err := filepath.Glob("*_arm64.s")
	if err != nil || len(files) == 0 {
		t.Fatal("no assembly", err)
	}
	line := regexp.MustCompile(`^\tWORD \$0x([0-9a-f]{8}) // (\S.*)$`)
	var words []byte
	var said []string
	seen := map[string]bool{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range strings.Split(string(text), "\n") {
			if !strings.Contains(s, "WORD") || seen[s] {
				continue
			}
			seen[s] = true
			m := line.FindStringSubmatch(s)
			if m == nil {
				t.Fatalf("%s: expected a word and its mnemonic, got %q", f, s)
			}
			bits, err := strconv.ParseUint(m[1], 16, 32)
			if err != nil {
				t.Fatal(err)
			}
			words = binary.LittleEndian.AppendUint32(words, uint32(bits))
			said = append(said, m[2])
		}
	}
	raw := filepath.Join(t.TempDir(), "words")
	if err := os.WriteFile(raw, words, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(objdump, "-D", "-z", "-b", "binary", "-m", "aarch64", raw).Output()
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^ *[0-9a-f]+:\t[0-9a-f]{8} \t(.*)$`).FindAllStringSubmatch(string(out), -1)
	if len(found) != len(said) {
		t.Fatalf("%d instructions out of %d words", len(found), len(said))
	}
	for i, m := range found {
		if got := strings.Join(strings.Fields(m[1]), " "); got != said[i] {
			t.Errorf("%#08x: the comment says %q, the disassembler %q", words[4*i:4*i+4], said[i], got)
		}
	}
	t.Logf("%d different words", len(said))
}
