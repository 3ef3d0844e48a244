// Package tunable opens models to change their weights, and writes them back in the layout of the hub: what training by recipes and
// fused models that tune their encoders have in common.
package tunable
