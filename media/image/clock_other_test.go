//go:build !linux

package image

import "time"

var start = time.Now()

// processTime is the time since the start, where processor time is not at hand.
func processTime() time.Duration { return time.Since(start) }
