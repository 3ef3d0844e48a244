package study

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/dataset"
	"github.com/chiasm/chiasm/metric"
)

// An Evaluation says how a model is measured on a data set. The zero value measures all that can be.
type Evaluation struct {
	Task      dataset.Task // retrieval or classification alone; "" for what the data have
	Classes   []string     // names of the classes by number, in place of the data's own
	Templates []string     // around the names of classes, "{}" or "{c}" where these go; nil for the data's own, or the name alone
	Languages []string     // of the texts; nil for all
	By        string       // what tells the domains apart: group, class, or a field of the data; "" for the field domain
	Merge     bool         // equal texts of one language are one query, to which all their items belong; else each has its own alone, as in CLIP_benchmark
	Batch     int          // items at once; 0 for 16
	Shrink    bool         // decode JPEG files at a reduced size where the model needs no more
	Workers   int          // threads that compare vectors, 0 for all
	Bootstrap metric.Bootstrap
	Progress  func(done, of int) // items, or nil
}

// Figures is what a model reached on a data set.
type Figures struct {
	Model          string           `json:"model"`
	Space          string           `json:"space,omitempty"`
	Data           string           `json:"data"`
	Items          int              `json:"items"`
	Texts          map[string]int   `json:"texts"` // by language
	Images         int              `json:"images"`
	Sounds         int              `json:"sounds"`
	Retrieval      []Retrieval      `json:"retrieval,omitempty"`
	Classification []Classification `json:"classification,omitempty"`
	Level          float64          `json:"confidence"` // of the intervals
	Draws          int              `json:"draws"`
	Seed           uint64           `json:"seed"`
	Repeated       int              `json:"repeated_texts"` // texts that came before, of other items, for which they count as wrong
	CutTexts       int              `json:"truncated_texts"`
	CutSounds      int              `json:"truncated_sounds"`
	Broken         int              `json:"broken"`            // items that could not be read
	Damage         []string         `json:"damaged,omitempty"` // files of which only the beginning could be read
	Errors         []string         `json:"errors,omitempty"`
}

// A Retrieval is how well one kind finds another.
type Retrieval struct {
	From     string `json:"from"`
	To       string `json:"to"`
	Language string `json:"language,omitempty"` // of the texts, on either side; "" for all that there are
	Domain   string `json:"domain,omitempty"`   // of the queries; the gallery stays whole
	Gallery  int    `json:"gallery"`
	metric.Ranking
	Intervals metric.Intervals `json:"intervals"`
}

// A Classification is how well pictures or sounds find the names of their classes. Of things that belong to several, any one counts.
type Classification struct {
	Of        string          `json:"of"`
	Domain    string          `json:"domain,omitempty"`
	Classes   int             `json:"classes"`
	Templates int             `json:"templates"`
	Queries   int             `json:"queries"`
	Top1      float64         `json:"top1"`
	Top5      float64         `json:"top5"`
	PerClass  *float64        `json:"mean_per_class,omitempty"` // top 1, where things have one class
	MAP       *float64        `json:"map,omitempty"`            // where they have several
	ECE       *float64        `json:"calibration_error,omitempty"`
	Interval1 metric.Interval `json:"top1_interval"`
	Interval5 metric.Interval `json:"top5_interval"`
}

// Evaluate measures a model on a data set: how well texts, pictures and sounds find one another, in every direction, for every language and
// domain, and how well pictures and sounds find the names of their classes. Broken items are counted and left out. It is an error if
// there is nothing to measure.
func Evaluate(ctx context.Context, m *chiasm.Model, set *dataset.Set, e *Evaluation) (*Figures, error) {
	if e == nil {
		e = &Evaluation{}
	}
	f, err := e.measure(ctx, &opened{Model: m, shrink: e.Shrink}, set)
	if err != nil {
		return nil, err
	}
	f.Model, f.Space = m.Name(), m.Space().String()
	return f, nil
}

