package whisper

import (
	"context"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

func randomLogits(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64() * 3)
	}
	return x
}

func TestBest(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		x, k, lo := randomLogits(r, 1+r.IntN(2000)), 1+r.IntN(7), r.IntN(50)
		for i := range x {
			switch {
			case r.IntN(9) == 0:
				x[i] = never
			case r.IntN(3) == 0:
				x[i] = float32(int(x[i])) // ties
			}
		}
		var want []choice
		var sum float64
		for i, v := range x {
			if v > never {
				want = append(want, choice{int32(lo + i), v})
				sum += math.Exp(float64(v))
			}
		}
		slices.SortStableFunc(want, func(a, b choice) int {
			if a.logProb > b.logProb {
				return -1
			} else if a.logProb < b.logProb {
				return 1
			}
			return 0
		})
		got := best(nil, x, lo, k)
		if len(got) != min(k, len(want)) {
			t.Fatalf("%d choices, want %d", len(got), min(k, len(want)))
		}
		for i, c := range got {
			if p := float64(want[i].logProb) - math.Log(sum); c.id != want[i].id || math.Abs(float64(c.logProb)-p) > 1e-4 {
				t.Fatalf("choice %d of %d: got %v, want %v with %v", i, k, c, want[i], p)
			}
		}
	}
}

func TestDraw(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	x := randomLogits(r, 1300)
	for i := range x {
		if i%3 > 0 {
			x[i] = never
		}
	}
	const temperature, draws = 0.7, 20000
	var whole, whole1 float64
	for _, v := range x {
		whole += math.Exp(float64(v) / temperature)
		whole1 += math.Exp(float64(v))
	}
	counts := make([]float64, len(x))
	for n := range draws {
		c, ok := draw(x, 5, temperature, uniform(7, n))
		if !ok {
			t.Fatal("nothing was drawn")
		}
		i := int(c.id) - 5
		counts[i]++
		if want := float64(x[i]) - math.Log(whole1); math.Abs(float64(c.logProb)-want) > 1e-4 {
			t.Fatalf("token %d has %v, want %v", i, c.logProb, want)
		}
	}
	for i, v := range x {
		want := draws * math.Exp(float64(v)/temperature) / whole
		if math.Abs(counts[i]-want) > 5*math.Sqrt(want)+5 { // five standard deviations
			t.Errorf("token %d was drawn %v times, want about %v", i, counts[i], want)
		}
	}
	for _, u := range []float64{0, 1 - 1e-16} {
		if c, ok := draw(x, 0, temperature, u); !ok || x[c.id] == never {
			t.Errorf("drew %v for %v", c, u)
		}
	}
	if _, ok := draw([]float32{never, never}, 0, 1, 0.5); ok {
		t.Error("drew what is forbidden")
	}
}

// listed is whether a token may follow, in the words of the rules.
func listed(r *rules, ids []int32, id int32) bool {
	n := len(ids)
	stamp := func(i int) bool { return i >= 0 && ids[i] >= r.stamps }
	switch {
	case slices.Contains(r.never, id), n == 0 && slices.Contains(r.first, id):
		return false
	case r.plain:
		return true
	case id == r.stamps-1, n == 0 && (id < r.stamps || id > r.latest):
		return false
	case stamp(n-1) && (n == 1 || stamp(n-2)) && id >= r.stamps:
		return false // never three timestamps, nor two at the start
	case stamp(n-1) && n > 1 && !stamp(n-2) && id < r.end:
		return false // after text, a timestamp stands before another or the end
	}
	for i := n - 1; i >= 0 && id >= r.stamps; i-- {
		if stamp(i) {
			opens := i == n-1 && n > 1 && !stamp(n-2)
			return id > ids[i] || opens && id == ids[i]
		}
	}
	return true
}

