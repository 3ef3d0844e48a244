// Package train teaches models: losses over the vectors of a batch, the optimiser, the course of its rate. It knows no model, only
// tensors and their gradients.
//
// A step runs a model in a recording pass, gives the vectors to a loss, goes back, and lets the optimiser change the parameters:
//
//	pass.Reset(ctx)
//	images := model.EmbedImage(pixels).Normalize(1e-12)
//	…
//	loss, err := contrast.Learn(train.Pairs(images, texts), 1, gradients)
//	pass.Backward()
//	err = optimiser.Step(rate)
package train
