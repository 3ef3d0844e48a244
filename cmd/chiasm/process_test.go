package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// program is a command line in a process of its own.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := exec.Command(self, "-test.run=^$").Run(); errors.Is(err, syscall.ENOEXEC) {
		t.Skip("under emulation a program cannot start itself")
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	return cmd
}

// Ctrl-C while the program waits for its standard input and has answered some of it.
func TestInterrupt(t *testing.T) {
	for name, signal := range map[string]os.Signal{"SIGINT": os.Interrupt, "SIGTERM": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			cmd := program(t, "embed", "-m", tiny, "--texts", "-", "-o", filepath.Join(dir, "x.npy"))
			var errs bytes.Buffer
			cmd.Stderr = &errs
			stdin, err := cmd.StdinPipe()
			if err == nil {
				err = cmd.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			defer stdin.Close()
			io.WriteString(stdin, "a cat\na dog\n")
			for range 500 { // the temporary files are there when the model is being loaded
				if found, _ := os.ReadDir(dir); len(found) > 0 {
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
			time.Sleep(100 * time.Millisecond)
			start := time.Now()
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != 130 || errs.String() != "chiasm: stopped\n" {
				t.Errorf("exit code %d, stderr %q", code, &errs)
			}
			if d := time.Since(start); d > 5*time.Second {
				t.Errorf("it took %v", d)
			}
			onlyFiles(t, dir)
		})
	}
}

// As `chiasm embed … | head -n 1`.
func TestBrokenPipe(t *testing.T) {
	cmd := program(t, "embed", "-m", tiny, "--batch-size", "1", "--texts", write(t, "texts.txt", strings.Repeat("a cat\n", 5000)))
	var errs bytes.Buffer
	cmd.Stderr = &errs
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	io.ReadFull(stdout, make([]byte, 100))
	stdout.Close()
	start := time.Now()
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 0 || errs.Len() > 0 {
		t.Errorf("exit code %d, stderr %q", code, &errs)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("it went on for %v", d)
	}
}

// A full disk is not quiet.
func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("this system has no /dev/full")
	}
	defer full.Close()
	var errs bytes.Buffer
	for _, args := range [][]string{{"help"}, {"embed", "--help"}, {"completion", "bash"}, {"version"}} {
		if code := run(t.Context(), args, strings.NewReader(""), full, io.Discard); code != exitFailure {
			t.Errorf("%q on a full disk: exit code %d", args, code)
		}
	}
	if code := run(t.Context(), []string{"embed", "-m", tiny, "-t", "cat"}, strings.NewReader(""), full, &errs); code != 1 || !strings.Contains(errs.String(), "no space left") {
		t.Errorf("exit code %d, stderr %q", code, &errs)
	}
}
