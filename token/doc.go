// Package token turns text into the ids that a language model reads, and back.
//
// It reads Hugging Face's tokenizer.json in full: normalizers, pre-tokenizers, the models BPE, WordPiece, Unigram and
// WordLevel, post-processors, decoders, added tokens, truncation and padding. Where a model's folder has none it reads
// vocab.json with merges.txt, or vocab.txt (OpenFolder). CLIP is built in, with open_clip's cleaning of the text.
//
// The reference is the Python package tokenizers 0.23; ids, written forms and offsets equal its own, which golden
// files check on hundreds of strings a family. Offsets count bytes of the text as it was given.
//
// A Tokenizer never changes once it is built and serves any number of goroutines. AppendIDs is the fast way to ids;
// Encode also tells tokens, offsets and masks.
package token
