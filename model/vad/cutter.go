package vad

import "time"

const pauseToCutIn = 98 * Rate / 1000 // samples: a span that is too long is cut in a pause that is longer, if there is one

// A cutter makes spans of probabilities.
type cutter struct {
	threshold, release                        float32
	minSpeech, maxSpeech, minSilence, padding int64 // samples

	at       int64 // where the next chunk begins
	speaking bool
	start    int64 // of the speech
	lead     int64 // start with its padding, -1 before that is settled
	pause    int64 // where the probability fell below release, -1 if it did not
	longest  Span  // pause in this speech
	held     Span  // the span before, whose end waits for what follows
	holding  bool
}

func newCutter(opts *Options) cutter {
	if opts == nil {
		opts = &Options{}
	}
	samples := func(d time.Duration) int64 { return int64(d.Seconds()*Rate + 0.5) }
	c := cutter{
		threshold: opts.Threshold, release: opts.Release, minSpeech: samples(opts.MinSpeech), minSilence: samples(opts.MinSilence),
		padding: max(samples(opts.Pad), 0), maxSpeech: 1 << 62, pause: -1, lead: -1,
	}
	if c.threshold == 0 {
		c.threshold = 0.5
	}
	if c.release == 0 {
		c.release = max(c.threshold-0.15, 0.01)
	}
	if c.minSilence == 0 {
		c.minSilence = 2 * Rate
	}
	if opts.Pad == 0 {
		c.padding = 400 * Rate / 1000
	}
	if opts.MaxSpeech > 0 {
		c.maxSpeech = samples(opts.MaxSpeech) - Chunk - 2*c.padding
	}
	return c
}

// next takes the probability of the next chunk.
func (c *cutter) next(p float32, found func(Span)) {
	at := c.at
	c.at += Chunk
	if p >= c.threshold {
		c.resume(at)
	}
	if c.speaking && at-c.start > c.maxSpeech {
		c.shorten(at, found)
	}
	if c.speaking && p < c.release {
		if c.pause < 0 {
			c.pause = at
		}
		switch {
		case at-c.pause < c.minSilence:
		case c.pause-c.start > c.minSpeech:
			c.close(c.pause, found)
		default:
			c.quiet()
		}
	}
	switch {
	case c.speaking && c.pause < 0 && at-c.start > c.minSpeech: // it will be a span
		c.settle(found)
	case !c.speaking && c.holding && c.at-c.held.End >= 2*c.padding: // nothing can come near
		c.hand(c.padding, found)
	}
}

// resume begins speech, or ends a pause in it.
func (c *cutter) resume(at int64) {
	switch {
	case !c.speaking:
		c.speaking, c.start = true, at
	case c.pause >= 0:
		if length := at - c.pause; length > pauseToCutIn && length > c.longest.End-c.longest.Start {
			c.longest = Span{c.pause, at}
		}
		c.pause = -1
	}
}

// shorten cuts speech that has become too long in its longest pause, or else here.
func (c *cutter) shorten(at int64, found func(Span)) {
	if c.longest == (Span{}) {
		c.close(at, found)
		return
	}
	resumed := c.longest.End
	c.close(c.longest.Start, found)
	c.speaking, c.start = true, resumed
}

// close makes a span of the speech.
func (c *cutter) close(end int64, found func(Span)) {
	c.settle(found)
	c.held, c.holding = Span{c.lead, end}, true
	c.quiet()
}

// quiet ends speech.
func (c *cutter) quiet() { c.speaking, c.pause, c.lead, c.longest = false, -1, -1, Span{} }

// settle shares the silence before the speech with the span before it.
func (c *cutter) settle(found func(Span)) {
	if c.lead >= 0 {
		return
	}
	padding := c.padding
	if c.holding {
		padding = min(padding, (c.start-c.held.End)/2)
		c.hand(padding, found)
	}
	c.lead = max(c.start-padding, 0)
}

// hand gives the held span away.
func (c *cutter) hand(padding int64, found func(Span)) {
	c.held.End += padding
	c.holding = false
	found(c.held)
}

// end is the end of the sound.
func (c *cutter) end(total int64, found func(Span)) {
	if c.speaking && total-c.start > c.minSpeech {
		c.close(total, found)
	}
	if c.holding {
		c.hand(min(c.padding, total-c.held.End), found)
	}
}

// needed is the first sample that a span yet to come may begin with.
func (c *cutter) needed() int64 {
	switch {
	case c.holding:
		return c.held.Start
	case !c.speaking:
		return max(c.at-c.padding, 0)
	case c.lead < 0:
		return max(c.start-c.padding, 0)
	}
	return c.lead
}
