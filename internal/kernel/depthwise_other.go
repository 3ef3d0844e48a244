//go:build !amd64 || purego

package kernel

func (s *stencil) run() { s.generic() }

func (s *correlation) run() { s.generic() }
