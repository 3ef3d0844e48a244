// Package study teaches models and examines them: from a data set to figures with their intervals, and from a recipe to a model in a
// folder, with its curves, its card and a page that reports how it came about.
package study
