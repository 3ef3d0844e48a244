// Package dual is two towers that were not made for each other, led into one space by a linear layer each: EfficientNet-Lite for pictures,
// an encoder of BERT's kind, as sentence models are, for texts. Such a model is put together of two published ones and taught
// (`chiasm train` with model.image and model.text); its folder is of chiasm's own form.
package dual
