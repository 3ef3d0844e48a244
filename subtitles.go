package chiasm

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Transcript is what is said in a sound.
type Transcript struct {
	Input       string  // the file's name, if it has one
	Language    string  // of the sound, a code as "en"; empty if it was found for each window by itself, or nothing is said
	Probability float64 // of that language, 1 if it was given
	Duration    float64 // seconds of the sound
	Segments    []Segment
}

// Text is all that is said.
func (t *Transcript) Text() string {
	var b strings.Builder
	for _, s := range t.Segments {
		b.WriteString(s.Text)
	}
	return strings.TrimSpace(b.String())
}

// Subtitles say how subtitles are laid out. Without times of words every segment is a subtitle, and nothing here has a meaning. The rules are
// those of openai/whisper's writers.
type Subtitles struct {
	LineWidth int  // characters of a line at most, 0 for any number
	Lines     int  // of a subtitle at most, 0 for any number; with LineWidth, subtitles may reach over segments
	LineWords int  // words of a subtitle at most, 0 for any number; without LineWidth
	Highlight bool // underline each word while it is spoken
}

// Formats are what transcripts are written as.
func Formats() []string { return []string{"txt", "vtt", "srt", "tsv", "json"} }

// Write writes the transcript to w in one of the [Formats], in the form of openai/whisper's writers: txt has a line for each segment, vtt and
// srt are subtitles, laid out as s says if it is not nil, tsv gives milliseconds and text, json everything. Any other format panics.
func (t *Transcript) Write(w io.Writer, format string, s *Subtitles) error {
	if s == nil {
		s = &Subtitles{}
	}
	out := bufio.NewWriter(w)
	switch format {
	case "txt":
		for _, s := range t.Segments {
			fmt.Fprintln(out, strings.TrimSpace(s.Text))
		}
	case "vtt":
		fmt.Fprint(out, "WEBVTT\n\n")
		s.each(t.Segments, func(c subtitle) {
			fmt.Fprintf(out, "%s --> %s\n%s\n\n", clock(c.start, false, "."), clock(c.end, false, "."), c.text)
		})
	case "srt":
		n := 0
		s.each(t.Segments, func(c subtitle) {
			n++
			fmt.Fprintf(out, "%d\n%s --> %s\n%s\n\n", n, clock(c.start, true, ","), clock(c.end, true, ","), c.text)
		})
	case "tsv":
		fmt.Fprint(out, "start\tend\ttext\n")
		for _, s := range t.Segments {
			fmt.Fprintf(out, "%d\t%d\t%s\n", milliseconds(s.Start), milliseconds(s.End), strings.ReplaceAll(strings.TrimSpace(s.Text), "\t", " "))
		}
	case "json":
		e := json.NewEncoder(out)
		e.SetEscapeHTML(false)
		if err := e.Encode(t.wire()); err != nil {
			return err
		}
	default:
		panic(fmt.Sprintf("chiasm: transcripts are written as %s, not as %q", strings.Join(Formats(), ", "), format))
	}
	return out.Flush()
}

// milliseconds rounds as the reference does.
func milliseconds(seconds float64) int64 { return int64(math.RoundToEven(seconds * 1000)) }

// clock is a time as subtitles have it, with hours where there are some, or always.
func clock(seconds float64, hours bool, point string) string {
	ms := max(milliseconds(seconds), 0)
	s := fmt.Sprintf("%02d:%02d%s%03d", ms/60_000%60, ms/1000%60, point, ms%1000)
	if h := ms / 3_600_000; hours || h > 0 {
		return fmt.Sprintf("%02d:%s", h, s)
	}
	return s
}

// A subtitle is a text on the screen.
type subtitle struct {
	start, end float64
	text       string
}

func (s *Subtitles) each(segments []Segment, show func(subtitle)) {
	if len(segments) == 0 || len(segments[0].Words) == 0 {
		for _, g := range segments {
			show(subtitle{g.Start, g.End, strings.ReplaceAll(strings.TrimSpace(g.Text), "-->", "->")})
		}
		return
	}
	l := layout{Subtitles: *s, keep: s.Lines <= 0 || s.LineWidth <= 0, last: segments[0].Words[0].Start, lines: 1}
	if l.LineWidth <= 0 {
		l.LineWidth = 1000 // as the reference has it
	}
	if l.LineWords <= 0 {
		l.LineWords = 1000
	}
	for _, g := range segments {
		for i, w := range g.Words {
			if l.add(w, i%l.LineWords == 0) {
				l.show(show)
			}
			l.words = append(l.words, l.next)
		}
	}
	l.show(show)
}

