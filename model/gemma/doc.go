// Package gemma holds towers of the Gemma 4 family: the text encoder of EmbeddingGemma 2, whose tokens all see one another, and Gemma 4's
// vision and sound towers, which turn pictures and sounds into tokens for it. They follow transformers' embedding_gemma2 and gemma4.
package gemma
