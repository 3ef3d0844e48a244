package fusion

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/chiasm/chiasm/metric"
)

// recommend chooses among the candidates that keep to the limits. Those that are not surely worse than the best, by a paired bootstrap of
// their scores with a level for as many comparisons (Bonferroni), count as equally good; of these late fusion comes first, since it answers with what there is and as it arrives, then early
// fusion, which is simpler than letting modalities see each other; but where most of what is known is synergistic, interactive fusion comes
// before early, being made for it (as Liang et al. 2023 choose models by such measures). Before all that an earlier view comes before a later one.
func (a Advisor) recommend(d *Data, advice *Advice) Recommendation {
	undecided := func(format string, args ...any) Recommendation {
		return Recommendation{How: "undecided", Why: fmt.Sprintf(format, args...)}
	}
	var fit []*Candidate
	broken := map[string]int{}
	for i := range advice.Candidates {
		c := &advice.Candidates[i]
		if c.Breaks != "" {
			broken[c.Breaks]++
		} else {
			fit = append(fit, c)
		}
	}
	if len(fit) == 0 {
		var list []string
		for why, n := range broken {
			list = append(list, fmt.Sprintf("%d %s", n, why))
		}
		slices.Sort(list)
		return undecided("no candidate keeps to the limits: of %d, %s%s", len(advice.Candidates), strings.Join(list, ", "), a.quickest(advice))
	}
	top := slices.MaxFunc(fit, func(x, y *Candidate) int { return cmp.Compare(x.Figures.Score, y.Figures.Score) })
	if !(top.Figures.Interval.Low > advice.Guess) {
		return undecided("the data cannot tell: the best, %s, scores %s (%s), and always giving the same answer %s",
			top.name(), percent(d.Task, top.Figures.Score), interval(d.Task, top.Figures.Interval), percent(d.Task, advice.Guess))
	}
	var equal []*Candidate
	boot := a.together(advice)
	for _, c := range fit {
		if c == top || d.interval(boot, less(top.scores, c.scores)).Low <= 0 {
			equal = append(equal, c)
		}
	}
	order := []How{LateFusion, EarlyFusion, InteractiveFusion}
	if advice.Information.Synergistic > advice.Information.All/2 {
		order = []How{LateFusion, InteractiveFusion, EarlyFusion}
	}
	first := equal[0].Features // candidates come by views
	chosen := slices.MinFunc(equal, func(x, y *Candidate) int {
		if (x.Features == first) != (y.Features == first) {
			if x.Features == first {
				return -1
			}
			return 1
		}
		if x, y := slices.Index(order, x.How), slices.Index(order, y.How); x != y {
			return x - y
		}
		return cmp.Compare(y.Figures.Score, x.Figures.Score)
	})
	return Recommendation{string(chosen.How), chosen.Method, chosen.Features, a.why(d, advice, chosen, top, equal)}
}

// quickest says by how much the limit of latency is missed; nothing where it is kept or there is none.
func (a Advisor) quickest(advice *Advice) string {
	best := slices.MinFunc(advice.Candidates, func(x, y Candidate) int { return cmp.Compare(x.P99+x.encode, y.P99+y.encode) })
	if all := best.P99 + best.encode; a.Limits.Latency > 0 && all > a.Limits.Latency {
		return fmt.Sprintf("; the quickest, %s, takes %v (p99), %v of it the encoders", best.name(), brief(all), brief(best.encode))
	}
	return ""
}

// name is what a candidate is called where there are several views.
func (c *Candidate) name() string {
	if c.Features == "" {
		return c.Method
	}
	return c.Method + " on " + c.Features
}

// ahead is by how much the best is above another, with the interval that tells them apart; of a regression nothing, whose scores are squares.
func (a Advisor) ahead(d *Data, top, c *Candidate, advice *Advice) string {
	if d.Task.Kind == Regression {
		return ""
	}
	in := d.interval(a.together(advice), less(top.scores, c.scores))
	return fmt.Sprintf(", ahead by %.1f points, %+.1f to %+.1f", 100*(top.Figures.Score-c.Figures.Score), 100*in.Low, 100*in.High)
}

// together is a bootstrap at a level for as many comparisons as there are, so that all hold together (Bonferroni).
func (a Advisor) together(advice *Advice) metric.Bootstrap {
	n := -1
	for i := range advice.Candidates {
		if advice.Candidates[i].Breaks == "" {
			n++
		}
	}
	boot := a.Boot
	boot.Level = 1 - (1-boot.Confidence())/float64(max(n, 1))
	return boot
}

