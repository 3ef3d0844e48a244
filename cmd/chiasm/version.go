package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/chiasm/chiasm/internal/cpu"
	"github.com/chiasm/chiasm/internal/kernel"
)

// build is what --json writes about this program.
type build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Path     string `json:"path"`  // the instructions that it computes with
	Offers   string `json:"cpu"`   // the best that the processor has
	Cores    int    `json:"cores"` // that the process may use
}

// version is the verb that says what program this is.
func (a *app) version() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "version [flags]", Short: "Show the version, for bug reports", Example: "  chiasm version\n  chiasm version --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := cpu.Forced(); err != nil {
				return &usageError{err}
			}
			b := thisBuild()
			if asJSON {
				return a.writeJSON(b)
			}
			commit := ""
			if b.Commit != "" {
				commit = fmt.Sprintf(" (%.12s)", b.Commit)
			}
			_, err := fmt.Fprintf(a.stdout, "chiasm %s%s\n%s %s, computes with %s of %s, %s\n",
				b.Version, commit, b.Go, b.Platform, b.Path, b.Offers, plural(b.Cores, "core", "cores"))
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	return cmd
}

func thisBuild() build {
	b := build{
		Version: "unknown", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Path: kernel.Tier().String(), Offers: cpu.Found().String(), Cores: cpu.Cores(),
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.Version = info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			b.Commit = s.Value
		}
	}
	return b
}
