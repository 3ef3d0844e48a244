// Package index finds the nearest of many vectors. It knows ids and numbers, nothing of models or files of media.
//
// An [Index] is a folder of append-only segments. What [Index.Add] and [Index.Delete] returned from is on disk: a crash leaves at most a torn
// end, which the next [Open] cuts off. One process writes; any number of goroutines search meanwhile, each in the state of the moment in which it
// began.
//
// [Index.Search] is exact: it reads one byte a value, of codes whose rounding errors are known, and reads in full only the vectors that those
// errors leave in doubt. So its answer is that of comparing every vector, in the fourth part of the memory traffic.
package index
