package dataset

import (
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/language"
)

// A role is what a field of a record means.
type role uint8

const (
	asExtra role = iota
	asImage
	asSound
	asVideo
	asFile // a medium of which the ending tells the kind
	asText
	asLabel
	asKey
	asGroup
	asSplit
	asLanguage
)

// usual are the names by which fields are known where no options name them.
var usual = map[string]role{
	"image": asImage, "image_path": asImage, "img": asImage, "picture": asImage, "photo": asImage,
	"audio": asSound, "audio_path": asSound, "sound": asSound, "sound_path": asSound, "wav": asSound,
	"video": asVideo, "video_path": asVideo,
	"filepath": asFile, "file_path": asFile, "file_name": asFile, "filename": asFile, "file": asFile, "path": asFile,
	"title": asText, "caption": asText, "captions": asText, "text": asText, "texts": asText, "sentence": asText, "sentences": asText,
	"transcript": asText, "transcription": asText,
	"label": asLabel, "labels": asLabel, "cls": asLabel, "class": asLabel, "class_name": asLabel, "category": asLabel,
	"key": asKey, "__key__": asKey, "id": asKey, "uid": asKey,
	"group": asGroup, "group_id": asGroup,
	"split": asSplit, "language": asLanguage, "lang": asLanguage,
}

// fields knows what the fields of records mean.
type fields struct {
	roles    map[string]role // names that options give
	named    [asLanguage + 1]bool
	base     string // folder that relative paths begin at
	beside   bool   // the media lie beside the records, which name none
	language string // of texts that name none
	raw      bool   // fields mean nothing
}

// newFields makes the meaning of fields in records of the file at path.
func newFields(o *Options, path string) *fields {
	f := &fields{roles: map[string]role{}, base: filepath.Dir(path), language: o.Language, raw: o.Raw}
	for _, given := range []struct {
		names string
		role  role
	}{{o.ImageKey, asImage}, {o.CaptionKey, asText}, {o.SoundKey, asSound}, {o.VideoKey, asVideo}, {o.LabelKey, asLabel},
		{o.KeyKey, asKey}, {o.GroupKey, asGroup}} {
		for _, name := range strings.Split(given.names, ",") {
			if name = strings.TrimSpace(name); name != "" {
				f.roles[name], f.named[given.role] = given.role, true
			}
		}
	}
	return f
}

// region is what may follow a language: a script, a country in either case, a number of a region.
var region = regexp.MustCompile(`^(?:[A-Z][a-z]{3}|[A-Za-z]{2}|[a-z]{4}|[0-9]{3})$`)

// isTag reports whether the ending of a column's name says a language: zh, zh-hans, pt_BR, yue. Of three letters few count, since
// text_len and caption_url are no languages; nor does id, which is more often a number than Indonesian.
func isTag(s string) bool {
	base, rest, cut := strings.Cut(strings.ReplaceAll(s, "_", "-"), "-")
	if cut && !region.MatchString(rest) {
		return false
	}
	if base == "yue" || base == "cmn" || base == "fil" {
		return true
	}
	_, err := language.ParseBase(base)
	return err == nil && len(base) == 2 && base != "id" && base == lower(base)
}

// role is what a field means, and its language if it is a text. Texts may be numbered, as caption_0 and caption1.
func (f *fields) role(name string) (role, string) {
	if f.raw {
		return asExtra, ""
	}
	if r := f.known(name); r != asExtra {
		return r, ""
	}
	for at := range len(name) { // the longest tag: caption_pt_BR is Portuguese of Brazil, not of caption_pt
		if c := name[at]; (c == '_' || c == '-' || c == '.') && isTag(name[at+1:]) && f.known(name[:at]) == asText {
			return asText, strings.ReplaceAll(name[at+1:], "_", "-")
		}
	}
	if base := strings.TrimRight(name, "0123456789"); base != name && f.known(strings.TrimRight(base, "_-")) == asText {
		return asText, ""
	}
	return asExtra, ""
}

// known is the role of a name as it stands.
func (f *fields) known(name string) role {
	if r, ok := f.roles[name]; ok {
		return r
	}
	r := usual[lower(name)]
	if r == asFile && (f.named[asImage] || f.named[asSound] || f.named[asVideo]) || f.named[r] {
		return asExtra
	}
	return r
}

// put gives an item a field. Values are strings, numbers, bools, bytes, lists and objects as encoding/json makes them.
func (f *fields) put(it *Item, name string, value any) error {
	if value == nil || value == "" {
		return nil
	}
	r, spoken := f.role(name)
	if f.beside && (r == asImage || r == asSound || r == asVideo || r == asFile) {
		r = asExtra
	}
	var err error
	switch r {
	case asImage:
		err = f.media(it, picture, value)
	case asSound:
		err = f.media(it, sound, value)
	case asVideo:
		err = f.media(it, video, value)
	case asFile:
		k := picture
		if s, ok := value.(string); ok && kinds[extension(s)] != unknown {
			k = kinds[extension(s)]
		}
		if k > video {
			return f.extra(it, name, value)
		}
		err = f.media(it, k, value)
	case asText:
		err = it.text(spoken, value)
	case asLabel:
		err = it.label(value)
	case asKey, asGroup, asSplit, asLanguage:
		s, ok := scalar(value)
		if !ok {
			err = fmt.Errorf("expected a string, got %T", value)
		}
		switch r {
		case asKey:
			it.Key = s
		case asGroup:
			it.Group = s
		case asSplit:
			it.Split = s
		default:
			f.spoken(it, s)
		}
	default:
		return f.extra(it, name, value)
	}
	if err != nil {
		return fmt.Errorf("field %q: %w", name, err)
	}
	return nil
}

