package decision

import (
	_ "embed"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
)

//go:embed report.html
var reportPage string

var reportTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
	"join":    strings.Join,
	"percent": func(v *float64) string { return fmt.Sprintf("%.1f", 100**v) },
	"whole":   func(v *float64) string { return fmt.Sprintf("%.3g", 100**v) },
	"ms":      Milliseconds,
	"mb":      func(n int) string { return fmt.Sprintf("%.1f", float64(n)/(1<<20)) },
	"bits":    func(v float64) string { return fmt.Sprintf("%.2f", v) },
	"share":   func(of, all float64) string { return fmt.Sprintf("%.1f", 100*of/max(all, 1e-9)) },
	"value":   Figures.short,
	"group":   group,
	"apart": func(main string) template.HTML { // a line may break before the interval, not within
		value, interval, _ := strings.Cut(template.HTMLEscapeString(main), " ")
		return template.HTML(value + " <span>" + interval + "</span>")
	},
}).Parse(reportPage))

// Milliseconds is a time in three digits, or in all before the point where it has more.
func Milliseconds(v float64) string {
	if v >= 1000 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// short is the figure that counts, without its interval.
func (f Figures) short() string {
	switch {
	case f.Accuracy != nil:
		return fmt.Sprintf("%.1f", 100**f.Accuracy)
	case f.RMSE != nil:
		return fmt.Sprintf("%.4g", *f.RMSE)
	}
	return "—"
}

// group puts commas between thousands.
func group(n int) string {
	s := fmt.Sprint(n)
	for at := len(s) - 3; at > 0; at -= 3 {
		s = s[:at] + "," + s[at:]
	}
	return s
}

// HTML is a page that reports the advice: one file that needs no other.
func (a *Advice) HTML(name string) ([]byte, error) {
	v := view{Advice: a, Data: name, Error: len(a.Candidates) > 0 && a.Candidates[0].RMSE != nil, Limited: a.Limits.Latency > 0 || len(a.Limits.Without) > 0}
	v.What = "accuracy in percent"
	if v.Error {
		v.What = "root mean squared error"
	}
	v.LevelOf = &a.Level
	for _, e := range a.Encoders {
		for _, s := range e.Stages {
			v.Stages = append(v.Stages, stageView{e.column(a, s), latency(s.Read), latency(s.Encode)})
		}
	}
	v.dots()
	v.scatter()
	v.curves()
	v.pieces()
	var out strings.Builder
	if err := reportTemplate.Execute(&out, &v); err != nil {
		return nil, fmt.Errorf("decision: report: %w", err)
	}
	return []byte(out.String()), nil
}

// column is what a column is called where things are encoded in several ways.
func (e *Encoding) column(a *Advice, s Stage) string {
	if len(a.Encoders) < 2 {
		return s.Column
	}
	return s.Column + " (" + e.Features + ")"
}

// A view is what the page shows: the advice, and charts as coordinates.
type view struct {
	*Advice
	Data, What string
	Error      bool // figures are errors: less is better
	Limited    bool // the user set limits
	Dots       chart
	Scatter    chart
	Noise      []chart
	Pieces     []piece
	LevelOf    *float64
	Stages     []stageView
}

type stageView struct {
	Column       string
	Read, Encode Latency
}

// A chart is drawn in a box of Width by Height pixels.
type chart struct {
	Title         string
	Width, Height int
	Left, Right   float64 // of the area within the axes
	Top, Bottom   float64
	X, Y          []tick
	Marks         []mark
	Lines         []polyline
	Guess         float64 // x or y of what guessing scores; 0 for outside
}

type tick struct {
	At    float64
	Label string
}

type mark struct {
	X, Y, Low, High float64 // Low and High are the ends of the interval, on the axis of the figure
	Label, How      string
	LabelX, LabelY  float64 // from the mark to the beginning of the label, in the middle of its height
	Tip             string
	Front           bool
	Chosen          bool
}

type polyline struct {
	Label, How string
	Points     string
	EndY       float64
}

type piece struct {
	Name       string
	Bits       float64
	Left, Size float64 // percent
	Kind       int
}

// bounds are of the figure over all candidates, with their intervals, and what guessing gives.
func (v *view) bounds() (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, c := range v.Candidates {
		l, h := c.interval()
		low, high = min(low, l), max(high, h)
	}
	if g := v.guess(); !math.IsNaN(g) {
		low, high = min(low, g), max(high, g)
	}
	pad := max((high-low)*0.05, 1e-6)
	return low - pad, high + pad
}

// guess is what always giving the same answer scores, in the figure's unit.
func (v *view) guess() float64 {
	if v.Error {
		return math.Sqrt(max(0, -v.Guess))
	}
	return 100 * v.Guess
}

// interval is that of the figure that counts, in its unit.
func (f Figures) interval() (low, high float64) {
	switch {
	case f.Accuracy != nil:
		return 100 * f.Interval.Low, 100 * f.Interval.High
	case f.RMSE != nil:
		return f.RMSEBounds.Low, f.RMSEBounds.High
	}
	return math.NaN(), math.NaN()
}

// scale leads values to pixels.
func scale(low, high, from, to float64) func(float64) float64 {
	return func(v float64) float64 { return math.Round(10*(from+(v-low)/max(high-low, 1e-12)*(to-from))) / 10 }
}

// ticks are round numbers of an axis.
func ticks(low, high float64, at func(float64) float64) (list []tick) {
	step := math.Pow(10, math.Floor(math.Log10(max(high-low, 1e-12)/3)))
	for _, m := range []float64{1, 2, 5, 10} {
		if (high-low)/(step*m) <= 6 {
			step *= m
			break
		}
	}
	for k := math.Ceil(low / step); k*step <= high; k++ {
		list = append(list, tick{at(k * step), fmt.Sprintf("%.4g", k*step)})
	}
	return list
}

// ticks are those of an axis of the figure: no figure is below 0, and no accuracy above 100 percent, though there is room in the picture.
func (v *view) ticks(low, high float64, at func(float64) float64) []tick {
	if !v.Error {
		high = min(high, 100)
	}
	return ticks(max(low, 0), high, at)
}

// dots draws each candidate's figure with its interval, the best first.
func (v *view) dots() {
	list := slices.Clone(v.Candidates)
	slices.SortStableFunc(list, func(a, b Candidate) int { return compare(b.merit(), a.merit()) })
	c := chart{Width: 720, Height: 50 + 26*len(list), Left: 130 + v.wide(), Right: 700, Top: 10, Bottom: float64(20 + 26*len(list))}
	low, high := v.bounds()
	at := scale(low, high, c.Left, c.Right)
	c.X = v.ticks(low, high, at)
	c.Guess = at(v.guess())
	for i, k := range list {
		l, h := k.interval()
		c.Marks = append(c.Marks, mark{X: at(k.value()), Y: float64(26 + 26*i), Low: at(l), High: at(h), Label: v.Name(k), How: k.How,
			Chosen: v.Name(k) == v.Recommended(), Tip: fmt.Sprintf("%s: %s", v.Name(k), k.Main())})
	}
	v.Dots = c
}

// wide is the room that longer labels need.
func (v *view) wide() float64 {
	if len(v.Encoders) > 1 {
		return 60
	}
	return 0
}

// scatter draws what candidates reach over how long they take.
func (v *view) scatter() {
	c := chart{Width: 720, Height: 340, Left: 60, Right: 620, Top: 20, Bottom: 290}
	low, high := math.Inf(1), math.Inf(-1)
	for _, k := range v.Candidates {
		low, high = min(low, k.value()), max(high, k.value())
	}
	pad := max((high-low)*0.1, 0.01*math.Abs(high), 1e-6)
	low, high = low-pad, high+pad
	y := scale(low, high, c.Bottom, c.Top)
	c.Y = v.ticks(low, high, y)
	quick, slow := math.Inf(1), math.Inf(-1)
	micro := func(k Candidate) float64 { return math.Log10(max(1000*k.Fusing.P50, 1)) }
	for _, k := range v.Candidates {
		quick, slow = min(quick, micro(k)), max(slow, micro(k))
	}
	quick, slow = quick-0.15, slow+0.15
	x := scale(quick, slow, c.Left, c.Right)
	for _, t := range []float64{1, 3, 10, 30, 100, 300, 1000, 3000, 10000, 30000, 100000} {
		if l := math.Log10(t); l >= quick && l <= slow {
			c.X = append(c.X, tick{x(l), fmt.Sprintf("%g µs", t)})
		}
	}
	for _, k := range v.Candidates {
		m := mark{X: x(micro(k)), Y: y(k.value()), Label: v.Name(k), How: k.How, Front: k.Front, Chosen: v.Name(k) == v.Recommended(),
			Tip: fmt.Sprintf("%s: %s in %.0f µs after the encoders", v.Name(k), k.Main(), 1000*k.Fusing.P50)}
		c.Marks = append(c.Marks, m)
	}
	label(&c)
	v.Scatter = c
}

// label puts the label of each mark beside it, where no mark, no other label and nothing of the axes is, if there is such a place.
func label(c *chart) {
	type box struct{ left, top, right, bottom float64 }
	taken := []box{{c.Left - 50, 0, c.Left, c.Bottom}, {0, c.Bottom, float64(c.Width), float64(c.Height)}}
	marks := c.Marks
	for _, m := range marks {
		taken = append(taken, box{m.X - 7, m.Y - 6, m.X + 7, m.Y + 6})
	}
	for k := range marks {
		m := &marks[k]
		width := 7 * float64(len(m.Label))
		best, least := box{}, math.Inf(1)
		for _, at := range [][2]float64{{12, 0}, {-12 - width, 0}, {12, -14}, {12, 14}, {-12 - width, -14}, {-12 - width, 14}, {12, -28}, {12, 28}, {-12 - width, -28}, {-12 - width, 28}, {12, -42}, {12, 42}} {
			b := box{m.X + at[0], m.Y + at[1] - 7, m.X + at[0] + width, m.Y + at[1] + 7}
			hidden := max(0, -b.left, b.right-float64(c.Width))*14 + max(0, -b.top)*width
			for _, o := range taken {
				hidden += max(0, min(b.right, o.right)-max(b.left, o.left)) * max(0, min(b.bottom, o.bottom)-max(b.top, o.top))
			}
			if hidden < least {
				best, least, m.LabelX, m.LabelY = b, hidden, at[0], at[1]
			}
		}
		taken = append(taken, best)
	}
}

// curves draws, for each modality, what noise in it does to the recommended candidate and to the best of each way.
func (v *view) curves() {
	if len(v.Candidates) == 0 {
		return
	}
	shown := v.chosen()
	low, high := math.Inf(1), math.Inf(-1)
	for _, k := range shown {
		for _, n := range k.Noisy {
			for _, p := range n.Points {
				low, high = min(low, p.value()), max(high, p.value())
			}
		}
	}
	pad := max((high-low)*0.08, 0.02*math.Abs(high), 1e-6)
	low, high = low-pad, high+pad
	for m := range shown[0].Noisy {
		c := chart{Title: shown[0].Noisy[m].Modality, Width: 350, Height: 240, Left: 45, Right: 250, Top: 10, Bottom: 195}
		y := scale(low, high, c.Bottom, c.Top)
		c.Y = v.ticks(low, high, y)
		points := shown[0].Noisy[m].Points
		x := scale(0, points[len(points)-1].Level, c.Left, c.Right)
		for _, p := range points {
			c.X = append(c.X, tick{x(p.Level), fmt.Sprintf("%g", p.Level)})
		}
		for _, k := range shown {
			line := polyline{Label: v.Name(k), How: k.How}
			var at []string
			for _, p := range k.Noisy[m].Points {
				line.EndY = y(p.value())
				at = append(at, fmt.Sprintf("%.1f,%.1f", x(p.Level), line.EndY))
			}
			line.Points, line.EndY = strings.Join(at, " "), line.EndY+4
			c.Lines = append(c.Lines, line)
		}
		spread(c.Lines)
		v.Noise = append(v.Noise, c)
	}
}

// spread moves the labels at the ends of lines apart, and keeps them in the order of the lines.
func spread(lines []polyline) {
	slices.SortStableFunc(lines, func(a, b polyline) int { return compare(a.EndY, b.EndY) })
	for i := 1; i < len(lines); i++ {
		lines[i].EndY = max(lines[i].EndY, lines[i-1].EndY+13)
	}
}

// chosen is the recommended candidate, and the best of the other ways.
func (v *view) chosen() (list []Candidate) {
	for _, how := range []string{"late", "early", "interactive"} {
		var best *Candidate
		for i := range v.Candidates {
			c := &v.Candidates[i]
			if c.How == how && (best == nil || v.Name(*c) == v.Recommended() || v.Name(*best) != v.Recommended() && c.merit() > best.merit()) {
				best = c
			}
		}
		if best != nil {
			list = append(list, *best)
		}
	}
	return list
}

// pieces are the parts of the information.
func (v *view) pieces() {
	i := v.Information
	list := []piece{{Name: "redundant", Bits: i.Redundant, Kind: 0}}
	for k, u := range i.Unique {
		list = append(list, piece{Name: "unique to " + v.Columns[k].Name, Bits: u, Kind: 1})
	}
	list = append(list, piece{Name: "synergistic", Bits: i.Synergistic, Kind: 2})
	all := 0.0
	for _, p := range list {
		all += p.Bits
	}
	left := 0.0
	for k := range list {
		list[k].Left, list[k].Size = left, 100*list[k].Bits/max(all, 1e-9)
		left += list[k].Size
	}
	v.Pieces = list
}
