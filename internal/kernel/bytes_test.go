package kernel

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	byteLine  = regexp.MustCompile(`^\t((?:BYTE \$0x[0-9a-f]{2}(?:; )?)+) // (.+)$`)
	oneByte   = regexp.MustCompile(`0x[0-9a-f]{2}`)
	goMemory  = regexp.MustCompile(`(\d*)\(([A-Z0-9]+)\)(?:\(([A-Z0-9]+)\*1\))?`)
	dumpLine  = regexp.MustCompile(`^\s*([0-9a-f]+):\t[0-9a-f ]+\t(\S+)\s*(.*?)\s*$`)
	wideNames = regexp.MustCompile(`\b(TMM|Z|Y)(\d+)\b`)
)

// TestBytesAreTheInstructionsBesideThem has objdump disassemble every instruction that the assembly holds as bytes, and compares what
// it reads with the comment.
func TestBytesAreTheInstructionsBesideThem(t *testing.T) {
	code, want := instructionBytes(t)
	if got, err := disassemble(t, []byte{0xc4, 0xe2, 0x78, 0x49, 0xc0}); err != nil || got[0] != "tilerelease" {
		t.Skipf("no objdump that knows AMX and AVX512-BF16 (GNU binutils): %v %v", got, err)
	}
	got, err := disassemble(t, code)
	if err != nil || len(got) != len(want) {
		t.Fatalf("objdump reads %d instructions, want %d (%v)", len(got), len(want), err)
	}
	for i, w := range want {
		if got[i] != w {
			t.Errorf("bytes that stand for %q are %q", w, got[i])
		}
	}
}

// instructionBytes is the different instructions that are written as bytes, one after the other, and each as objdump spells it.
func instructionBytes(t *testing.T) (code []byte, text []string) {
	t.Helper()
	files, err := filepath.Glob("*_amd64.s")
	if err != nil || len(files) == 0 {
		t.Fatal("no assembly", err)
	}
	seen := map[string]bool{}
	for _, f := range files {
		source, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(source)) {
			m := byteLine.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
			if strings.Contains(line, "BYTE") && m == nil {
				t.Fatalf("%s: bytes without their instruction: %s", f, line)
			}
			if m == nil || seen[m[0]] {
				continue
			}
			seen[m[0]] = true
			for _, b := range oneByte.FindAllString(m[1], -1) {
				v, _ := strconv.ParseUint(b, 0, 8)
				code = append(code, byte(v))
			}
			text = append(text, likeObjdump(m[2]))
		}
	}
	if len(text) < 100 {
		t.Fatalf("%d instructions as bytes", len(text))
	}
	return code, text
}

// likeObjdump spells an instruction as objdump does by default: the operands are in the same order.
func likeObjdump(s string) string {
	s = goMemory.ReplaceAllStringFunc(s, func(m string) string {
		p := goMemory.FindStringSubmatch(m)
		out := ""
		if n, _ := strconv.Atoi(p[1]); n != 0 {
			out = "0x" + strconv.FormatInt(int64(n), 16)
		}
		out += "(" + general(p[2])
		if p[3] != "" {
			out += "," + general(p[3]) + ",1"
		}
		return out + ")"
	})
	s = wideNames.ReplaceAllStringFunc(s, func(r string) string {
		return "%" + strings.NewReplacer("TMM", "tmm", "Z", "zmm", "Y", "ymm").Replace(r)
	})
	name, operands, _ := strings.Cut(s, " ")
	return strings.TrimSpace(strings.ToLower(name) + " " + strings.ReplaceAll(operands, ", ", ","))
}

// general spells a 64-bit register.
func general(r string) string {
	if r[0] == 'R' {
		return "%" + strings.ToLower(r)
	}
	return "%r" + strings.ToLower(r)
}

// disassemble is the instructions in code, by objdump.
func disassemble(t *testing.T, code []byte) ([]string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "code")
	if err := os.WriteFile(file, code, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("objdump", "-D", "-w", "-b", "binary", "-m", "i386:x86-64", file).Output()
	var text []string
	for line := range bytes.Lines(out) {
		if m := dumpLine.FindSubmatch(bytes.TrimRight(line, "\n")); m != nil {
			text = append(text, strings.TrimSpace(string(m[2])+" "+string(m[3])))
		}
	}
	if len(text) == 0 {
		text = []string{""}
	}
	return text, err
}
