// Package chineseclip is Chinese-CLIP (Yang et al. 2022), as transformers has it: an image tower as CLIP's and BERT as the text tower,
// trained on pictures with Chinese texts.
package chineseclip
