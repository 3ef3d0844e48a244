package main

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/media/audio"
)

// hear reads as much of a sound as a vector hears.
func (in *inputs) hear(it *item, open func() (*audio.Reader, error)) (err error) {
	if !in.hears {
		_, err = in.model.EmbedAudios(in.ctx, nil)
		return err
	}
	r, err := open()
	if err != nil {
		return err
	}
	it.sound, err = in.model.Hear(r)
	if errors.Is(err, audio.ErrTruncated) {
		it.damage, err = err, nil
	}
	return err
}

// cut gives the stretches of a sound as they are read; a damaged one's as far as they go.
func (in *inputs) cut(r readable, yield func(*item) bool) bool {
	if !in.hears {
		return yield(r.item)
	}
	fail := func(err error) bool {
		return yield(&item{name: r.name, kind: r.kind, err: err})
	}
	reader, err := r.sound()
	if err != nil {
		return fail(err)
	}
	defer reader.Close()
	rate, _ := in.model.Hears()
	next, stop := iter.Pull2(reader.Mono(rate).Windows(in.window, in.hop))
	defer stop()
	var held *item // the last one, which is told of damage
	for {
		w, err, ok := guarded(next)
		switch {
		case !ok && held == nil:
			return fail(chiasm.Sound{Rate: rate}.Check())
		case !ok:
			return yield(held)
		case errors.Is(err, audio.ErrTruncated) && held != nil:
			held.damage = err
			continue
		case err != nil:
			return (held == nil || yield(held)) && fail(err)
		}
		if held != nil && !yield(held) {
			return false
		}
		held = &item{name: r.name, kind: r.kind, told: r.told, sound: chiasm.Sound{Samples: slices.Clone(w.Samples), Rate: rate}}
		held.part = &part{float64(w.Start) / float64(rate), float64(w.Start+int64(len(w.Samples))) / float64(rate)}
		held.err = held.sound.Check()
	}
}

// guarded is next, where a decoder's bug is an error of its sound.
func guarded(next func() (audio.Window, error, bool)) (w audio.Window, err error, ok bool) {
	defer func() {
		if r := recover(); r != nil {
			err, ok = fmt.Errorf("the decoder failed: %v", r), true
		}
	}()
	return next()
}

// stretches sets how sounds are cut: into windows of that time that begin hop apart. No time at all is no cutting.
func (in *inputs) stretches(window, hop time.Duration) error {
	if window == 0 {
		return nil
	}
	rate, limit := in.model.Hears()
	if rate == 0 {
		return usagef("--window: the model hears no sounds")
	}
	samples := func(d time.Duration) int { return int(d.Seconds()*float64(rate) + 0.5) }
	if in.window, in.hop = samples(window), samples(hop); in.window > limit {
		return usagef("--window %v: the model hears %v at once", window, seconds(limit, rate))
	}
	return nil
}

// seconds is a time for people.
func seconds(samples, rate int) time.Duration {
	return time.Duration(float64(samples) / float64(rate) * float64(time.Second)).Round(time.Millisecond)
}

// reportSounds says on stderr how many sounds were heard in part alone.
func (a *app) reportSounds(m *chiasm.Model, n int, hint string) {
	if n > 0 {
		rate, limit := m.Hears()
		a.note("of %s only the first %v were heard%s", plural(n, "sound", "sounds"), seconds(limit, rate), hint)
	}
}

// hearing is the sounds of items.
func hearing(items []*item) []chiasm.Sound {
	out := make([]chiasm.Sound, len(items))
	for i, it := range items {
		out[i] = it.sound
	}
	return out
}