func (e *Evaluation) measure(ctx context.Context, m embedder, set *dataset.Set) (*Figures, error) {
	g, err := e.gather(ctx, m, set)
	if err != nil {
		return nil, err
	}
	f := &Figures{
		Data: set.Name, Items: set.Len(), Texts: map[string]int{}, Images: g.images.rows(), Sounds: g.sounds.rows(),
		Level: e.Bootstrap.Confidence(), Draws: e.Bootstrap.Times(), Seed: e.Bootstrap.Seed, CutTexts: g.cut, CutSounds: g.heard, Broken: g.broken.Count(),
	}
	for _, l := range g.texts.language {
		f.Texts[l]++
	}
	for _, err := range set.Damage {
		f.Damage = append(f.Damage, err.Error())
	}
	for _, err := range g.broken.First() {
		f.Errors = append(f.Errors, err.Error())
	}
	if merged := g.texts.merge(g.words); e.Merge {
		g.texts = merged
	} else {
		f.Repeated = g.texts.rows() - merged.rows()
	}
	if e.Task == "" || e.Task == dataset.Retrieval {
		f.Retrieval = e.retrieval(g)
	}
	if e.Task != dataset.Retrieval {
		if f.Classification, err = e.classification(ctx, m, set, g); err != nil {
			return nil, err
		}
	}
	if len(f.Retrieval)+len(f.Classification) == 0 {
		return nil, e.nothing(set, g)
	}
	return f, nil
}

// nothing is the error where nothing can be measured.
func (e *Evaluation) nothing(set *dataset.Set, g *gathering) error {
	message := fmt.Sprintf("study: %s has nothing to measure: want items with two of text, picture and sound that the model takes, or with a class and its name; of %d items there are %d texts, %d pictures and %d sounds",
		set.Name, set.Len(), g.texts.rows(), g.images.rows(), g.sounds.rows())
	return errors.Join(errors.New(message+only(e.Languages)), g.broken.Err())
}

// retrieval measures every direction.
func (e *Evaluation) retrieval(g *gathering) (list []Retrieval) {
	for _, media := range []*side{g.images, g.sounds} {
		if media.rows() == 0 {
			continue
		}
		owners := media.has()
		texts := g.texts.only(func(row int) bool {
			return slices.ContainsFunc(g.texts.items[row], func(item int32) bool { return owners[item] })
		})
		if texts.rows() == 0 {
			continue
		}
		list = append(list, e.directions(g, texts, media, "")...)
		if languages := texts.languages(); len(languages) > 1 {
			for _, l := range languages {
				list = append(list, e.directions(g, texts.only(func(row int) bool { return texts.language[row] == l }), media, cmp.Or(l, "und"))...)
			}
		}
	}
	if g.images.rows() > 0 && g.sounds.rows() > 0 {
		list = append(list, e.directions(g, g.images, g.sounds, "")...)
	}
	return list
}

// directions measures both directions between two sides, as a whole and for the queries of each domain.
func (e *Evaluation) directions(g *gathering, a, b *side, language string) (list []Retrieval) {
	for _, d := range [][2]*side{{a, b}, {b, a}} {
		from, to := d[0], d[1]
		relevant := from.among(to)
		ranks := metric.Ranks(metric.Dots(from.values, to.values, from.d, e.Workers), relevant)
		if metric.Summarize(ranks).Queries == 0 {
			continue
		}
		r := Retrieval{From: from.kind, To: to.kind, Language: language, Gallery: to.rows()}
		add := func(domain string, ranks []int) {
			r.Domain, r.Ranking, r.Intervals = domain, metric.Summarize(ranks), e.Bootstrap.Ranking(ranks)
			if r.Queries > 0 {
				list = append(list, r)
			}
		}
		add("", ranks)
		for _, domain := range g.domains() {
			var part []int
			for row, rank := range ranks {
				if slices.ContainsFunc(from.items[row], func(item int32) bool { return g.groups[item] == domain }) {
					part = append(part, rank)
				}
			}
			add(domain, part)
		}
	}
	return list
}

// domains are the names of the domains, sorted; nil if there is one only.
func (g *gathering) domains() []string {
	list := slices.Clone(g.groups)
	slices.Sort(list)
	list = slices.DeleteFunc(slices.Compact(list), func(s string) bool { return s == "" })
	if len(list) < 2 {
		return nil
	}
	return list
}
