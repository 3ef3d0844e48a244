// Package fusion makes one decision of several modalities: a picture and its sound, a text and a photo. It knows no files and no encoders, only
// features that these have made: one vector of each modality, or tokens. Any of them may be missing.
//
// A [Model] of a [Config] is early fusion (features side by side, or one transformer over all tokens), late fusion (an expert for each modality,
// joined by a [Rule]), or interactive fusion, in which modalities see each other on the way: [LMF], [GMU], [MBT], [CoAttention],
// [MulT]. [Training.Fit] teaches it, [Model.Predict] answers with any set of modalities, [Model.Decide] answers as they arrive,
// [Measure] says how good the answers are. An [Advisor] tries the candidates on the same data and says which one to use, and why.
package fusion