func TestRules(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	timely := 0
	for range 3000 {
		rule := &rules{end: 20, stamps: 26, latest: 29, never: []int32{3, 22, 23}, first: []int32{4, 20}, plain: r.IntN(8) == 0}
		var ids []int32
		for range r.IntN(6) {
			if r.IntN(2) == 0 {
				ids = append(ids, 26+int32(r.IntN(14)))
			} else {
				ids = append(ids, int32(r.IntN(20)))
			}
		}
		x := randomLogits(r, 40)
		if r.IntN(2) == 0 {
			for i := range 14 {
				x[26+i] -= 6 // timestamps are unlikely
			}
		}
		y := slices.Clone(x)
		lo, hi := rule.apply(y, ids)
		times, text := 0.0, math.Inf(-1)
		for i, v := range x {
			if listed(rule, ids, int32(i)) {
				if i >= 26 {
					times += math.Exp(float64(v))
				} else {
					text = max(text, float64(v))
				}
			}
		}
		only := !rule.plain && math.Log(times) > text
		if only && !math.IsInf(text, -1) {
			timely++
		}
		for i := range x {
			want := listed(rule, ids, int32(i)) && !(only && i < 26)
			if got := i >= lo && i < hi && y[i] > never; got != want {
				t.Fatalf("after %v, plain %v: token %d may follow: %v, want %v", ids, rule.plain, i, got, want)
			}
		}
	}
	if timely < 100 {
		t.Errorf("timestamps won %d times", timely)
	}
}

func windowsOf(n int) (windows []Window) {
	for i := range n {
		x := noise(11840*(i+3)/(n+3), uint32(i+1))
		windows = append(windows, Window{Start: float64(i), Samples: x})
	}
	return windows
}

func (g golden) windows(o Options, windows []Window) [][]Segment {
	g.Helper()
	got, err := g.transcriber(&o).Windows(context.Background(), windows)
	if err != nil {
		g.Fatal(err)
	}
	return got
}

