// Package bert is the encoder of BERT (Devlin et al. 2018) and its kin: RoBERTa, XLM-RoBERTa and DistilBERT differ in the names of their
// weights, in where positions begin and in whether tokens have types. Joint spaces and sentence encoders are built on it.
package bert
