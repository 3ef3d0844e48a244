// Package clip is CLIP (Radford et al. 2021): a text tower and an image tower into one space. It reads the layouts of transformers,
// open_clip (its own vision transformer and timm's) and OpenAI's original files.
package clip
