// Package bert is the encoder of BERT (Devlin et al. 2018) and its kin: RoBERTa, XLM-RoBERTa, DistilBERT and MPNet (Song et al. 2020)
// differ in the names of their weights, in where positions begin, in whether tokens have types and whether attention feels distances. Joint spaces and sentence encoders are built on it.
package bert
