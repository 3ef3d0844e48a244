package things

import "strings"

// Stamp reads a stamp's text: a sentence in English, then lines of language.utf8=sentence. A name is the first sentence without its
// article, in English, and full stop.
func Stamp(text string) (names map[string][]string, sentences map[string]string) {
	names, sentences = map[string][]string{}, map[string]string{}
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
			continue
		case len(sentences) == 0:
			sentences["en"] = line
			names["en"] = []string{englishName(line)}
			continue
		}
		key, sentence, ok := strings.Cut(line, "=")
		language, utf := strings.CutSuffix(key, ".utf8")
		tag := Tag(language)
		if !ok || !utf || sentences[tag] != "" || strings.HasPrefix(language, "en_") {
			continue
		}
		sentences[tag] = strings.TrimSpace(sentence)
		if name := firstSentence(sentence); name != "" {
			names[tag] = []string{name}
		}
	}
	return names, sentences
}

// firstSentence is what stands before the first full stop.
func firstSentence(s string) string {
	if i := strings.IndexAny(s, ".。!！;；।"); i > 0 {
		s = s[:i]
	}
	return strings.Trim(strings.TrimSpace(s), "“”\"«»")
}

// englishName is the subject of the first sentence in lower case (names of people and places stay as they are) without an article in front.
func englishName(sentence string) string {
	s := firstSentence(sentence)
	for _, article := range []string{"A ", "An ", "The ", "Some ", "This is a ", "This is an "} {
		if rest, ok := strings.CutPrefix(s, article); ok {
			s = rest
			break
		}
	}
	if s != "" && strings.ToLower(s[1:]) == s[1:] {
		s = strings.ToLower(s)
	}
	for _, verb := range []string{" is ", " are ", " was ", " can ", " stands for ", "—", " – ", " ("} {
		if i := strings.Index(s, verb); i > 2 {
			s = s[:i]
		}
	}
	return s
}

// Tag is a language of a file's name as the manifest writes it.
func Tag(name string) string {
	switch name {
	case "zh_CN":
		return "zh"
	case "zh_TW":
		return "zh-hant"
	}
	language, _, _ := strings.Cut(name, "@")
	return strings.ToLower(strings.ReplaceAll(language, "_", "-"))
}
