//go:build race

package image

const race = true
