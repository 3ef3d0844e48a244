// Package mini is the model that ships inside chiasm: texts in many languages, pictures and sounds in one space of 256 dimensions. Its
// weights are part of the program, so that nothing has to be downloaded.
//
// A picture goes through EfficientNet-Lite0 and its layer for ImageNet's classes; the vectors of the likeliest classes' names, mixed, are the
// picture's vector (ConSE, Norouzi et al. 2014), to which a head adds what it learnt from drawings.
// A text is a bag of pieces, which learnt from multilingual-e5-small. docs/mini.md tells how it was trained, what it can do, and what it cannot.
package mini
