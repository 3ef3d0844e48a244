package metric_test

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/chiasm/chiasm/metric"
)

type direction struct {
	R1, R5, R10, Median, Mean, MRR, MAP float64
	Ranks                               []int
}

type golden struct {
	D                        int
	Texts, Images            []float32
	Owner                    []int32
	Directions               map[string]direction
	Scores                   []float64
	Truth                    []bool
	AUC, AP                  float64
	Threshold                float64
	Precision, Recall        float64
	Confidence               []float64
	Right                    []bool
	Calibration, Percentiles map[string]float64
	Classes, Answers         []int32
	Balanced                 float64
	Fits                     []float32
	Members                  [][]int32
	MAP                      float64
	Values                   []float64
}

func load(t *testing.T) *golden {
	data, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	g := &golden{}
	if err := json.Unmarshal(data, g); err != nil {
		t.Fatal(err)
	}
	return g
}

func equal(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-12) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// Both directions of a retrieval with several captions per picture are CLIP_benchmark's, from vectors and from a matrix.
func TestRetrieval(t *testing.T) {
	g := load(t)
	pictures := len(g.Images) / g.D
	captions := make([][]int32, pictures)
	for i, o := range g.Owner {
		captions[o] = append(captions[o], int32(i))
	}
	for _, workers := range []int{1, 2} {
		for name, s := range map[string]metric.Scores{
			"text":  metric.Dots(g.Texts, g.Images, g.D, workers),
			"image": metric.Dots(g.Images, g.Texts, g.D, workers),
		} {
			relevant := captions
			if name == "text" {
				relevant = metric.One(g.Owner)
			}
			want := g.Directions[name]
			ranks := metric.Ranks(s, relevant)
			if !slices.Equal(ranks, want.Ranks) {
				t.Errorf("%s: ranks %v, want %v", name, ranks, want.Ranks)
			}
			r := metric.Summarize(ranks)
			equal(t, name+" R@1", r.R1, want.R1)
			equal(t, name+" R@5", r.R5, want.R5)
			equal(t, name+" R@10", r.R10, want.R10)
			equal(t, name+" median", r.Median, want.Median)
			equal(t, name+" mean", r.Mean, want.Mean)
			equal(t, name+" MRR", r.MRR, want.MRR)
			equal(t, name+" mAP", metric.MeanAveragePrecision(s, relevant), want.MAP)
			whole := make([]float32, s.Queries*s.Items)
			s.Rows(0, s.Queries, whole)
			if got := metric.Ranks(metric.Matrix(whole, s.Queries, s.Items), relevant); !slices.Equal(got, ranks) {
				t.Errorf("%s: of the matrix %v, want %v", name, got, ranks)
			}
		}
	}
}

func TestGolden(t *testing.T) {
	g := load(t)
	equal(t, "the area under the curve", metric.ROCAUC(g.Scores, g.Truth), g.AUC)
	equal(t, "average precision", metric.AveragePrecision(g.Scores, g.Truth), g.AP)
	p, r := metric.PrecisionAt(g.Scores, g.Truth, g.Threshold)
	equal(t, "precision", p, g.Precision)
	equal(t, "recall", r, g.Recall)
	for bins, want := range g.Calibration {
		n, _ := strconv.Atoi(bins)
		equal(t, "calibration of "+bins, metric.CalibrationError(g.Confidence, g.Right, n), want)
	}
	right := make([]bool, len(g.Classes))
	for i, c := range g.Classes {
		right[i] = c == g.Answers[i]
	}
	equal(t, "accuracy per class", metric.MeanPerClass(right, g.Classes), g.Balanced)
	equal(t, "mean average precision", metric.MeanAveragePrecision(metric.Matrix(g.Fits, 7, 40), g.Members), g.MAP)
	for share, want := range g.Percentiles {
		q, _ := strconv.ParseFloat(share, 64)
		equal(t, "percentile "+share, metric.Percentile(g.Values, q), want)
	}
}
