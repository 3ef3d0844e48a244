// Package clap is CLAP (Wu et al. 2023, "Large-scale contrastive language-audio pretraining with feature fusion and keyword-to-caption
// augmentation"): a sound tower and a text tower trained so that a sound and a text that fit each other get similar vectors. The sound
// tower is HTSAT (Chen et al. 2022), a Swin transformer over the log-mel spectrogram; the text tower is RoBERTa.
package clap
