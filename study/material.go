package study

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/chiasm/chiasm/dataset"
)

// A Material is what a training learns from and is measured on, sifted.
type Material struct {
	Train      []Source       `json:"train"`
	Validation []Source       `json:"validation"`
	Duplicates int            `json:"duplicates"` // items of the training data whose media are also in the validation
	First      string         `json:"first_duplicate,omitempty"`
	Dropped    bool           `json:"dropped"` // they were left out of training
	train      []*dataset.Set // usable items alone
	check      []*dataset.Set
	opened     []*dataset.Set
}

// A Source is a data set and what of it can be used.
type Source struct {
	Name     string         `json:"name"`
	Items    int            `json:"items"`
	Usable   int            `json:"usable"`
	Named    int            `json:"named"` // items of which something is said
	Images   int            `json:"images"`
	Sounds   int            `json:"sounds"`
	Texts    map[string]int `json:"texts"` // by language
	Empty    int            `json:"empty"`
	OneSided int            `json:"one_sided"`
	Broken   int            `json:"broken"`
	First    string         `json:"first_unusable,omitempty"` // and why
	Damage   []string       `json:"damaged,omitempty"`        // files of which only the beginning could be read
}

// Close closes the data.
func (m *Material) Close() {
	for _, s := range m.opened {
		s.Close()
	}
}

// gatherMaterial opens the data of a recipe and makes sure that there is something to learn from and nothing to learn by heart.
func (t *Training) gatherMaterial(ctx context.Context, m embedder) (_ *Material, err error) {
	x := &Material{}
	defer func() {
		if err != nil {
			x.Close()
		}
	}()
	if len(t.Recipe.Data.Train) == 0 {
		return nil, errors.New("study: the recipe names no data: want data.train")
	}
	if x.train, err = t.openSets(x, t.Recipe.Data.Train, t.Recipe.Data.TrainSplit); err != nil {
		return nil, err
	}
	if x.check, err = t.openSets(x, t.Recipe.Data.Validation, t.Recipe.Data.CheckSplit); err != nil {
		return nil, err
	}
	if len(x.check) == 0 && t.Recipe.Data.Fraction > 0 {
		if err := t.takeFraction(ctx, x); err != nil {
			return nil, err
		}
	}
	unread := map[string]bool{} // languages of whose texts the tokenizer knows nothing
	for i := range x.train {
		if x.train[i], err = t.sift(ctx, m, x.train[i], &x.Train, unread); err != nil {
			return nil, err
		}
	}
	for i := range x.check {
		if x.check[i], err = t.sift(ctx, m, x.check[i], &x.Validation, unread); err != nil {
			return nil, err
		}
	}
	if languages := sortedKeys(unread); len(languages) > 0 {
		return nil, fmt.Errorf("study: the tokenizer knows no token of any text in %s: every one of them would read the same; leave the language out (data.languages) or begin with a model that reads it",
			strings.Join(languages, ", "))
	}
	if err := enough(x.Train, "to learn from"); err != nil {
		return nil, err
	}
	if len(x.Validation) > 0 {
		if err := enough(x.Validation, "to measure on"); err != nil {
			return nil, err
		}
		return x, t.duplicates(ctx, x)
	}
	return x, nil
}

func (t *Training) openSets(x *Material, paths []string, split string) (list []*dataset.Set, err error) {
	d := &t.Recipe.Data
	for _, path := range paths {
		set, err := dataset.Open(path, &dataset.Options{
			Format: dataset.Format(d.Format), Split: split, ImageKey: d.ImageKey, CaptionKey: d.CaptionKey, SoundKey: d.SoundKey, LabelKey: d.LabelKey,
			GroupKey: d.GroupKey, Separator: d.Separator, Language: d.Language,
		})
		if err != nil {
			return nil, err
		}
		x.opened = append(x.opened, set)
		list = append(list, set)
	}
	return list, nil
}

// by is what keeps items together, by its name in a recipe.
var by = map[string]dataset.By{"key": dataset.ByKey, "group": dataset.ByGroup, "class": dataset.ByConcept, "text": dataset.ByConcept}

// takeFraction takes the validation from the training data.
func (t *Training) takeFraction(ctx context.Context, x *Material) error {
	d := &t.Recipe.Data
	for i, set := range x.train {
		parts, _, err := dataset.Partition(ctx, set, t.Recipe.Learning.Seed, by[d.By], 1-d.Fraction, d.Fraction)
		if err != nil {
			return err
		}
		x.train[i] = parts[0]
		parts[1].Name += " (a part)"
		x.check = append(x.check, parts[1])
	}
	return nil
}

