// Package par forks the chunks of a task over the cores and joins them again.
//
// A pool of persistent workers serves the whole process. A worker that has nothing to do looks for work for some microseconds, then
// sleeps. The caller takes chunks too and waits only for chunks that a worker has begun, so that a stolen core costs its share and
// no more. Any number of callers may fork at once, and a chunk may fork in its turn. A fork allocates nothing.
package par
