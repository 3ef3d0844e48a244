package train_test

import (
	"os"
	"os/signal"
	"strconv"
	"syscall"
)

const canLimitFiles = true

// limitFiles makes writing beyond a size fail, as on a disk that is full, if the environment says so.
func limitFiles() {
	n, err := strconv.ParseUint(os.Getenv("TRAIN_TEST_LIMIT"), 10, 64)
	if err != nil {
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: n, Max: n}); err != nil {
		panic(err)
	}
}
