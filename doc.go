// Package chiasm puts text, pictures and sounds into one space, so that they can be compared: how similar is this text to this image?
//
// [Open] loads a model from a folder, from the Hugging Face cache or from the hub; a [Model] embeds, compares and classifies.
// It runs the published checkpoints, equal to the reference implementation, in pure Go on an ordinary machine.
package chiasm
