package dataset

import (
	"fmt"
	"math"
)

// A Ref is an item of a plan: its set, its number there, and which showing of it in an epoch, from 0.
type Ref struct{ Set, Index, Copy int32 }

// A Place is where training stands: the batch to come. It is all that is needed to go on.
type Place struct{ Epoch, Step int }

// A Plan says in what order the items of several sets are seen. Everything follows from its fields and the epoch.
type Plan struct {
	Sets      []*Set
	Weights   []float64 // how often an epoch shows each item of a set, on average; nil: once. Of 0.3, 3 items in 10, others in each epoch
	Batch     int       // items of a batch
	Seed      uint64
	InOrder   bool // as they lie, not shuffled
	KeepShort bool // batches that can't be filled are kept, not left out

	// Distinct, if set, keeps two items of which it says the same out of one batch: for a contrastive loss they would be each other's
	// wrong answers. "" is like nothing else. An item waits for the next batch in which it fits.
	Distinct func(Ref) string
}

// Check is an error if the plan can't be followed.
func (p *Plan) Check() error {
	switch {
	case len(p.Sets) == 0:
		return fmt.Errorf("dataset: expected a set of data, got none")
	case p.Batch < 1:
		return fmt.Errorf("dataset: expected a batch of 1 or more, got %d", p.Batch)
	case p.Weights != nil && len(p.Weights) != len(p.Sets):
		return fmt.Errorf("dataset: expected a weight for each of %d sets, got %d", len(p.Sets), len(p.Weights))
	}
	total := 0.0
	for i, s := range p.Sets {
		w := p.weight(i)
		if !(w >= 0 && w <= 1e6) {
			return fmt.Errorf("dataset: %s: expected a weight from 0 to a million, got %g", s.Name, w)
		}
		total += w * float64(s.Len())
	}
	if total < 1 || total > 1<<31 {
		return fmt.Errorf("dataset: expected an epoch of 1 to %d items, got %.0f", 1<<31, total)
	}
	return nil
}

func (p *Plan) weight(set int) float64 {
	if p.Weights == nil {
		return 1
	}
	return p.Weights[set]
}

// shown is how many items of a set an epoch shows.
func (p *Plan) shown(set int) int { return int(math.Round(p.weight(set) * float64(p.Sets[set].Len()))) }

// Items is how many items an epoch shows, those of short batches among them.
func (p *Plan) Items() (n int) {
	for i := range p.Sets {
		n += p.shown(i)
	}
	return n
}

// Steps is how many batches an epoch has. With Distinct it may be some fewer, or more if short ones are kept: then only [Plan.Epoch]
// knows.
func (p *Plan) Steps() int {
	if p.KeepShort {
		return (p.Items() + p.Batch - 1) / p.Batch
	}
	return p.Items() / p.Batch
}

// Epoch is the batches of an epoch. It panics if the plan can't be followed: see [Plan.Check].
func (p *Plan) Epoch(epoch int) [][]Ref {
	if err := p.Check(); err != nil {
		panic(err.Error())
	}
	refs := make([]Ref, 0, p.Items())
	for set := range p.Sets {
		refs = p.share(refs, set, epoch)
	}
	if !p.InOrder {
		r := Random(p.Seed, chanceOrder, uint64(epoch))
		r.Shuffle(len(refs), func(i, j int) { refs[i], refs[j] = refs[j], refs[i] })
	}
	if p.Distinct != nil {
		return p.distinct(refs)
	}
	var batches [][]Ref
	for len(refs) >= p.Batch {
		batches = append(batches, refs[:p.Batch:p.Batch])
		refs = refs[p.Batch:]
	}
	return p.short(batches, refs)
}

// short adds the batch that is left over.
func (p *Plan) short(batches [][]Ref, rest []Ref) [][]Ref {
	if len(rest) > 0 && p.KeepShort {
		batches = append(batches, rest)
	}
	return batches
}

// share adds what an epoch shows of a set: all of it as often as the weight has whole parts, and some by chance for the rest.
func (p *Plan) share(refs []Ref, set, epoch int) []Ref {
	n, shown := p.Sets[set].Len(), p.shown(set)
	copies := int32(0)
	for ; shown >= n && n > 0; shown -= n {
		for i := range n {
			refs = append(refs, Ref{int32(set), int32(i), copies})
		}
		copies++
	}
	// Floyd and others would do with less memory, but not in an order that is as even: a whole shuffle, of which the first are taken.
	if shown > 0 {
		for _, i := range Random(p.Seed, chanceShare, uint64(epoch), uint64(set)).Perm(n)[:shown] {
			refs = append(refs, Ref{int32(set), int32(i), copies})
		}
	}
	return refs
}

// distinct fills batches with items that are unlike each other. Those that must wait are taken first, in the order in which their
// likeness began to wait, one of each likeness a batch.
func (p *Plan) distinct(refs []Ref) (batches [][]Ref) {
	waiting := map[string][]Ref{}
	var order []string // likenesses that wait
	for len(refs) > 0 || len(order) > 0 {
		batch, taken := make([]Ref, 0, p.Batch), map[string]bool{}
		var still []string
		for i, like := range order {
			if len(batch) == p.Batch {
				still = append(still, order[i:]...)
				break
			}
			queue := waiting[like]
			batch, taken[like] = append(batch, queue[0]), true
			if waiting[like] = queue[1:]; len(queue) > 1 {
				still = append(still, like)
			} else {
				delete(waiting, like)
			}
		}
		order = still
		for len(batch) < p.Batch && len(refs) > 0 {
			ref := refs[0]
			refs = refs[1:]
			like := p.Distinct(ref)
			if like == "" || !taken[like] {
				batch, taken[like] = append(batch, ref), true
				continue
			}
			if len(waiting[like]) == 0 {
				order = append(order, like)
			}
			waiting[like] = append(waiting[like], ref)
		}
		if len(batch) < p.Batch {
			batches = p.short(batches, batch)
		} else {
			batches = append(batches, batch)
		}
	}
	return batches
}
