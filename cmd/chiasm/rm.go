package main

import (
	"bufio"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/hub"
)

const rmLong = `Removes models from the Hugging Face cache, which Python tools share, and says how
much was freed. With @revision only that snapshot goes, and what no other needs.
It asks first, unless --yes is given.`

// rm is the verb that removes models.
func (a *app) rm() *cobra.Command {
	var yes, asJSON bool
	cmd := &cobra.Command{
		Use: "rm [flags] NAME...", Short: "Remove models from the cache", Long: rmLong,
		Example: "  chiasm rm openai/clip-vit-base-patch32\n  chiasm rm --yes openai/clip-vit-base-patch32@refs/pr/66",
		Args:    cobra.MinimumNArgs(1), ValidArgsFunction: completeModels,
		RunE: func(cmd *cobra.Command, args []string) error { return a.runRm(args, yes, asJSON) },
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON line for each model")
	return cmd
}

// rmLine is a line that --json writes.
type rmLine struct {
	Name     string `json:"name"`
	Revision string `json:"revision,omitempty"`
	Freed    int64  `json:"freed"` // bytes
}

func (a *app) runRm(args []string, yes, asJSON bool) error {
	if slices.Contains(args, chiasm.Shipped) {
		return usagef("%s is part of the program and cannot be removed", chiasm.Shipped)
	}
	ids, err := parseIDs(args)
	if err != nil {
		return err
	}
	client, err := hub.FromEnv()
	if err != nil {
		return err
	}
	models, err := cached()
	if err != nil {
		return err
	}
	sizes := make([]string, len(ids))
	for i, id := range ids { // before anything goes
		if sizes[i], err = held(models, client, id); err != nil {
			return err
		}
	}
	answers := bufio.NewReader(a.stdin)
	for i, id := range ids {
		if !yes {
			fmt.Fprintf(a.stderr, "remove %s, %s? [y/N] ", id, sizes[i])
			answer, _ := answers.ReadString('\n')
			if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
				fmt.Fprintln(a.stderr)
				return fmt.Errorf("%s is kept: the answer was not yes (--yes does not ask)", id)
			}
		}
		kept := int64(0)
		for _, m := range removes(models, client, id) {
			if m.Path == "" {
				continue // a download that never ended
			}
			freed, err := chiasm.RemoveKept(m.Path)
			if err != nil {
				return err
			}
			kept += freed
		}
		freed, err := client.Remove(id)
		if err != nil {
			return err
		}
		freed += kept
		if asJSON {
			err = a.writeJSON(rmLine{id.Repo, id.Revision, freed})
		} else {
			_, err = fmt.Fprintf(a.stdout, "removed %s, freed %s\n", id, bytesText(freed))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// held says how much of the cache a model is, or that it is not there.
func held(models []*cachedModel, client *hub.Client, id hub.ID) (string, error) {
	those, size := removes(models, client, id), int64(0)
	for _, m := range those {
		size += m.Size
	}
	switch len(those) {
	case 0:
		return "", fmt.Errorf("%s is not in the cache %s: %w", id, client.Cache, hub.ErrNotFound)
	case 1:
		return bytesText(size), nil
	}
	return fmt.Sprintf("all %d revisions, up to %s", len(those), bytesText(size)), nil
}

// removes lists the snapshots that go with id.
func removes(models []*cachedModel, client *hub.Client, id hub.ID) (those []*cachedModel) {
	dir, found := client.Find(id)
	for _, m := range models {
		if m.Name == id.Repo && (id.Revision == "" || found && m.Path == dir) {
			those = append(those, m)
		}
	}
	return those
}