// less is the difference of two scores of each sample.
func less(x, y []float64) []float64 {
	list := make([]float64, len(x))
	for i := range x {
		list[i] = x[i] - y[i]
	}
	return list
}

// breaks says which limit a candidate breaks, "" for none.
func (a Advisor) breaks(c *Candidate, v View, guess float64) string {
	for _, m := range v.Data.Modalities {
		c.encode += v.Encode[m.Name].P99
	}
	if a.Limits.Latency > 0 && c.P99+c.encode > a.Limits.Latency {
		return fmt.Sprintf("take longer than %v", a.Limits.Latency)
	}
	for _, gone := range a.Limits.Without {
		if s := c.without(v.Data, gone); s == nil || !(s.Interval.Low > guess) {
			return fmt.Sprintf("are no better than guessing without %s", gone)
		}
	}
	return ""
}

// without is the figures with all modalities but one; nil if there is no other.
func (c *Candidate) without(d *Data, gone string) *Subset {
	for i, s := range c.Subsets {
		if len(s.Modalities) == len(d.Modalities)-1 && !slices.Contains(s.Modalities, gone) {
			return &c.Subsets[i]
		}
	}
	return nil
}

// enough is the best set of the fewest modalities with which a candidate is not surely worse than with all; nil where it takes all.
func (c *Candidate) enough(d *Data, boot metric.Bootstrap) (best *Subset) {
	sets := subsets(len(d.Modalities))
	for i, set := range sets[:len(sets)-1] {
		s := &c.Subsets[i]
		if best != nil && (len(s.Modalities) > len(best.Modalities) || s.Score <= best.Score) {
			continue
		}
		if d.interval(boot, less(c.scores, Scores(d, c.parts[set]))).Low <= 0 {
			best = s
		}
	}
	return best
}

// why is the reason in words.
func (a Advisor) why(d *Data, advice *Advice, c, top *Candidate, equal []*Candidate) string {
	parts := []string{fmt.Sprintf("%s scores %s (%s)", c.name(), percent(d.Task, c.Figures.Score), interval(d.Task, c.Figures.Interval))}
	if c == top {
		parts[0] += ", the best"
	} else {
		parts[0] += fmt.Sprintf(", not surely less than the best, %s (%s%s)", top.name(), percent(d.Task, top.Figures.Score), a.ahead(d, top, c, advice))
	}
	if len(d.Modalities) == 1 {
		parts = append(parts, "there is one modality alone and nothing to fuse")
	}
	if c.How != LateFusion {
		var late *Candidate
		for i := range advice.Candidates {
			if o := &advice.Candidates[i]; o.How == LateFusion && (late == nil || o.Figures.Score > late.Figures.Score) {
				late = o
			}
		}
		if late != nil && !slices.Contains(equal, late) {
			parts = append(parts, fmt.Sprintf("late fusion reaches %s", percent(d.Task, late.Figures.Score)))
		}
	}
	if i := advice.Information; c.How == InteractiveFusion && i.Synergistic > i.All/2 {
		parts = append(parts, fmt.Sprintf("of %.2f bits about the answer %.2f are in no modality alone", i.All, i.Synergistic))
	}
	parts = append(parts, fmt.Sprintf("a decision takes %v (p99 %v) after the encoders", brief(c.P50), brief(c.P99)))
	if c.First > 0 {
		parts = append(parts, fmt.Sprintf("the first usable answer is there after %v", brief(c.First)))
	}
	if len(d.Modalities) > 1 {
		for _, m := range d.Modalities {
			if s := c.without(d, m.Name); s != nil {
				parts = append(parts, fmt.Sprintf("without %s: %s", m.Name, percent(d.Task, s.Score)))
			}
		}
	}
	if s := c.enough(d, a.Boot); s != nil {
		parts = append(parts, fmt.Sprintf("%s alone: %s, not surely less than all together", strings.Join(s.Modalities, " and "), percent(d.Task, s.Score)))
	}
	return strings.Join(parts, "; ")
}

func interval(t Task, i metric.Interval) string {
	if t.Kind == Regression {
		return fmt.Sprintf("%.4g to %.4g", math.Sqrt(max(0, -i.High)), math.Sqrt(max(0, -i.Low)))
	}
	return fmt.Sprintf("%s to %s", percent(t, i.Low), percent(t, i.High))
}

// brief is a time with three digits or so.
func brief(t time.Duration) time.Duration {
	unit := time.Microsecond
	for ; t >= 1000*unit; unit *= 10 {
	}
	return t.Round(unit)
}
