// Package siglip is SigLIP (Zhai et al. 2023) and SigLIP 2 (Tschannen et al. 2025), at fixed resolution and as NaFlex, which sees
// pictures in their own proportions: two towers trained so that the sigmoid of scale·cosine + bias says whether a text and a picture belong
// together. Texts are padded to the tower's length and nothing is masked, since that is how the models were trained.
package siglip
