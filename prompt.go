package chiasm

import "context"

// takesPrompts is a family that was trained on texts behind prompts.
type takesPrompts interface {
	// Prompts are what is put before texts, by name, and the one that is used when none is asked for, "" for none.
	Prompts() (byName map[string]string, standard string)
}

// Prompts are what the model's files put before texts of a kind (a query, a document …), by the name of the kind: nil for most models.
// The map must not be changed.
func (m *Model) Prompts() map[string]string {
	if t, ok := m.reader().text.(takesPrompts); ok {
		prompts, _ := t.Prompts()
		return prompts
	}
	return nil
}

// DefaultPrompt is what [Model.EmbedTexts] puts before texts, "" for nothing.
func (m *Model) DefaultPrompt() (standard string) {
	if t, ok := m.reader().text.(takesPrompts); ok {
		_, standard = t.Prompts()
	}
	return standard
}

// EmbedQueries is the embeddings of what is searched for: texts behind the prompt that the model's files call query, or behind none. It
// is sentence-transformers' encode_query.
func (m *Model) EmbedQueries(ctx context.Context, texts []string) ([]Embedding, error) {
	return m.EmbedPrompted(ctx, m.Prompts()["query"], texts)
}

// EmbedDocuments is the embeddings of what is found: texts behind the first prompt that the model's files call document, passage or
// corpus, or behind none. It is sentence-transformers' encode_document, as that is documented.
func (m *Model) EmbedDocuments(ctx context.Context, texts []string) ([]Embedding, error) {
	for _, name := range []string{"document", "passage", "corpus"} {
		if prompt, ok := m.Prompts()[name]; ok {
			return m.EmbedPrompted(ctx, prompt, texts)
		}
	}
	return m.EmbedPrompted(ctx, "", texts)
}

// EmbedPrompted is [Model.EmbedTexts] behind a prompt, in place of the model's default one; "" for none. Some models want a prompt that
// their files do not name: their cards say so.
func (m *Model) EmbedPrompted(ctx context.Context, prompt string, texts []string) ([]Embedding, error) {
	r := m.reader()
	if r.text == nil {
		return nil, m.lacks("embed texts")
	}
	out, err := r.read(ctx, prompt, texts)
	for i := range out {
		out[i].Space = m.space
	}
	return out, err
}

// TokenizePrompted is [Model.Tokenize] behind a prompt, in place of the model's default one.
func (m *Model) TokenizePrompted(prompt, text string) Tokens {
	reader := m.reader().text
	if reader == nil {
		return Tokens{}
	}
	e := reader.Encode(prompt + text)
	_, truncated := reader.Fit(append([]int32(nil), e.IDs...))
	return Tokens{IDs: e.IDs, Pieces: e.Tokens, Truncated: truncated}
}
