package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/hub"
)

// show is the verb that describes a model.
func (a *app) show() *cobra.Command {
	var asJSON bool
	f := &modelFlags{precision: "f32", truncate: "end", offline: true}
	cmd := &cobra.Command{
		Use: "show [flags] [NAME]", Short: "Describe a model",
		Long:    "Describes a model that is on this machine: " + chiasm.Shipped + ", a folder, a file, or a hub id in the cache.\nWithout a name it is the one that $" + modelEnv + " names, else " + chiasm.Shipped + ".",
		Example: "  chiasm show\n  chiasm show openai/clip-vit-base-patch32\n  chiasm show ./my-model --json",
		Args:    cobra.MaximumNArgs(1), ValidArgsFunction: completeModels,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				if f.name != "" && f.name != args[0] {
					return usagef("which model? both %s and %s are named", f.name, args[0])
				}
				f.name = args[0]
			}
			m, err := a.open(cmd.Context(), f)
			if errors.Is(err, hub.ErrOffline) {
				return fmt.Errorf("%s is not on this machine: chiasm pull brings it", f.name)
			}
			if err != nil {
				return err
			}
			if asJSON {
				return a.writeJSON(m.Info())
			}
			a.writeInfo(m.Info())
			return nil
		},
	}
	cmd.Flags().StringVarP(&f.name, "model", "m", "", "the same as NAME")
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	must(cmd.RegisterFlagCompletionFunc("model", completeModels))
	return cmd
}

// writeInfo writes what is known of a model, one line each.
func (a *app) writeInfo(info chiasm.Info) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(a.stdout, "%-13s %s\n", name, clean(fmt.Sprintf(format, args...)))
	}
	line("model", "%s", info.Name)
	line("path", "%s", cmp.Or(info.Path, "inside the program"))
	line("architecture", "%s", info.Architecture)
	line("layout", "%s", info.Layout)
	if info.Space != "" {
		line("space", "%s", info.Space)
	}
	line("modalities", "%s", strings.Join(info.Modalities, ", "))
	if info.Dimension > 0 {
		line("dimension", "%d", info.Dimension)
	}
	line("parameters", "%s", grouped(info.Parameters))
	var dtypes []string
	for _, name := range slices.Sorted(maps.Keys(info.DTypes)) {
		if len(info.DTypes) == 1 {
			dtypes = append(dtypes, name)
		} else {
			dtypes = append(dtypes, fmt.Sprintf("%s (%s)", name, grouped(info.DTypes[name])))
		}
	}
	line("dtype", "%s", strings.Join(dtypes, ", "))
	for _, name := range slices.Sorted(maps.Keys(info.Prompts)) {
		line("prompt", "%s: %q", name, info.Prompts[name])
	}
	if info.Context > 0 {
		line("context", "%d tokens", info.Context)
	}
	if info.ImageSize[0] > 0 {
		line("image size", "%d × %d", info.ImageSize[0], info.ImageSize[1])
	}
	if info.AudioRate > 0 {
		line("sounds", "%d Hz, %g s of each at most", info.AudioRate, info.AudioSeconds)
	}
	if info.Licence != "" {
		line("licence", "%s", info.Licence)
	} else {
		line("licence", "the model's card does not say")
	}
	for _, f := range info.Kept {
		line("packed", "%s, %s", f.Name, bytesText(f.Size))
	}
	fmt.Fprintln(a.stdout)
	g := &grid{columns: []column{{title: "file", cut: shortenPath}, {title: "size", right: true}}}
	for _, f := range info.Files {
		g.add(f.Name, bytesText(f.Size))
	}
	g.write(a.stdout, a.width)
}

// grouped writes a number with its thousands apart.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// bytesText writes a size as people read it.
func bytesText(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	x := float64(n)
	for _, unit := range []string{"kB", "MB", "GB"} {
		if x /= 1000; x < 999.5 {
			return fmt.Sprintf("%.3g %s", x, unit)
		}
	}
	return fmt.Sprintf("%.3g TB", x/1000)
}
