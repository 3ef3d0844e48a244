// Package efficientnet is EfficientNet-Lite (Tan & Le 2019; the Lite variants leave out squeeze-and-excitation and clip at 6), a small
// convolutional image tower that classifies, or serves as the image side of a joint space.
//
// A tower has a batch norm behind each convolution and can be trained as it is. [Tower.Fold] puts the norms into the convolutions, which
// makes inference faster and ends training.
package efficientnet
