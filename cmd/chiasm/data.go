package main

import (
	"github.com/spf13/pflag"

	"github.com/chiasm/chiasm/dataset"
)

// dataFlags adds the flags that say how a data set is read.
func dataFlags(flags *pflag.FlagSet) *dataset.Options {
	o := &dataset.Options{}
	flags.StringVar((*string)(&o.Format), "format", "", "of the data: csv, jsonl, webdataset, benchmark, folder, classes or parquet (default: by the name)")
	flags.StringVar(&o.Split, "split", "", "the part of the data to take, as test (default: all, of a benchmark test)")
	for _, f := range []struct {
		to         *string
		name, what string
	}{
		{&o.ImageKey, "image-key", "pictures"}, {&o.CaptionKey, "caption-key", "captions"}, {&o.SoundKey, "sound-key", "sounds"},
		{&o.LabelKey, "label-key", "classes"}, {&o.KeyKey, "key-key", "the names of items"}, {&o.GroupKey, "group-key", "what belongs in one split"},
	} {
		flags.StringVar(f.to, f.name, "", "column with "+f.what+" (default: the usual names)")
	}
	flags.StringVar(&o.Separator, "separator", "", "between the columns of a table of text (default: what its first line has most of)")
	flags.StringVar(&o.Language, "language", "", "of texts that name none, as en")
	return o
}
