// Package index finds the nearest of many vectors. It knows ids and numbers, nothing of models or files of media.
//
// An [Index] is a folder of append-only segments. What [Index.Add] and [Index.Delete] returned from is on disk: a crash leaves at most a torn
// end, which the next [Open] cuts off. One process writes; any number of goroutines search meanwhile, each in the state of the moment in which it
// began.
//
// [Index.Search] is exact unless a query asks for less: it reads 144 bytes of a vector, codes whose errors are known, then the codes of the rest
// of those that these leave in doubt, and in full only the few that are in doubt even then. So its answer is that of comparing every vector, in a small part of the
// memory traffic. [Index.Compact] sorts vectors that lie near one another side by side, and then a [Query] may be content with most of the nearest.
package index
