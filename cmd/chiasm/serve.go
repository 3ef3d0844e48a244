package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/hub"
	"github.com/chiasm/chiasm/library"
	"github.com/chiasm/chiasm/server"
)

const serveLong = `Answers over HTTP, in the shapes that clients of OpenAI's service speak: vectors of
texts, pictures and sounds (/v1/embeddings), ranking (/v1/rerank), labels
(/v1/classify) and transcripts (/v1/audio/transcriptions). /openapi.json
describes everything, /metrics measures it.

The address itself, opened in a browser, is a page to search the library and look
through it. The library (see chiasm index) is searched at /v1/search, if there is
one; without a model on the command line it is made. Its folders are followed
meanwhile.

Models of chiasm fuse train (--fused) decide by several modalities at /v1/fuse.

Each argument is a model: a folder, a hub id, or NAME=MODEL to be asked for by a
name of your own. Models are opened when they are first asked for, and closed
when nobody has asked for --keep-alive.

Without --addr only this machine can reach the server. On any other address
requests must bear the token that --token-file holds; it is made at the first
start and shown once.`

const serveExample = `  chiasm serve openai/clip-vit-base-patch32
  chiasm serve clip=./my-clip hear=openai/whisper-base --addr 0.0.0.0:7878
  curl localhost:7878/v1/embeddings -d '{"input": ["a sunset"]}'`

// serve is the verb that answers over HTTP.
func (a *app) serve() *cobra.Command {
	v := &serveVerb{app: a}
	cmd := &cobra.Command{
		Use: "serve [flags] [MODEL...]", Short: "Answer over HTTP", Long: serveLong, Example: serveExample,
		Args: cobra.ArbitraryArgs, ValidArgsFunction: completeModels,
		RunE: func(cmd *cobra.Command, args []string) error { return v.run(cmd.Context(), args) },
	}
	v.model, v.library = a.libraryModelFlags(cmd, false), a.libraryFlag(cmd)
	flags, o := cmd.Flags(), &v.opts
	flags.StringVar(&v.addr, "addr", "127.0.0.1:7878", "address and port to listen on")
	flags.StringVar(&v.tokenFile, "token-file", "", "file of the token that requests must bear (default: in the state folder; on a loopback address none)")
	flags.StringSliceVar(&o.Hosts, "host", nil, "another name by which this machine's programs may ask; repeats")
	flags.StringSliceVar(&o.Origins, "allow-origin", nil, "a site whose pages may use the server, as https://example.org; repeats")
	flags.BoolVar(&o.ReadOnly, "read-only", false, "change nothing of the library")
	flags.BoolVar(&o.Watch, "watch", true, "follow the library's folders, and take in what changes; not with --read-only")
	flags.DurationVar(&o.Every, "every", 10*time.Minute, "between looks at all folders, since notifications get lost")
	flags.BoolVar(&o.AllowURL, "allow-url", false, "fetch http(s) addresses in inputs, from public addresses only")
	flags.StringArrayVar(&v.fused, "fused", nil, "a model of chiasm fuse train, DIR or NAME=DIR, that decides at /v1/fuse; repeats")
	flags.DurationVar(&o.KeepAlive, "keep-alive", 5*time.Minute, "how long an idle model stays open, 0 for no longer than it is used, negative for ever")
	flags.IntVar(&o.Limits.Concurrent, "concurrent", 16, "requests that are worked on at once")
	flags.IntVar(&o.Limits.Batch, "batch-size", 32, "inputs that go through a model together")
	flags.StringVar(&v.log, "log", "text", "log on standard error: text, json or off")
	complete(cmd, "log", "text", "json", "off")
	return cmd
}

type serveVerb struct {
	app             *app
	model           *modelFlags
	library         *libraryFlags
	opts            server.Options
	addr, tokenFile string
	log             string
	fused           []string
}

// visitable is an address that a browser on this machine can open: all addresses together are none.
func visitable(a net.Addr) string {
	if tcp, ok := a.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return fmt.Sprintf("localhost:%d", tcp.Port)
	}
	return a.String()
}

// sources are the models that the command line names.
func (v *serveVerb) sources(args []string) ([]server.Source, error) {
	if len(args) == 0 || v.model.name != "" {
		if _, err := v.model.options(); err != nil { // fills in the name
			return nil, err
		}
		args = append([]string{v.model.name}, args...)
	}
	var all []server.Source
	for _, arg := range args {
		name, model, ok := strings.Cut(arg, "=")
		if !ok {
			model = arg
			if name = arg; isFolder(arg) {
				name = filepath.Base(filepath.Clean(arg))
			}
		}
		if name == "" || model == "" {
			return nil, usagef("%q: want MODEL or NAME=MODEL", arg)
		}
		if slices.ContainsFunc(all, func(s server.Source) bool { return s.Name == name }) {
			return nil, usagef("two models are called %q: want NAME=MODEL", name)
		}
		if err := servable(model); err != nil {
			return nil, err
		}
		own := *v.model
		own.name = model
		o, err := own.options()
		if err != nil {
			return nil, err
		}
		all = append(all, server.Source{Name: name, Open: func(ctx context.Context) (*chiasm.Model, error) { return chiasm.Open(ctx, model, o) }})
	}
	return all, nil
}

