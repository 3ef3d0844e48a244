package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/chiasm/chiasm"
)

// The exit codes of every verb.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// echo is how long after a signal another one counts for the same: timeout and some shells send it to the program and to its group.
const echo = 300 * time.Millisecond

func main() {
	signal.Ignore(syscall.SIGPIPE) // a closed pipe is an error of the write, which run ends quietly on
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		time.Sleep(echo)
		for len(signals) > 0 {
			<-signals
		}
		<-signals
		os.Exit(exitInterrupted)
	}()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// An app is one run of the program: its streams and what all verbs share.
type app struct {
	stdin  io.Reader
	stdout *bufio.Writer
	stderr io.Writer
	quiet  bool
	// width is the columns of the terminal that stdout is, 0 for no limit.
	width int
	// terminal says that stderr is one, so that progress may be shown.
	terminal bool
	// started says that flags and arguments were in order: errors before it are about usage.
	started bool
	bar     *progress     // the one on screen, or nil
	model   *chiasm.Model // the one that is open, or nil
}

// run does one command line and gives the exit code. Data goes to stdout, talk to stderr.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) (code int) {
	a := &app{stdin: &patient{ctx: ctx, r: stdin}, stdout: bufio.NewWriterSize(stdout, 1<<16), stderr: stderr, width: columns(stdout), terminal: isTerminal(stderr)}
	defer func() {
		if r := recover(); r != nil {
			a.say("this is a bug in chiasm, please report it with the output of `chiasm version`: %v%s", r, panicked())
			code = exitFailure
		}
	}()
	root := a.root()
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if flushed := a.stdout.Flush(); err == nil && flushed != nil {
		err, a.started = flushed, true
	}
	code = a.conclude(ctx, cmd, err)
	a.close(ctx)
	return code
}

// close closes the model, which may write a file for the next start: after everything has been said, and no longer than until the
// context is cancelled. A model whose work was abandoned may still be in use.
func (a *app) close(ctx context.Context) {
	if a.model != nil && ctx.Err() == nil {
		_, _ = await(ctx, func() (struct{}, error) { return struct{}{}, a.model.Close() }) // the answer is out: this is housekeeping
	}
}

// conclude says what went wrong, in one line, and chooses the exit code.
func (a *app) conclude(ctx context.Context, cmd *cobra.Command, err error) int {
	var usage *usageError
	switch {
	case err == nil:
		return exitOK
	case ctx.Err() != nil:
		a.say("stopped")
		return exitInterrupted
	case errors.Is(err, syscall.EPIPE):
		return exitOK
	case errors.As(err, &usage), !a.started:
		a.say("%s (see %s --help)", strings.TrimPrefix(err.Error(), "chiasm: "), cmd.CommandPath())
		return exitUsage
	}
	a.say("%v", err)
	return exitFailure
}

// A usageError is about the command line rather than about what it asks for.
type usageError struct{ error }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// say prints one line on stderr, whatever the message holds.
func (a *app) say(format string, args ...any) {
	a.bar.clear()
	fmt.Fprintf(a.stderr, "chiasm: %s\n", clean(strings.TrimPrefix(oneLine(fmt.Sprintf(format, args...)), "chiasm: ")))
}

// note is say for what is good to know, which --quiet leaves out.
func (a *app) note(format string, args ...any) {
	if !a.quiet {
		a.say(format, args...)
	}
}

// oneLine joins lines by semicolons.
func oneLine(s string) string {
	lines := strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' })
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "; ")
}

// panicked names the line of source that panicked, for a report of one line.
func panicked() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(4, pcs)])
	for {
		f, more := frames.Next()
		if !strings.HasPrefix(f.Function, "runtime.") && f.File != "" {
			return fmt.Sprintf(" (%s:%d)", f.File[strings.LastIndexByte(f.File, '/')+1:], f.Line)
		}
		if !more {
			return ""
		}
	}
}
