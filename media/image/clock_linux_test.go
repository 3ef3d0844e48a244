package image

import (
	"time"

	"golang.org/x/sys/unix"
)

// processTime is the processor time that this process has had.
func processTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t); err != nil {
		panic(err)
	}
	return time.Duration(t.Nano())
}