// sift keeps the items of a set that have two sides, and counts the others.
func (t *Training) sift(ctx context.Context, m embedder, set *dataset.Set, list *[]Source, unread map[string]bool) (*dataset.Set, error) {
	s := Source{Name: set.Name, Items: set.Len(), Texts: map[string]int{}}
	known := map[string]bool{}
	rate, _ := m.hears()
	unusable := func(n *int, i int, why string) {
		if *n++; s.First == "" {
			s.First = fmt.Sprintf("item %d %s", i, why)
		}
	}
	var usable []int
	for i := range set.Len() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		item, err := set.Item(i)
		switch {
		case err != nil:
			unusable(&s.Broken, i, err.Error())
			continue
		case item.Empty():
			unusable(&s.Empty, i, "("+item.Key+") is empty")
			continue
		}
		sides := 0
		if len(t.textsOf(set, item)) > 0 {
			s.Named++
			sides++
		}
		if item.Image != nil && m.sees() {
			s.Images++
			sides++
		}
		if item.Sound != nil && rate > 0 {
			s.Sounds++
			sides++
		}
		if sides < 2 {
			unusable(&s.OneSided, i, "("+item.Key+") has one side of a pair alone, for this model"+only(t.Recipe.Data.Languages))
			continue
		}
		for _, text := range item.Texts {
			if t.wants(text.Language) {
				s.Texts[text.Language]++
				known[text.Language] = known[text.Language] || m.knows(text.Text)
			}
		}
		usable = append(usable, i)
	}
	for language := range s.Texts {
		if !known[language] {
			name := language
			if name == "" {
				name = "no named language"
			}
			unread[name] = true
		}
	}
	s.Usable = len(usable)
	for _, err := range set.Damage {
		s.Damage = append(s.Damage, err.Error())
		t.note("only the beginning of a file can be read: %v", err)
	}
	if s.Usable > 1 && s.Usable < s.Items { // fewer are an error that says so
		t.note("%s: %d of %s left out: %d empty, %d with one side of a pair alone, %d broken; the first: %s", s.Name, s.Items-s.Usable, many(s.Items, "item"), s.Empty, s.OneSided, s.Broken, s.First)
	}
	*list = append(*list, s)
	return set.Select(usable), nil
}

func (t *Training) wants(language string) bool {
	return len(t.Recipe.Data.Languages) == 0 || slices.Contains(t.Recipe.Data.Languages, language)
}

// textsOf is what is said of an item: its texts, or else the name of its class in every template.
func (t *Training) textsOf(set *dataset.Set, item *dataset.Item) (list []string) {
	for _, text := range item.Texts {
		if t.wants(text.Language) && strings.TrimSpace(text.Text) != "" {
			list = append(list, text.Text)
		}
	}
	if len(list) > 0 || item.Class == "" {
		return list
	}
	templates := t.Recipe.Data.Templates
	if len(templates) == 0 {
		templates = []string{"{}"}
	}
	for _, template := range templates {
		list = append(list, dataset.Fill(template, item.Class))
	}
	return list
}

// only says that texts in some languages alone count; "" for all.
func only(languages []string) string {
	if len(languages) == 0 {
		return ""
	}
	return " (texts in " + strings.Join(languages, ", ") + " alone)"
}

// enough is an error if sources hold fewer than two pairs together.
func enough(list []Source, what string) error {
	var all Source
	for _, s := range list {
		all.Items += s.Items
		all.Usable += s.Usable
		all.Empty += s.Empty
		all.OneSided += s.OneSided
		all.Broken += s.Broken
		if all.First == "" {
			all.First = s.First
		}
	}
	if all.Usable >= 2 {
		return nil
	}
	message := fmt.Sprintf("study: there are %d pairs %s, want 2 at least: of %d items %d are empty, %d have one side of a pair alone, %d are broken",
		all.Usable, what, all.Items, all.Empty, all.OneSided, all.Broken)
	if all.First != "" {
		message += "; the first: " + all.First
	}
	return errors.New(message)
}

// duplicates finds media that would be learnt from and measured on, and does with them what the recipe says.
func (t *Training) duplicates(ctx context.Context, x *Material) error {
	sets := slices.Concat(x.check, x.train)
	total := 0
	for _, s := range sets {
		total += s.Len()
	}
	found, _, err := dataset.Duplicates(ctx, sets, func(done int) { t.stage("comparing contents", done, total) })
	if err != nil {
		return err
	}
	drop := make([]map[int32]bool, len(sets))
	for _, d := range found {
		if int(d.Second.Set) < len(x.check) || int(d.First.Set) >= len(x.check) {
			continue
		}
		if x.Duplicates++; x.First == "" {
			x.First = d.String()
		}
		if drop[d.Second.Set] == nil {
			drop[d.Second.Set] = map[int32]bool{}
		}
		drop[d.Second.Set][d.Second.Index] = true
	}
	switch {
	case x.Duplicates == 0:
		return nil
	case t.Recipe.Data.Duplicates == "refuse":
		return fmt.Errorf("study: %d items of the training data are also in the validation, the first: %s", x.Duplicates, x.First)
	case t.Recipe.Data.Duplicates == "keep":
		t.note("%d items of the training data are also in the validation and stay (data.duplicates: keep): figures will be too good; the first: %s", x.Duplicates, x.First)
		return nil
	}
	t.note("%d items of the training data are also in the validation and are left out of training; the first: %s", x.Duplicates, x.First)
	x.Dropped = true
	for i, set := range x.train {
		dropped := drop[len(x.check)+i]
		var keep []int
		for j := range set.Len() {
			if !dropped[int32(j)] {
				keep = append(keep, j)
			}
		}
		x.train[i] = set.Select(keep)
		x.Train[i].Usable = len(keep)
	}
	return enough(x.Train, "to learn from once those that are also in the validation are left out")
}
