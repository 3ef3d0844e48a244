package main

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/decision"
)

// What can be said at once is said at once.
func TestFuseAdviseRefuses(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--latency", "-5ms"}, 2, "--latency -5ms: want a positive time"},
		{[]string{"--methods", "late,concat,late"}, 2, "--methods names late twice"},
		{[]string{"-o", filepath.Join(t.TempDir(), "nowhere", "report.html")}, 1, "no such file or directory"},
	} {
		start := runChiasm(t, "", append([]string{"fuse", "advise", things, "--cache", "off"}, c.args...)...).want(t, c.code, c.want)
		if strings.Contains(start.err, "trying") || start.out != "" {
			t.Errorf("%v: %s%s", c.args, start.out, start.err)
		}
	}
}

// What is recommended follows from the data and from the limits; as JSON it has the shape that is promised.
func TestFuseAdvise(t *testing.T) {
	if testing.Short() {
		t.Skip("it teaches")
	}
	page, cache := filepath.Join(t.TempDir(), "r.html"), filepath.Join(t.TempDir(), "cache")
	args := []string{"fuse", "advise", things, "-q", "--methods", "late,concat", "--steps", "60", "--draws", "50", "--cache", cache, "--json"}
	r := runChiasm(t, "", append(args, "-o", page, "--latency", "1h", "--must-work-without", "sound")...).want(t, 0)
	var top map[string]json.RawMessage
	if err := json.Unmarshal([]byte(r.out), &top); err != nil || len(top) != 2 || keys(t, string(top["recommendation"])) != "how method why" {
		t.Fatalf("%v: %s", err, r.out)
	}
	advice := objects[decision.Advice](t, r)[0]
	if advice.Recommendation.How != "late" || len(advice.Candidates) != 6 {
		t.Errorf("recommended %+v of %d candidates", advice.Recommendation, len(advice.Candidates))
	}
	for _, c := range advice.Candidates {
		if c.Accuracy == nil || len(c.Subsets) != 3 || len(c.Noisy) != 2 || len(c.Noisy[0].Points) != 4 || c.Latency.P99 < c.Latency.P50 || c.Latency.P50 < c.Fusing.P50 {
			t.Errorf("got %+v", c)
		}
	}
	html, err := os.ReadFile(page)
	if err != nil || !bytes.Contains(html, []byte("prefers-color-scheme: dark")) || bytes.Contains(html, []byte("://")) || bytes.Count(html, []byte("<svg")) != 4 || bytes.Contains(html, []byte("NaN")) {
		t.Errorf("%v, the report: %.300s", err, html)
	}
	none := objects[decision.Advice](t, runChiasm(t, "", append(args, "--latency", "1ns")...).want(t, 0))[0].Recommendation
	if none.How != "undecided" || !strings.Contains(none.Why, "take longer than 1ns; the quickest, ") || !strings.Contains(none.Why, "of it the encoders") {
		t.Errorf("got %+v", none)
	}
	runChiasm(t, "", append(args, "--must-work-without", "smell")...).want(t, 2, "there is no such column")
	runChiasm(t, "", append(args, "--methods", "majority")...).want(t, 2, "want some of late")
	runChiasm(t, "", append(args, "--features", "pixels")...).want(t, 2, "want vectors, tokens, or vectors,tokens")
}

// Labels that nothing tells are said to be so.
func TestFuseCannotTell(t *testing.T) {
	if testing.Short() {
		t.Skip("it teaches")
	}
	r := rand.New(rand.NewPCG(8, 8))
	path := shapesTable(t, "t.csv", func(i int, p, s, l string) string {
		head := ""
		if i == 0 {
			head = "p,label\n"
		}
		return head + p + "," + []string{"yes", "no"}[r.IntN(2)]
	})
	out := runChiasm(t, "", "fuse", "advise", path, "-q", "--methods", "late,concat", "--steps", "20", "--draws", "100", "--cache", "off", "--json").want(t, 0)
	if got := objects[decision.Advice](t, out)[0].Recommendation; got.How != "undecided" || got.Method != "" || !strings.Contains(got.Why, "cannot tell") {
		t.Errorf("got %+v", got)
	}
}
