// Package sentence runs sentence encoders in the layout of sentence-transformers (Reimers and Gurevych 2019): an encoder, a way to pool
// its tokens, and perhaps dense layers and a normalisation, as modules.json lists them.
package sentence
