package token

import "strings"

// CleanText is what open_clip does to a text before it hands it to a tokenizer of transformers: the cleaning of [CLIP] but for lower
// case. (Source: open_clip, HFTokenizer with clean="whitespace".)
func CleanText(text string) string {
	if clipPlain([]byte(text)) {
		return strings.Join(strings.Fields(text), " ")
	}
	s := make([]placed, 0, len(text))
	for _, r := range text {
		s = append(s, placed{r: r})
	}
	var b strings.Builder
	for _, p := range collapse(unescapeHTML(unescapeHTML(fixText(s)))) {
		b.WriteRune(p.r)
	}
	return b.String()
}
