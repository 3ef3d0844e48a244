// Package decode reads bytes that nobody vouches for. A [Reader] remembers its first error: a parser reads many fields and asks once. It
// never reads beyond its input and never allocates more than its input holds.
package decode
