package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/media/audio"
)

type transcribeForm struct {
	File          huma.FormFile `form:"file" required:"true" doc:"A sound or a video."`
	Model         string        `form:"model" required:"false" doc:"One of /v1/models; the first if it is left out."`
	Language      string        `form:"language" required:"false" doc:"What is spoken, a code as fr; found if it is left out. Translations ignore it in OpenAI's API; here it is what is spoken too."`
	Prompt        string        `form:"prompt" required:"false" doc:"Text before the sound, of which names and spelling are taken over."`
	Format        string        `form:"response_format" required:"false" enum:"json,text,srt,vtt,verbose_json" doc:"json if it is left out."`
	Temperature   float32       `form:"temperature" required:"false" minimum:"0" maximum:"1" doc:"0 tries higher ones by itself where the text is doubtful."`
	Granularities []string      `form:"timestamp_granularities[]" required:"false" doc:"word besides segment: the times of words, in verbose_json."`
}

type transcribeInput struct {
	RawBody huma.MultipartFormFiles[transcribeForm]
}

type transcribeOutput struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

// shortTranscript is what response_format json gives.
type shortTranscript struct {
	Text string `json:"text"`
}

// written completes an operation that answers with a transcript.
func (s *Server) written(o huma.Operation) huma.Operation {
	o.Method, o.Tags = http.MethodPost, []string{"Models"}
	o.Errors = noModel
	text := &huma.Schema{Type: "string"}
	verbose := &huma.Schema{Type: "object", Properties: map[string]*huma.Schema{
		"text": text, "task": text, "language": text, "duration": {Type: "number"},
		"segments": {Type: "array", Items: &huma.Schema{Type: "object"}}, "words": {Type: "array", Items: &huma.Schema{Type: "object"}},
	}, Required: []string{"text"}, Description: "json has the text alone, verbose_json all."}
	o.Responses = map[string]*huma.Response{"200": {Description: "The transcript, in the format that was asked for", Content: map[string]*huma.MediaType{
		"application/json": {Schema: verbose}, "text/plain": {Schema: text}, "application/x-subrip": {Schema: text}, "text/vtt": {Schema: text},
	}}}
	return o
}

// transcribe makes the operation that writes down what is said, or its translation.
func (s *Server) transcribe(translate bool) func(context.Context, *transcribeInput) (*transcribeOutput, error) {
	return func(ctx context.Context, in *transcribeInput) (*transcribeOutput, error) {
		form := in.RawBody.Data()
		o := chiasm.TranscribeDefaults()
		o.Translate, o.Language, o.InitialPrompt = translate, form.Language, form.Prompt
		o.Words = slices.Contains(form.Granularities, "word")
		if form.Temperature > 0 {
			o.Temperatures = []float32{form.Temperature}
		}
		m, release, err := s.shelf.take(ctx, form.Model)
		if err != nil {
			return nil, err
		}
		defer release()
		select { // one after the other: each takes all processors
		case m.ear <- struct{}{}:
			defer func() { <-m.ear }()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		t, err := s.listen(ctx, m, form.File, o)
		if err != nil {
			return nil, s.explain(ctx, "file", err)
		}
		return render(t, form.Format, translate)
	}
}

// listen writes down a file that is not too long.
func (s *Server) listen(ctx context.Context, m *loaded, file huma.FormFile, o chiasm.TranscribeOptions) (*chiasm.Transcript, error) {
	sound, err := audio.New(ctx, file)
	if err != nil {
		return nil, err
	}
	defer sound.Close()
	limit := s.limits.Duration.Seconds()
	tooLong := failf(http.StatusRequestEntityTooLarge, "file", "", "the sound is longer than %s", s.limits.Duration)
	if f := sound.Format(); f.Frames > 0 && float64(f.Frames) > limit*float64(f.Rate) {
		return nil, tooLong
	}
	t := &chiasm.Transcript{}
	o.Progress = func(p chiasm.Progress) { t.Language, t.Probability, t.Duration = p.Language, p.Probability, p.Done }
	for segment, err := range m.Transcribe(ctx, sound, &o) {
		switch {
		case errors.Is(err, audio.ErrTruncated):
		case err != nil:
			return nil, err
		case segment.End > limit || t.Duration > limit:
			return nil, tooLong
		default:
			t.Segments = append(t.Segments, segment)
		}
	}
	return t, nil
}

// render writes a transcript in the forms of OpenAI's service.
func render(t *chiasm.Transcript, format string, translated bool) (*transcribeOutput, error) {
	var b bytes.Buffer
	var err error
	out := &transcribeOutput{ContentType: "application/json"}
	switch format {
	case "text":
		out.ContentType = "text/plain; charset=utf-8"
		b.WriteString(strings.TrimSpace(t.Text()) + "\n")
	case "srt":
		out.ContentType = "application/x-subrip; charset=utf-8"
		err = t.Write(&b, "srt", nil)
	case "vtt":
		out.ContentType = "text/vtt; charset=utf-8"
		err = t.Write(&b, "vtt", nil)
	case "verbose_json":
		err = verbose(&b, t, translated)
	default:
		err = json.NewEncoder(&b).Encode(shortTranscript{strings.TrimSpace(t.Text())})
	}
	out.Body = b.Bytes()
	return out, err
}

// verbose is the transcript with its words beside the segments, and the language by its name.
func verbose(b *bytes.Buffer, t *chiasm.Transcript, translated bool) error {
	data, err := t.MarshalJSON()
	if err != nil {
		return err
	}
	var fields map[string]any
	if err := json.Unmarshal(data, &fields); err != nil {
		return err
	}
	fields["task"] = "transcribe"
	if translated {
		fields["task"] = "translate"
	}
	fields["text"] = strings.TrimSpace(t.Text())
	if tag, err := language.Parse(t.Language); err == nil {
		fields["language"] = strings.ToLower(display.English.Languages().Name(tag))
	}
	words := []any{}
	for _, segment := range fields["segments"].([]any) {
		segment := segment.(map[string]any)
		if own, ok := segment["words"].([]any); ok {
			words = append(words, own...)
			delete(segment, "words")
		}
	}
	if len(words) > 0 {
		fields["words"] = words
	}
	return json.NewEncoder(b).Encode(fields)
}

var failureType = reflect.TypeFor[failure]()
