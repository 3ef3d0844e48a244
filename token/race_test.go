//go:build race

package token

const raceEnabled = true // sync.Pool then drops at random
