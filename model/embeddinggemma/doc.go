// Package embeddinggemma is EmbeddingGemma 2: text, pictures, sounds, videos and any sequence of them in one space. What is not text
// becomes tokens among those of the text, and the mean over all tokens is the vector.
package embeddinggemma
