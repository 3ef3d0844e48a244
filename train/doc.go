// Package train teaches models. It knows no model and no files of data, only tensors and their gradients.
//
// A step runs a model in a recording pass and hands the vectors of a [Batch] to an [Objective]: a [Contrast] of any number of modalities, a
// distillation ([Match], [Relate]), classes ([Classify]), or a [Sum] of these. Batches too large for one pass are learnt in [Parts]. [AdamW]
// changes the parameters that have gradients: all, all but frozen ones ([Except]), or low-rank [Adapters] of some. A [Run] makes the steps, at
// the rates of a [Schedule]: it evaluates, averages weights, keeps checkpoints, and resumes to the same bits.
//
// A [Probe] and a [Cache] learn from few labelled examples of features that a model has made.
package train
