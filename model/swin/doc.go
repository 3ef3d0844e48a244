// Package swin is the Swin transformer (Liu et al. 2021): a grid of tokens that see one another within windows, every other block within
// windows that straddle those of the block before, and that are merged four to one between stages. Towers for sound and pictures are
// built on it.
package swin
