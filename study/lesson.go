package study

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
	"math/rand/v2"
	"path/filepath"
	"strings"

	"github.com/chiasm/chiasm/dataset"
	"github.com/chiasm/chiasm/media/audio"
)

// A lesson is an item made ready for the model.
type lesson struct {
	key    string
	text   uint64    // tells texts apart; 0 if there is none
	ids    []int32   // of the text
	pixels []float32 // [3, H, W], or nil
	sound  []float32 // samples, or nil
}

// make prepares an item: it draws one of its texts, and varies the rest as the recipe says.
func (t *Training) make(ctx context.Context, m *trainee, sets []*dataset.Set, x dataset.Example) (l lesson, err error) {
	item := x.Item
	l.key = item.Key
	if item.Image != nil && !strings.Contains(item.Key, filepath.Base(item.Image.Name())) {
		l.key += " (" + filepath.Base(item.Image.Name()) + ")"
	}
	if text, ok := t.pick(x.Rand, sets[x.Ref.Set], item); ok {
		h := fnv.New64a()
		h.Write([]byte(text))
		l.text, l.ids = h.Sum64()|1, m.IDs(text)
	}
	if item.Image != nil && m.sees() {
		img, err := t.picture(x.Rand, item.Image, m)
		if err != nil {
			return l, err
		}
		w, h := m.Image.Pixels().Size()
		l.pixels = make([]float32, 3*w*h)
		m.Image.Pixels().Apply(l.pixels, img)
	}
	if item.Sound != nil && m.Sound != nil {
		if l.sound, err = t.sound(ctx, x.Rand, item.Sound, m); err != nil {
			return l, err
		}
	}
	return l, nil
}

// pick draws a text, a language first.
func (t *Training) pick(r *rand.Rand, set *dataset.Set, item *dataset.Item) (string, bool) {
	if text, ok := item.Pick(r, t.Recipe.Data.Languages...); ok {
		return text.Text, true
	}
	list := t.textsOf(set, item)
	if len(list) == 0 {
		return "", false
	}
	return list[r.IntN(len(list))], true
}

func (t *Training) sound(ctx context.Context, r *rand.Rand, media *dataset.Media, m *trainee) ([]float32, error) {
	rate, limit := m.hears()
	samples, err := media.Samples(ctx, rate, limit)
	if err != nil && !errors.Is(err, audio.ErrLimit) {
		return nil, err
	}
	if err := audible(media, samples, rate); err != nil {
		return nil, err
	}
	return t.varySound(r, samples, limit), nil
}

// lessons are the batches of a training, and where they stand.
type lessons struct {
	loader *dataset.Loader[lesson]
	place  dataset.Place // of the next
	next   func() (*dataset.Batch[lesson], error, bool)
	stop   func()
}

// take is the next batch.
func (s *lessons) take(ctx context.Context) (*dataset.Batch[lesson], error) {
	if s.next == nil {
		s.next, s.stop = iter.Pull2(s.loader.From(ctx, s.place))
	}
	b, err, ok := s.next()
	if !ok {
		return nil, errors.New("study: the data ended")
	}
	if err != nil {
		return nil, err
	}
	s.place = b.Next
	return b, nil
}

// close ends the reading ahead.
func (s *lessons) close() {
	if s.stop != nil {
		s.stop()
	}
	s.next, s.stop = nil, nil
}

// AppendState appends the place of the next batch.
func (s *lessons) AppendState(to []byte) []byte {
	to = binary.LittleEndian.AppendUint64(to, uint64(s.place.Epoch))
	return binary.LittleEndian.AppendUint64(to, uint64(s.place.Step))
}

// SetState goes to a place that AppendState has written.
func (s *lessons) SetState(place []byte) error {
	if len(place) != 16 {
		return fmt.Errorf("study: the place in the data has %d bytes, want 16", len(place))
	}
	epoch, step := binary.LittleEndian.Uint64(place), binary.LittleEndian.Uint64(place[8:])
	if epoch >= 1<<31 || step >= 1<<31 {
		return fmt.Errorf("study: the place in the data is epoch %d, step %d, beyond any", epoch, step)
	}
	s.close()
	s.place = dataset.Place{Epoch: int(epoch), Step: int(step)}
	return nil
}