func TestWindows(t *testing.T) {
	g := open(t, "tiny")
	windows := windowsOf(7)
	for name, change := range map[string]func(o *Options){
		"greedy": func(o *Options) { o.Beam = 1 },
		"beam":   func(o *Options) { o.Words = true },
		"drawn":  func(o *Options) { o.Temperatures, o.BestOf = []float32{0.8}, 3 },
		"again": func(o *Options) { // some fail at some temperatures
			o.LogProb, o.NoSpeech, o.CompressionRatio, o.Beam, o.BestOf = -2.6, 1, float32(math.Inf(1)), 2, 8
		},
		"each": func(o *Options) { o.Multilingual, o.NoTimestamps, o.Words = true, true, true },
	} {
		t.Run(name, func(t *testing.T) {
			g := golden{t, g.Bundle, g.set}
			o := Defaults()
			o.Language = "de"
			change(&o)
			var want [][]Segment
			for i, batch := range []int{3, 1, 8} {
				o.Batch, o.Workers = batch, i%2+1
				got := g.windows(o, windows)
				if want == nil {
					want = got
				}
				if !reflect.DeepEqual(got, want) {
					t.Errorf("%d windows together give\n%+v\nbut 3 give\n%+v", batch, got, want)
				}
			}
			n := 0
			hot := map[float32]bool{}
			for _, w := range want {
				n += len(w)
				for _, s := range w {
					hot[s.Temperature] = true
				}
			}
			if n == 0 {
				t.Error("nothing was said")
			}
			if name == "again" && len(hot) < 2 {
				t.Errorf("all was found at temperatures %v", hot)
			}
			if name == "drawn" {
				o.Seed = 1
				if reflect.DeepEqual(g.windows(o, windows), want) {
					t.Error("another seed draws the same")
				}
			}
		})
	}
	if _, err := g.transcriber(nil).Windows(context.Background(), []Window{{Samples: make([]float32, 11841)}}); err == nil {
		t.Error("a window that is too long was taken")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := g.transcriber(nil).Windows(ctx, windows); err == nil {
		t.Error("a cancelled context was not noticed")
	}
}

// Drawing tokens one by one takes each hypothesis's best alone: with so many samples that all are drawn, the likeliest is found again.
func TestFallbackTakesTheLeastBad(t *testing.T) {
	g := open(t, "tiny")
	o := Defaults()
	o.Language, o.LogProb, o.NoSpeech, o.BestOf, o.CompressionRatio = "de", 0, 1, 1, float32(math.Inf(1)) // every text fails
	x := g.transcriber(&o)
	g.listen(x)
	tasks := []*task{x.newTask(0, &Window{}, "de", nil, nil), x.newTask(1, &Window{}, "de", nil, nil)}
	texts, err := x.decode(context.Background(), tasks)
	if err != nil {
		t.Fatal(err)
	}
	for n, temperature := range o.Temperatures {
		one := o
		one.Temperatures = []float32{temperature}
		y := g.transcriber(&one)
		g.listen(y)
		again := y.newTask(0, &Window{}, "de", nil, nil)
		again.seed += uint64(n) // as the n-th try
		tries, err := y.decode(context.Background(), []*task{again})
		if err != nil {
			t.Fatal(err)
		}
		if tries[0].logProb > texts[0].logProb || tries[0].logProb == texts[0].logProb && !slices.Equal(tries[0].ids, texts[0].ids) {
			t.Errorf("at %v there is %v, better than %v", temperature, tries[0], texts[0])
		}
	}
	if texts[0].last != 1 {
		t.Errorf("the last temperature is %v", texts[0].last)
	}
}

func TestSteadyState(t *testing.T) {
	g := open(t, "tiny")
	for _, temperature := range []float32{0, 0.5} {
		o := Defaults()
		o.Language = "de"
		x := g.transcriber(&o)
		x.search.temperature = temperature
		g.listen(x)
		tasks := []*task{x.newTask(0, &Window{}, "de", nil, nil), x.newTask(1, &Window{}, "de", nil, nil)}
		run := func() {
			if err := x.search.run(context.Background(), x.pass, x.decoder, g.Config.Tokens.NoSpeech, tasks); err != nil {
				t.Fatal(err)
			}
		}
		run()
		run()
		if n := testing.AllocsPerRun(10, run); n > 0 {
			t.Errorf("at temperature %v a search allocates %v times", temperature, n)
		}
	}
}

func TestSpans(t *testing.T) {
	const s = 100
	for _, c := range []struct {
		ids   []int32
		whole bool
		want  [][3]float64 // tokens, start, end
		rest  int
		ended bool
	}{
		{nil, false, [][3]float64{{0, 0, 10}}, 1000, false},
		{[]int32{5, 6}, false, [][3]float64{{2, 0, 10}}, 1000, false},
		{[]int32{s, 5, s + 50}, false, [][3]float64{{3, 0, 1}}, 1000, true},
		{[]int32{s, 5, s + 50, s + 60, 6}, false, [][3]float64{{3, 0, 1}}, 100, false},
		{[]int32{s, 5, s + 50, s + 60, 6}, true, [][3]float64{{3, 0, 1}, {2, 1.2, 10}}, 1000, false},
		{[]int32{s, 5, s + 50, s + 60, 6, s + 80}, false, [][3]float64{{3, 0, 1}, {3, 1.2, 1.6}}, 1000, true},
		{[]int32{s, 5, s + 50, s + 50}, true, [][3]float64{{3, 0, 1}}, 100, false},
		{[]int32{5, s + 50, s + 50, 6}, false, [][3]float64{{2, 0, 1}}, 100, false},
	} {
		spans, rest, ended := spans(c.ids, s, 1000, c.whole)
		var got [][3]float64
		for _, x := range spans {
			got = append(got, [3]float64{float64(len(x.ids)), x.start, x.end})
		}
		if !reflect.DeepEqual(got, c.want) || rest != c.rest || ended != c.ended {
			t.Errorf("%v, whole %v: got %v %v %v, want %v %v %v", c.ids, c.whole, got, rest, ended, c.want, c.rest, c.ended)
		}
	}
}

// What a window leaves is a window of its own.
func TestWindowsHearTheRest(t *testing.T) {
	g, ctx, found := open(t, "tiny"), context.Background(), 0
	o := Defaults()
	o.Language, o.Temperatures, o.BestOf, o.MaxTokens, o.NoSpeech = "de", []float32{1}, 1, 4, 1
	x := g.transcriber(&o)
	for seed := range uint32(60) {
		w := Window{Start: float64(seed), Samples: noise(11840, seed)}
		segments, rests, err := x.round(ctx, []Window{w}, nil)
		if err != nil {
			t.Fatal(err)
		}
		want, rest := segments[0], rests[0]
		if rest+again <= w.frames() {
			found++
			more, err := x.Windows(ctx, []Window{{w.Start + float64(rest)/frameRate, w.Samples[rest*frameSamples:]}})
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, more[0]...)
		}
		got, err := x.Windows(ctx, []Window{w})
		if err != nil || !reflect.DeepEqual(got[0], want) && len(got[0])+len(want) > 0 {
			t.Fatalf("seed %d: got %+v %v, want %+v", seed, got, err, want)
		}
	}
	if found == 0 {
		t.Error("no window left a rest")
	}
}
