package chiasm

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
)

func TestTranscriptsAreWrittenAsByTheReference(t *testing.T) {
	data, err := os.ReadFile("testdata/subtitles.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Segments []struct {
			Start, End float64
			Text       string
			Words      []struct {
				Word       string
				Start, End float64
			}
		}
		Outputs []struct {
			Format  string
			Options struct {
				LineWidth int  `json:"max_line_width"`
				Lines     int  `json:"max_line_count"`
				LineWords int  `json:"max_words_per_line"`
				Highlight bool `json:"highlight_words"`
			}
			Output string
		}
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		var transcript Transcript
		for _, s := range c.Segments {
			g := Segment{Start: s.Start, End: s.End, Text: s.Text}
			for _, w := range s.Words {
				g.Words = append(g.Words, Word{Text: w.Word, Start: w.Start, End: w.End})
			}
			transcript.Segments = append(transcript.Segments, g)
		}
		for _, o := range c.Outputs {
			var got bytes.Buffer
			if err := transcript.Write(&got, o.Format, (*Subtitles)(&o.Options)); err != nil {
				t.Fatal(err)
			}
			if got.String() != o.Output {
				t.Errorf("transcript %d as %s, %+v:\ngot\n%s\nwant\n%s", i, o.Format, o.Options, got.String(), o.Output)
			}
		}
	}
}

func TestTranscriptAsJSON(t *testing.T) {
	transcript := Transcript{Language: "fr", Probability: 0.5, Duration: 2.0004, Segments: []Segment{
		{Start: 0.1, End: 1.5, Text: " Ça <va>?", IDs: []int32{1, 2}, AvgLogProb: -0.5, NoSpeechProb: 0.25, CompressionRatio: 1.5, Temperature: 0.2,
			Words: []Word{{Start: 0.1, End: 1.5, Text: " Ça", Probability: 0.5}}},
		{Start: 1.5, End: 2, Text: " Oui."},
	}}
	var got bytes.Buffer
	if err := transcript.Write(&got, "json", nil); err != nil {
		t.Fatal(err)
	}
	want := `{"text":"Ça <va>? Oui.","language":"fr","language_probability":0.5,"duration":2,"segments":[` +
		`{"id":0,"start":0.1,"end":1.5,"text":" Ça <va>?","tokens":[1,2],"temperature":0.2,"avg_logprob":-0.5,"compression_ratio":1.5,"no_speech_prob":0.25,` +
		`"words":[{"word":" Ça","start":0.1,"end":1.5,"probability":0.5}]},` +
		`{"id":1,"start":1.5,"end":2,"text":" Oui.","tokens":[],"temperature":0,"avg_logprob":0,"compression_ratio":0,"no_speech_prob":0}]}` + "\n"
	if got.String() != want {
		t.Errorf("got  %swant %s", got.String(), want)
	}
}
