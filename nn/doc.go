// Package nn holds the layers that models are built of, and the one walk over a model's parameters.
//
// A layer is a plain struct of parameters and layers with a Forward. The weight tag of a field is its key in the checkpoint; keys of
// nested layers are joined with dots. A nil layer or parameter is absent.
package nn
