package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/chiasm/chiasm/study"
)

// verbs is everything that the program can do.
func (a *app) verbs() []*cobra.Command {
	return []*cobra.Command{
		a.index(), a.search(), a.watch(), a.serve(), a.duplicates(), a.library(),
		a.similarity(), a.classify(), a.embed(), a.transcribe(), a.tokenize(), a.eval(), a.train(), a.fuse(),
		a.pull(), a.list(), a.show(), a.rm(),
		a.bench(), a.version(),
	}
}

const rootLong = `chiasm puts text, pictures and sounds into one space, so that they can be
compared: how similar is this text to this image, or to this sound?

A model, mini, is inside the program: it reads texts in many languages, looks at
pictures, and hears spoken words and instruments, with nothing to download. It is
small: larger ones tell far more apart. Those are a folder, or a hub id such as
openai/clip-vit-base-patch32, which is taken from the Hugging Face cache or
downloaded into it. CHIASM_MODEL names the one to use when --model is not given.`

const rootExample = `  chiasm similarity --text "a sunset" sunset.jpg
  chiasm similarity --model openai/clip-vit-base-patch32 --text "a sunset" sunset.jpg
  chiasm classify --labels cat,dog,bird photos/*.jpg
  chiasm embed --text "a sunset" photos/ > vectors.jsonl
  chiasm index ~/Pictures
  chiasm search "a dog on the beach"`

// root is the command that all verbs hang on.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use: "chiasm", Short: "Text, pictures and sounds in one space", Long: rootLong, Example: rootExample,
		SilenceErrors: true, SilenceUsage: true,
		Args: cobra.ArbitraryArgs, // so that an unknown verb comes to RunE
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				cmd.SetOut(a.stderr)
				if err := cmd.Help(); err != nil {
					return err
				}
				return usagef("which verb?")
			}
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				return usagef("there is no verb %q; did you mean %s?", args[0], strings.Join(near, " or "))
			}
			return usagef("there is no verb %q", args[0])
		},
	}
	root.Version = thisBuild().Version
	root.SetIn(a.stdin)
	root.SetOut(a.stdout) // before the completions are made: they keep it
	root.SetErr(a.stderr)
	root.SuggestionsMinimumDistance = 2
	root.PersistentFlags().BoolVarP(&a.quiet, "quiet", "q", false, "no progress and no notes, only errors")
	root.SetFlagErrorFunc(wrongFlag)
	root.SetHelpCommand(a.help())
	for _, v := range a.verbs() {
		v.Args, v.RunE = a.checked(v.Args), a.starting(v.RunE)
		v.DisableFlagsInUseLine = true
		root.AddCommand(v)
	}
	root.InitDefaultCompletionCmd()
	if c, _, err := root.Find([]string{"completion"}); err == nil {
		c.Args, c.RunE = cobra.ArbitraryArgs, func(cmd *cobra.Command, args []string) error { // cobra takes any word for a shell
			if len(args) > 0 {
				return usagef("there is no completion for %q: want bash, zsh, fish or powershell", args[0])
			}
			return cmd.Help()
		}
	}
	return root
}

// help is the verb that explains the others.
func (a *app) help() *cobra.Command {
	return &cobra.Command{
		Use: "help [VERB]", Short: "Explain a verb", Example: "  chiasm help similarity",
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) (names []string, _ cobra.ShellCompDirective) {
			if len(args) == 0 {
				for _, c := range cmd.Root().Commands() {
					names = append(names, c.Name())
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			about, _, err := cmd.Root().Find(args)
			if err != nil || len(args) > 0 && about == cmd.Root() {
				return usagef("there is no verb %q", args[0])
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
}

// starting marks the point from which errors are no longer about usage.
func (a *app) starting(f func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		a.started = true
		return f(cmd, args)
	}
}

// checked turns the errors of an argument check into usage errors.
func (a *app) checked(f cobra.PositionalArgs) cobra.PositionalArgs {
	if f == nil {
		f = cobra.NoArgs
	}
	return func(cmd *cobra.Command, args []string) error {
		switch err := f(cmd, args); {
		case err == nil:
			return nil
		case len(args) == 0:
			return usagef("want %s, got no arguments", cmd.UseLine())
		}
		return usagef("want %s, got %s, first %.100q", cmd.UseLine(), plural(len(args), "argument", "arguments"), args[0])
	}
}

// wrongFlag makes a usage error of a flag that could not be read.
func wrongFlag(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return usagef("%s", err)
	}
	if unknown.GetSpecifiedShortnames() != "" { // a negative word of a query, or the name of a file
		return usagef("%s: arguments that begin with a dash come after --", err)
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if near := study.Nearest(unknown.GetSpecifiedName(), names); near != "" {
		return usagef("%s; did you mean --%s?", err, near)
	}
	return usagef("%s", err)
}

// complete registers the values that a flag may have.
func complete(cmd *cobra.Command, flag string, values ...string) {
	must(cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)))
}

// must is for errors that only a mistake in this package can cause.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