// A layout breaks words into lines and subtitles.
type layout struct {
	Subtitles
	keep  bool    // subtitles do not reach over segments
	words []Word  // of the subtitle, with the breaks between its lines
	next  Word    // which follows them
	width int     // of the line
	lines int     // of the subtitle
	last  float64 // where the word before began
}

const longPause = 3 // seconds without a word end a line

// add makes w, the first of its segment or part of one or not, the next word, and says whether it begins a new subtitle.
func (l *layout) add(w Word, first bool) (ends bool) {
	pause := !l.keep && w.Start-l.last > longPause
	breaks := first && len(l.words) > 0 && l.keep
	l.last = w.Start
	if n := utf8.RuneCountInString(w.Text); l.width > 0 && l.width+n <= l.LineWidth && !pause && !breaks {
		l.width += n
		l.next = w
		return false
	}
	w.Text = strings.TrimSpace(w.Text)
	width := utf8.RuneCountInString(w.Text)
	switch {
	case breaks, len(l.words) > 0 && l.Lines > 0 && (pause || l.lines >= l.Lines):
		ends = true
	case l.width > 0:
		l.lines++
		w.Text = "\n" + w.Text
	}
	l.width, l.next = width, w
	return ends
}

// show gives the subtitle to show, or one for each word if that shall be underlined, and begins another.
func (l *layout) show(show func(subtitle)) {
	if len(l.words) == 0 {
		return
	}
	words := make([]string, len(l.words))
	for i, w := range l.words {
		words[i] = w.Text
	}
	text, start, end := strings.Join(words, ""), l.words[0].Start, l.words[len(l.words)-1].End
	if !l.Highlight {
		show(subtitle{start, end, text})
	} else {
		last := start
		for i, w := range l.words {
			if milliseconds(last) != milliseconds(w.Start) {
				show(subtitle{last, w.Start, text})
			}
			plain := words[i]
			bare := strings.TrimLeftFunc(plain, unicode.IsSpace)
			words[i] = plain[:len(plain)-len(bare)] + "<u>" + bare + "</u>"
			show(subtitle{w.Start, w.End, strings.Join(words, "")})
			words[i] = plain
			last = w.End
		}
	}
	l.words, l.lines = l.words[:0], 1
}

// MarshalJSON is the transcript under the names that openai/whisper gives things, with the probability of the language and the duration
// besides.
func (t *Transcript) MarshalJSON() ([]byte, error) { return json.Marshal(t.wire()) }

type (
	wireTranscript struct {
		Input       string        `json:"input,omitempty"`
		Text        string        `json:"text"`
		Language    string        `json:"language"`
		Probability float64       `json:"language_probability"`
		Duration    float64       `json:"duration"`
		Segments    []wireSegment `json:"segments"`
	}
	wireSegment struct {
		ID               int        `json:"id"`
		Start            float64    `json:"start"`
		End              float64    `json:"end"`
		Text             string     `json:"text"`
		Tokens           []int32    `json:"tokens"`
		Temperature      float64    `json:"temperature"`
		AvgLogProb       float64    `json:"avg_logprob"`
		CompressionRatio float64    `json:"compression_ratio"`
		NoSpeechProb     float64    `json:"no_speech_prob"`
		Words            []wireWord `json:"words,omitempty"`
	}
	wireWord struct {
		Word        string  `json:"word"`
		Start       float64 `json:"start"`
		End         float64 `json:"end"`
		Probability float64 `json:"probability"`
	}
)

func (t *Transcript) wire() wireTranscript {
	out := wireTranscript{t.Input, t.Text(), t.Language, t.Probability, thousandths(t.Duration), make([]wireSegment, len(t.Segments))}
	for i, s := range t.Segments {
		g := wireSegment{
			i, thousandths(s.Start), thousandths(s.End), s.Text, append([]int32{}, s.IDs...), thousandths(float64(s.Temperature)),
			s.AvgLogProb, s.CompressionRatio, s.NoSpeechProb, nil,
		}
		for _, w := range s.Words {
			g.Words = append(g.Words, wireWord{w.Text, thousandths(w.Start), thousandths(w.End), w.Probability})
		}
		out.Segments[i] = g
	}
	return out
}

// thousandths is x rounded to those.
func thousandths(x float64) float64 { return math.Round(x*1000) / 1000 }
