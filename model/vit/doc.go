// Package vit is the vision transformer (Dosovitskiy et al. 2021) as image towers of joint spaces use it: CLIP's own, and timm's.
package vit
