// Package dataset reads examples to learn from and to be measured by: pictures, sounds and videos with what they are called, in the
// formats that such data come in, and hands them to a model in a known order.
//
// [Open] gives a [Set]: items by number, with their media not read yet. A broken item is an error of its own, an [*ItemError], that
// names it; the rest are well. [Survey] counts what is there before training begins, [Duplicates] finds the same media in two
// sets, [Partition] splits a set by what its items are of.
//
// A [Plan] says in what order items are seen, and in which batches. All of it follows from a seed and the number of the epoch, so a
// [Place] is all that a checkpoint needs to go on from. A [Loader] reads, decodes and prepares the items ahead on several
// goroutines; the batches are the same in all bits however many there are.
package dataset
