// Package decision makes decisions about things that are seen, heard, read and counted at once. A [Table] says which things there are, in files and
// texts; a [Training] teaches a model on it, by the encoders of a chiasm.Model and the methods of package fusion, and keeps it in a folder; [Open]
// opens that, and [Model.Decide] answers, whatever of a thing there is. [Advice] measures which way of fusing is the right one for the data.
package decision
