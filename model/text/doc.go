// Package text is the text tower that CLIP and SigLIP share: a pre-norm transformer over token and position embeddings, whose vector
// of one token stands for the text.
package text
