// Package metric measures what models answer: how far down the right answer stands among all, how well scores tell right from wrong, how
// far probabilities can be believed, and how sure any such figure is. It knows numbers only, neither models nor data.
//
// Ties are never in the model's favour: where scores are equal the wrong answers come first, so that a model that gives every pair the
// same score finds nothing. Where a figure has one definition that does otherwise (the area under a curve), it is said there.
package metric
