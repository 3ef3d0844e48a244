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
		o, err := v.model.encoder()
		if err != nil {
			return nil, err
		}
		list = append(list, server.Fused{Name: name, Config: config, Open: func(ctx context.Context) (*decision.Model, error) {
			return decision.Open(ctx, dir, &decision.OpenOptions{Options: o})
		}})
	}
	return list, nil
}
