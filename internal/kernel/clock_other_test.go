//go:build !linux

package kernel

import "time"

var begin = time.Now()

// threadTime is the time of the wall where there is nothing better.
func threadTime() time.Duration { return time.Since(begin) }