// spokenField keeps the language of a record until all its texts are there.
const spokenField = "\x00language"

func (f *fields) spoken(it *Item, language string) { it.keep(spokenField, language) }

// finish gives texts without a language that of the record, and leaves out what is said twice.
func (f *fields) finish(it *Item) {
	language := f.language
	if s, ok := it.Extra[spokenField]; ok {
		language = s
		delete(it.Extra, spokenField)
	}
	texts := it.Texts[:0]
	for _, t := range it.Texts {
		if t.Language == "" {
			t.Language = language
		}
		if !slices.Contains(texts, t) {
			texts = append(texts, t)
		}
	}
	it.Texts = texts
}

func (it *Item) keep(name, value string) {
	if it.Extra == nil {
		it.Extra = map[string]string{}
	}
	it.Extra[name] = value
}

// extra keeps a field as it is written.
func (f *fields) extra(it *Item, name string, value any) error {
	if s, ok := scalar(value); ok {
		it.keep(name, s)
		return nil
	}
	if _, ok := value.([]byte); ok {
		return nil // bytes of no known meaning
	}
	b, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("field %q: %w", name, err)
	}
	it.keep(name, string(b))
	return nil
}

// media takes a path, bytes, an object of bytes and a path as Hugging Face's datasets writes it, or a list of one of these.
func (f *fields) media(it *Item, k kind, value any) error {
	var m *Media
	switch v := value.(type) {
	case string:
		path, err := f.path(v)
		if err != nil {
			return err
		}
		m = File(path)
	case []byte:
		m = Bytes("bytes", v)
	case map[string]any:
		name, _ := v["path"].(string)
		if b, ok := v["bytes"].([]byte); ok && len(b) > 0 {
			if name == "" {
				name = "bytes"
			}
			m = Bytes(name, b)
			break
		}
		if name == "" {
			return fmt.Errorf("expected bytes or a path, got neither")
		}
		return f.media(it, k, name)
	case []any:
		if len(v) != 1 {
			return fmt.Errorf("expected one, got a list of %d", len(v))
		}
		return f.media(it, k, v[0])
	default:
		return fmt.Errorf("expected a path or bytes, got %T", value)
	}
	if it.attach(k, m) {
		return fmt.Errorf("a second medium of its kind")
	}
	return nil
}

// path resolves a path beside the file that names it.
func (f *fields) path(path string) (string, error) {
	switch {
	case strings.Contains(path, "://"):
		return "", fmt.Errorf("expected a file, got the address %q", path)
	case filepath.IsAbs(path):
		return path, nil
	}
	return filepath.Join(f.base, filepath.FromSlash(path)), nil
}

// text takes one text, several, or texts by language.
func (it *Item) text(language string, value any) error {
	switch v := value.(type) {
	case []any:
		for _, one := range v {
			if err := it.text(language, one); err != nil {
				return err
			}
		}
		return nil
	case map[string]any:
		if text, ok := v["text"]; ok {
			if l, ok := v["language"].(string); ok {
				language = l
			}
			return it.text(language, text)
		}
		for _, l := range sortedKeys(v) {
			if err := it.text(strings.ReplaceAll(l, "_", "-"), v[l]); err != nil {
				return err
			}
		}
		return nil
	case nil:
		return nil
	}
	s, ok := scalar(value)
	if !ok {
		return fmt.Errorf("expected text, got %T", value)
	}
	it.say(language, s)
	return nil
}

// say adds a text unless it is blank.
func (it *Item) say(language, text string) {
	if text = strings.TrimSpace(strings.ToValidUTF8(text, "\uFFFD")); text != "" {
		it.Texts = append(it.Texts, Text{language, text})
	}
}

// label takes a class's number or name, or numbers.
func (it *Item) label(value any) error {
	if list, ok := value.([]any); ok {
		for _, v := range list {
			if err := it.label(v); err != nil {
				return err
			}
		}
		return nil
	}
	s, ok := scalar(value)
	if !ok {
		return fmt.Errorf("expected a class's number or name, got %T", value)
	}
	s = strings.TrimSpace(s)
	if n, err := strconv.ParseInt(s, 10, 32); err == nil {
		if n < 0 {
			return nil // -1 says that the class is not known
		}
		it.Labels = append(it.Labels, int(n))
		return nil
	}
	it.Class = s
	return nil
}

// scalar is a value that is one string, number or bool, as it is written.
func scalar(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return strconv.FormatInt(int64(v), 10), true
		}
		return strconv.FormatFloat(v, 'g', -1, 64), true
	case float32:
		return scalar(float64(v))
	case int32, int64, int, uint32, uint64:
		return fmt.Sprint(v), true
	}
	return "", false
}
