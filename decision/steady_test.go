package decision

import (
	"context"
	"encoding/json"
	"os"
	"testing"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/internal/steady"
	"github.com/chiasm/chiasm/nn"
)

// untaught is a model of pictures and sounds by the model inside the program, whose values are drawn at random.
func untaught(t *testing.T, method, precision string) *Model {
	t.Helper()
	if !chiasm.Ships() {
		t.Skip("no model is inside this build")
	}
	e, err := chiasm.Open(t.Context(), chiasm.Shipped, &chiasm.Options{Precision: precision})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	m, err := build(Config{
		Format: format, Encoder: Encoder{Model: chiasm.Shipped, Space: e.Space().String(), Dimension: e.Space().Dimension},
		Columns: []Column{{"picture", Image, []string{"picture"}}, {"sound", Audio, []string{"sound"}}},
		Target:  Target{Task: "single", Classes: []string{"a", "b", "c"}},
		Method:  method, Width: 16, Heads: 2, Layers: 1, Rank: 2, Bottlenecks: 2,
	})
	if err != nil {
		t.Fatal(err)
	}
	nn.Init(m.fused, 1)
	m.encoder = newEncoder(e, "", Vectors)
	return m
}

// A decision from the bytes of two files to the answer takes no memory, and is the one that is made of parts read anew.
func TestDecisionsTakeNoMemory(t *testing.T) {
	const photo, beep = "../examples/collection/pictures/astronaut.jpg", "../recipes/beeps/07.wav"
	progressive, err := os.ReadFile("../media/image/testdata/pictures/progressive.jpg")
	if err != nil {
		t.Fatal(err)
	}
	m := untaught(t, "late/product", "auto")
	files := map[string][]byte{}
	for column, path := range map[string]string{"picture": photo, "sound": beep} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[column] = data
	}
	ctx := context.Background()
	d := m.Begin()
	var answer *Answer
	steady.NoAllocs(t, "a decision", func() {
		if part, err := d.Read(ctx, "picture", progressive); err != nil || part.Image == nil {
			t.Fatal(err)
		}
		d.Forget()
		for _, column := range [2]string{"picture", "sound"} {
			part, err := d.Read(ctx, column, files[column])
			if err == nil {
				answer, err = d.Add(ctx, column, part)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	})
	thing := map[string]chiasm.Part{}
	for column, path := range map[string]string{"picture": photo, "sound": beep} {
		part, err := m.Read(ctx, column, path)
		if err != nil {
			t.Fatal(err)
		}
		thing[column] = part
	}
	want, err := m.Decide(ctx, thing)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := json.Marshal(answer)
	if wanted, _ := json.Marshal(want); string(got) != string(wanted) {
		t.Errorf("got %s, want %s", got, wanted)
	}
	d.Forget()
	if answer, err = d.Add(ctx, "sound", thing["sound"]); err != nil || len(answer.Present) != 1 || answer.Missing[0] != "picture" {
		t.Errorf("after a thing was forgotten: %+v, %v", answer, err)
	}
	if _, err := d.Read(ctx, "picture", []byte("no picture")); err == nil {
		t.Error("what is no picture was read")
	}
	if _, err := d.Read(ctx, "smell", nil); err == nil {
		t.Error("a column that is not there was read")
	}
}
