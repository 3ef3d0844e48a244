package main

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/chiasm/chiasm/decision"
	"github.com/chiasm/chiasm/server"
)

// decisions are the fused models that the command line names.
func (v *serveVerb) decisions() (list []server.Fused, err error) {
	for _, arg := range v.fused {
		name, dir, ok := strings.Cut(arg, "=")
		if !ok {
			name, dir = filepath.Base(filepath.Clean(arg)), arg
		}
		if name == "" || dir == "" {
			return nil, usagef("--fused %q: want DIR or NAME=DIR", arg)
		}
		config, err := decision.ReadConfig(dir)
		if err != nil {
			return nil, err
		}
		own := *v.model
		o, err := own.options()
		if err != nil {
			return nil, err
		}
		o.TextModel = "" // the encoder is the one that it was taught with
		list = append(list, server.Fused{Name: name, Config: config, Open: func(ctx context.Context) (*decision.Model, error) {
			return decision.Open(ctx, dir, &decision.OpenOptions{Options: o})
		}})
	}
	return list, nil
}