// servable finds out what can be known of a model before it is asked for: what is here must be one, and what is not must have a hub's name.
func servable(model string) error {
	if model == chiasm.Shipped {
		return nil
	}
	if isFolder(model) {
		_, err := chiasm.Recognise(model)
		return err
	}
	if _, err := hub.ParseID(model); err != nil {
		return usagef("%q: there is no such folder or file, and it is no hub id: %w", model, err)
	}
	return nil
}

func isFolder(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// logger is what the server logs to.
func (v *serveVerb) logger() (*slog.Logger, error) {
	switch v.log {
	case "text":
		return slog.New(slog.NewTextHandler(v.app.stderr, nil)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(v.app.stderr, nil)), nil
	case "off":
		return nil, nil
	}
	return nil, usagef("--log %s: want text, json or off", v.log)
}

func (v *serveVerb) run(ctx context.Context, args []string) (err error) {
	if v.opts.Every < time.Second {
		return usagef("--every %v: want a second at least", v.opts.Every)
	}
	if v.opts.Limits.Concurrent < 1 {
		return usagef("--concurrent %d: want 1 at least", v.opts.Limits.Concurrent)
	}
	if v.opts.Limits.Batch < 1 {
		return usagef("--batch-size %d: want 1 at least", v.opts.Limits.Batch)
	}
	if v.opts.KeepAlive == 0 {
		v.opts.KeepAlive = 1 // of the server's options 0 is the default
	}
	if v.opts.Log, err = v.logger(); err != nil {
		return err
	}
	if err := v.openLibrary(ctx, len(args) == 0); err != nil {
		return err
	}
	if v.opts.Library != nil {
		defer v.opts.Library.Close()
	}
	if v.opts.Models, err = v.sources(args); err != nil {
		return err
	}
	if v.opts.Fused, err = v.decisions(); err != nil {
		return err
	}
	v.opts.Version = thisBuild().Version
	listener, err := net.Listen("tcp", v.addr)
	if err != nil {
		return fmt.Errorf("--addr %s: %w", v.addr, err)
	}
	defer listener.Close()
	if !server.IsLoopback(listener.Addr()) || v.tokenFile != "" {
		if err := v.readToken(); err != nil {
			return err
		}
	}
	if v.opts.Library != nil && !v.opts.ReadOnly {
		v.opts.Key = rand.Text()
	}
	s, err := server.New(v.opts)
	if err != nil {
		return err
	}
	if v.opts.Key != "" {
		if err := v.opts.Library.Announce(library.Service{URL: "http://" + visitable(listener.Addr()), Key: v.opts.Key}); err != nil {
			v.app.say("chiasm index will not find this server: %v", err)
		}
	}
	if url := "http://" + visitable(listener.Addr()); v.log == "json" {
		v.opts.Log.Info("listening", "url", url) // so that every line can be read by a program
	} else {
		v.app.note("%s", url)
	}
	return s.Serve(ctx, listener)
}

// openLibrary opens the library, if there is one. Its model is taken where none is named; the first one searches.
func (v *serveVerb) openLibrary(ctx context.Context, choose bool) error {
	l, err := v.library.open(library.Options{ReadOnly: true})
	none := errors.Is(err, fs.ErrNotExist)
	if none && v.library.dir == "" && (!choose || v.opts.ReadOnly) {
		return nil
	}
	if (err == nil || none) && !v.opts.ReadOnly {
		if err == nil {
			_ = l.Close() // nothing was written
		}
		l, err = v.library.open(library.Options{}) // made if there is none, for what is uploaded
	}
	if err != nil {
		return err
	}
	v.opts.Library = l
	if choose {
		return v.model.choose(ctx, l)
	}
	return nil
}

// readToken reads the token, or makes one and shows it.
func (v *serveVerb) readToken() (err error) {
	if v.tokenFile == "" {
		if v.tokenFile, err = stateFile("token"); err != nil {
			return err
		}
	}
	made := false
	if v.opts.Token, made, err = server.Token(v.tokenFile); made {
		v.app.say("the token of this server is %s; it is kept in %s", v.opts.Token, v.tokenFile)
	}
	return err
}

// stateFile is a file in the folder for what the program keeps between runs, by the XDG base directory specification.
func stateFile(name string) (string, error) {
	dir := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(dir) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("no folder for state: %w", err)
		}
		dir = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(dir, "chiasm", name), nil
}
