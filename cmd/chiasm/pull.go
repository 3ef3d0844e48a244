package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"

	"github.com/spf13/cobra"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/hub"
)

const pullLong = `Downloads models into the Hugging Face cache, which Python tools share, and prints
the folder of each. What is there already is not downloaded again; a download that
was broken off goes on where it stopped. Only what chiasm needs is taken: the
configuration, the tokenizer, the card and the best form of the weights.

HF_TOKEN, HF_ENDPOINT, HF_HOME, HF_HUB_CACHE and HF_HUB_OFFLINE are obeyed.`

const pullExample = `  chiasm pull openai/clip-vit-base-patch32
  chiasm pull openai/clip-vit-base-patch32@refs/pr/66
  HF_ENDPOINT=https://mirror.example.org chiasm pull laion/CLIP-ViT-B-32-laion2B-s34B-b79K`

// pull is the verb that downloads models.
func (a *app) pull() *cobra.Command {
	var asJSON, offline bool
	cmd := &cobra.Command{
		Use: "pull [flags] NAME...", Short: "Download models", Long: pullLong, Example: pullExample,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.runPull(cmd.Context(), args, offline, asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON line for each model")
	cmd.Flags().BoolVar(&offline, "offline", false, "only look into the cache")
	return cmd
}

// pullLine is a line that --json writes.
type pullLine struct {
	Name     string `json:"name"`
	Revision string `json:"revision"`
	Path     string `json:"path"`
}

func (a *app) runPull(ctx context.Context, args []string, offline, asJSON bool) error {
	ids, err := parseIDs(slices.DeleteFunc(slices.Clone(args), func(name string) bool { return name == chiasm.Shipped }))
	if err != nil {
		return err
	}
	if len(ids) < len(args) {
		a.note("%s is part of the program: there is nothing to download", chiasm.Shipped)
	}
	client, err := hub.FromEnv()
	if err != nil {
		return err
	}
	client.Offline = client.Offline || offline
	for _, id := range ids {
		events := a.downloads()
		client.Progress = events.event
		dir, err := client.Pull(ctx, id, chiasm.Files)
		events.done()
		if err != nil {
			return err
		}
		if asJSON {
			err = a.writeJSON(pullLine{id.Repo, filepath.Base(dir), dir})
		} else {
			_, err = fmt.Fprintln(a.stdout, dir)
		}
		if err == nil {
			err = a.flush()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// parseIDs reads the names of models on the hub.
func parseIDs(args []string) ([]hub.ID, error) {
	var ids []hub.ID
	for _, arg := range args {
		id, err := hub.ParseID(arg)
		if err != nil {
			return nil, &usageError{err}
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// downloads shows how a download goes.
type downloads struct {
	app *app
	mu  sync.Mutex
	bar *progress
}

func (a *app) downloads() *downloads { return &downloads{app: a} }

// event is what a client reports to.
func (d *downloads) event(e hub.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e.Note != "" {
		d.app.note("%s", e.Note) // why nothing moves: another try, another process
		return
	}
	if e.AllTotal <= 0 || e.AllDone >= e.AllTotal && d.bar == nil {
		return
	}
	if d.bar == nil {
		d.bar = d.app.progress(e.File, e.AllTotal, inBytes)
	}
	d.bar.set(e.File, e.AllDone, e.AllTotal)
}

// done takes the bar off the screen.
func (d *downloads) done() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.app.done(d.bar)
	d.bar = nil
}
