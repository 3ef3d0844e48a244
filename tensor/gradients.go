package tensor

import (
	"iter"
	"slices"
)

// Gradients holds the derivatives of a loss by the parameters that are being learnt, outside of these: many passes may read the same
// parameters, and what has no gradient here is frozen. One goroutine uses it at a time.
type Gradients struct {
	of      map[*Tensor]*gradient
	list    []Learnt
	through []*gradient // that are computed and handed on, of what is not learnt itself
}

type gradient struct {
	values  []float32
	reached bool
}

// A Learnt is a parameter with its name and the derivative of the loss by it.
type Learnt struct {
	Name     string
	Param    *Tensor
	Gradient []float32 // as many values as Param has
}

// NewGradients makes gradients of zero for parameters, such as nn.Params yields with their names, statistics left out.
func NewGradients(params iter.Seq2[string, *Tensor]) *Gradients {
	g := &Gradients{of: map[*Tensor]*gradient{}}
	for name, t := range params {
		check(t.param != nil, "gradients", "a parameter", t)
		if g.of[t] == nil && !t.param.statistic {
			v := make([]float32, t.Len())
			g.of[t] = &gradient{values: v}
			g.list = append(g.list, Learnt{name, t, v})
		}
	}
	return g
}

// Through makes passes compute the derivative by a parameter too that is not learnt itself but made of what is: the caller reads it with Of
// and adds to the gradients of its parts.
func (g *Gradients) Through(t *Tensor) {
	check(t.param != nil, "gradients", "a parameter", t)
	if g.of[t] == nil {
		g.of[t] = &gradient{values: make([]float32, t.Len())}
		g.through = append(g.through, g.of[t])
	}
}

// Reached reports whether something was added to the derivative by a parameter since the last Clear.
func (g *Gradients) Reached(param *Tensor) bool { return g.of[param] != nil && g.of[param].reached }

// All is the parameters that are being learnt, in the order in which they were given. Callers may change the gradients.
func (g *Gradients) All() []Learnt { return slices.Clip(g.list) }

// Of is the derivative by a parameter, for the caller to add to: what a loss knows by itself. It is nil for a parameter that is not learnt.
func (g *Gradients) Of(param *Tensor) []float32 {
	if of := g.of[param]; of != nil {
		of.reached = true
		return of.values
	}
	return nil
}

// Unreached lists the parameters that nothing was added to since the last Clear: no recorded operation has used them, so that their
// gradient of zero says nothing about the loss.
func (g *Gradients) Unreached() (names []string) {
	for _, l := range g.list {
		if !g.of[l.Param].reached {
			names = append(names, l.Name)
		}
	}
	return names
}

// Clear makes every gradient zero.
func (g *Gradients) Clear() {
	for _, l := range g.list {
		clear(l.Gradient)
		g.of[l.Param].reached = false
	}
	for _, t := range g.through {
		clear(t.values)
		t.reached = false
	}
}
