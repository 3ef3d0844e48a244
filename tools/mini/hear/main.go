// The program hear trains the sound tower of the model that ships. It fetches programs that speak and play, in pinned versions whose hashes
// are checked, lets them say words of five languages and play the notes of 107 instruments, and teaches an ear to give each sound the key
// of its word. What is there already is not made again.
//
//	go run ./tools/mini/hear [-data DATA] [-steps N] [-from EAR] [-text MODEL] DIR
//
// DIR gets the sounds' spectra, ear.safetensors with all that was trained, and what ships: sound.safetensors, whose keys are those of
// mini.Sound, and lexicon.txt, the words of its lexicon; `go run ./tools/mini join DIR MINI` puts them into the folder of a model. At the
// end it prints how well a voice, a sound font and the volunteers of DATA (as tools/mini/data lays them out) are understood that nothing
// was learnt from; with -text MODEL, a folder with this ear in it, by what that model says words mean, and calibrates it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"

	"github.com/chiasm/chiasm/internal/par"
	"github.com/chiasm/chiasm/model/mini"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tools/internal/fetch"
	"github.com/chiasm/chiasm/weights"
)

func main() {
	o := options{}
	flag.StringVar(&o.data, "data", "", "the folder of tools/mini/data, for the volunteers' recordings")
	flag.IntVar(&o.steps, "steps", 6000, "steps of training")
	flag.StringVar(&o.text, "text", "", "the folder of a model with this ear, whose text tower says what words mean and which gets a calibration; without one each word means itself")
	flag.StringVar(&o.from, "from", "", "go on from an ear.safetensors of an earlier training")
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := o.run(ctx, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "hear:", err)
		os.Exit(1)
	}
}

type options struct {
	data, text, from string
	steps            int
}

func (o *options) run(ctx context.Context, dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	root := filepath.Join(dir, "programs")
	words, err := prepare(dir, root)
	if err != nil {
		return err
	}
	list := casts(o.data)
	if err := record(dir, root, o.data, words, list); err != nil {
		return err
	}
	l := newLearner()
	if err := l.load(earFile(dir)); errors.Is(err, os.ErrNotExist) {
		m, err := gather(dir, words, list)
		if err != nil {
			return err
		}
		if o.from != "" {
			if err := l.load(o.from); err != nil {
				return err
			}
		}
		partial := earFile(dir) + ".partial"
		if err := l.learn(ctx, m, o.steps, partial); err != nil {
			return err
		}
		if err := os.Rename(partial, earFile(dir)); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	s := &mini.Sound{Ear: l.Ear, Lexicon: l.lexicon(ctx, words)}
	if err := ship(dir, s, words); err != nil {
		return err
	}
	return o.examine(ctx, dir, s, words, list)
}

// prepare fetches the programs and lists the words.
func prepare(dir, root string) ([]word, error) {
	if words, err := loadWords(dir); err == nil || !errors.Is(err, os.ErrNotExist) {
		return words, err
	}
	packages := filepath.Join(dir, "packages")
	if err := os.MkdirAll(packages, 0o755); err != nil {
		return nil, err
	}
	for _, k := range programs {
		file, err := k.Fetch(packages)
		if err != nil {
			return nil, err
		}
		if err := fetch.UnpackDeb(file, root); err != nil {
			return nil, err
		}
	}
	names, err := emojibase.Unpack(packages)
	if err != nil {
		return nil, err
	}
	net, err := wordnet.Unpack(packages)
	if err != nil {
		return nil, err
	}
	temp, err := os.MkdirTemp(dir, ".words-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp)
	s := &speaker{root: root, temp: temp}
	words, err := s.vocabulary(filepath.Join(names, "package"), filepath.Join(net, "usr/share/wordnet/cntlist.rev"))
	if err != nil {
		return nil, err
	}
	return words, saveWords(dir, words)
}

// record lets all casts speak, as many at a time as there are cores.
func record(dir, root, data string, words []word, list []*cast) error {
	errs := make([]error, len(list))
	free := make(chan struct{}, par.Workers())
	var all sync.WaitGroup
	for i, c := range list {
		all.Go(func() {
			free <- struct{}{}
			errs[i] = c.record(dir, root, data, words)
			<-free
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// ship writes what ships.
func ship(dir string, s *mini.Sound, words []word) error {
	var b strings.Builder
	for _, w := range words {
		if w.known {
			b.WriteString(w.text + "\n")
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "lexicon.txt"), []byte(b.String()), 0o644); err != nil {
		return err
	}
	return weights.Save(filepath.Join(dir, "sound.safetensors"), nn.Entries(s), nil)
}

// examine prints how well the tests are understood.
func (o *options) examine(ctx context.Context, dir string, s *mini.Sound, words []word, list []*cast) error {
	meaning := mini.Meaning(apart)
	if o.text != "" {
		m, err := read(ctx, o.text)
		if err != nil {
			return err
		}
		meaning = m
	}
	var others []*examination // of what programs said and played: enough to calibrate by
	for _, c := range list {
		if !c.test {
			continue
		}
		clips, err := loadClips(dir, c.name)
		if err != nil {
			return err
		}
		e := played(c.name, clips)
		if c.code != "" {
			e = spoken(c.name, c.code, clips, words)
		}
		if err := e.take(ctx, os.Stdout, s, words, meaning); err != nil {
			return err
		}
		if !strings.HasPrefix(c.name, volunteersOf) {
			others = append(others, e)
		}
	}
	if o.text == "" {
		return nil
	}
	return calibrate(ctx, o.text, others, s, words, meaning)
}
