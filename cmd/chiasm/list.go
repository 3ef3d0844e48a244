package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/hub"
)

const listLong = `Lists the model inside the program, and those in the Hugging Face cache: the ones
that chiasm can run, and the others with the reason.`

// list is the verb that shows the cache.
func (a *app) list() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list [flags]", Aliases: []string{"ls"}, Short: "List the models that are here", Long: listLong,
		Example: "  chiasm list\n  chiasm list --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			models, err := cached()
			if err != nil {
				return err
			}
			own, err := shipped(cmd.Context())
			if err != nil {
				return err
			}
			models = append(own, models...)
			if asJSON {
				for _, m := range models {
					if err := a.writeJSON(m); err != nil {
						return err
					}
				}
				return nil
			}
			if len(models) == 0 {
				a.note("there is no model in the cache yet; chiasm pull openai/clip-vit-base-patch32 brings one")
				return nil
			}
			a.writeModels(models)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON line for each model")
	return cmd
}

// cachedModel is a revision of a model in the cache, and the line that --json writes.
type cachedModel struct {
	Name     string    `json:"name"`
	Revision string    `json:"revision"`
	Refs     []string  `json:"refs"`
	Size     int64     `json:"size"` // bytes of its files
	Modified time.Time `json:"modified,omitzero"`
	Runs     bool      `json:"runs"`
	Why      string    `json:"why,omitempty"` // it does not run
	Path     string    `json:"path"`
	Shipped  bool      `json:"shipped,omitempty"` // inside the program, at no path
}

// id is what to give to --model.
func (m *cachedModel) id() string {
	if slices.Contains(m.Refs, "main") {
		return m.Name
	}
	if len(m.Refs) > 0 {
		return m.Name + "@" + m.Refs[0]
	}
	return m.Name + "@" + m.Revision
}

// cached lists the cache.
func cached() ([]*cachedModel, error) {
	client, err := hub.FromEnv()
	if err != nil {
		return nil, err
	}
	repos, err := client.List()
	if err != nil {
		return nil, err
	}
	var out []*cachedModel
	for _, r := range repos {
		if len(r.Revisions) == 0 {
			out = append(out, &cachedModel{Name: r.ID.Repo, Refs: []string{}, Size: r.Size, Modified: r.Modified, Why: "the download is not complete"})
		}
		for _, rev := range r.Revisions {
			m := &cachedModel{Name: r.ID.Repo, Revision: rev.Commit, Refs: append([]string{}, rev.Refs...), Path: rev.Dir}
			m.Size, m.Modified = snapshot(rev.Dir)
			m.Why = whyNot(rev.Dir)
			m.Runs = m.Why == ""
			out = append(out, m)
		}
	}
	return out, nil
}

// snapshot gives the size of a folder's files and the time of the newest of the model's own: what is kept for its next start is hidden.
func snapshot(dir string) (size int64, modified time.Time) {
	_ = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		info, failed := os.Stat(path) // through the cache's links
		if err != nil || failed != nil || info.IsDir() {
			return nil // what cannot be read counts as nothing
		}
		size += info.Size()
		if own := !strings.HasPrefix(strings.TrimPrefix(path, dir), string(filepath.Separator)+"."); own && info.ModTime().After(modified) {
			modified = info.ModTime()
		}
		return nil
	})
	return size, modified
}

// whyNot says why a model cannot be run, "" if it can, from its small files alone.
func whyNot(dir string) string {
	_, err := chiasm.Recognise(dir)
	if err == nil {
		return ""
	}
	why, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "chiasm: "+dir+" "), ", want")
	return why
}

// shipped is the model inside the program, if there is one.
func shipped(ctx context.Context) ([]*cachedModel, error) {
	if !chiasm.Ships() {
		return nil, nil
	}
	m, err := chiasm.Open(ctx, chiasm.Shipped, nil)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	own := &cachedModel{Name: chiasm.Shipped, Revision: m.Space().Revision, Refs: []string{}, Runs: true, Shipped: true}
	for _, f := range m.Info().Files {
		own.Size += f.Size
	}
	return []*cachedModel{own}, nil
}

// runnable names the models that are here and can be run, for completion.
func runnable() (names []string) {
	if chiasm.Ships() {
		names = append(names, chiasm.Shipped)
	}
	models, err := cached()
	if err != nil {
		return names
	}
	for _, m := range models {
		if m.Runs {
			names = append(names, m.id())
		}
	}
	return names
}

// writeModels writes a table.
func (a *app) writeModels(models []*cachedModel) {
	g := &grid{columns: []column{
		{title: "model", cut: shorten}, {title: "revision", cut: shorten}, {title: "size", right: true}, {title: "modified"}, {title: "runs", cut: shorten},
	}}
	for _, m := range models {
		revision, modified, runs := fmt.Sprintf("%.12s", m.Revision), "", "yes"
		if len(m.Refs) > 0 {
			revision += " (" + strings.Join(m.Refs, ", ") + ")"
		}
		if m.Shipped {
			modified = "inside chiasm"
		}
		if !m.Modified.IsZero() {
			modified = m.Modified.Format("2006-01-02 15:04")
		}
		if !m.Runs {
			runs = "no: " + m.Why
		}
		g.add(m.Name, revision, bytesText(m.Size), modified, runs)
	}
	g.write(a.stdout, a.width)
}
