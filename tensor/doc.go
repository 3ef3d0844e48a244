// Package tensor holds contiguous row-major arrays and the pass that computes with them.
//
// A parameter (see [Param]) belongs to a model and has no pass: many passes may read it at once. Everything computed has a pass,
// which owns its memory, knows the context and the number of workers, and hands both on to what is computed from it. So a layer's
// Forward needs neither a context nor an error result.
//
// Shapes in comments use one legend: B batch, T tokens, C channels, H heads, N patches, D dimension of the space. Sequences of a batch
// lie behind each other as rows, without padding; [Spans] says where each begins.
package tensor
