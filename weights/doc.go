// Package weights reads and writes the files that checkpoints are published in: safetensors, whole or in shards, and torch's .bin and .pt
// in both of their formats. Files are mapped into memory; values are views of them wherever the format allows.
//
// Files are hostile: every offset, size and name is checked before it is used, nothing is allocated beyond a small multiple of what the
// file really holds, and torch's pickles are read by an interpreter that knows tensors and plain containers and can never run anything.
package weights
