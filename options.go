package chiasm

import (
	"fmt"

	"github.com/chiasm/chiasm/hub"
	"github.com/chiasm/chiasm/tensor"
)

// Options of [Open]. The zero value, or nil, is the default of each.
//
// At f32 results equal the reference's. bf16 halves the memory of the weights, w8 (int8 weights) and int8 (int8 weights and activations)
// quarter it; int8 is also the fastest on most processors. "auto" takes the fastest that this processor has its own instructions for and
// that passes the accuracy gate on this model: see [Model.Measure]. It runs the model on a few pictures and texts the first time, except
// [Shipped], which is known to pass. For a model that only transcribes, and for one of less than a million parameters that keeps nothing (see
// Cache), it is f32.
type Options struct {
	Precision string          // of the computation: "" for f32, "bf16", "w8", "int8", or "auto": see below
	Workers   int             // threads to compute with; 0 for as many as the process may use
	Offline   bool            // never use the network, as HF_HUB_OFFLINE=1 does
	Progress  func(hub.Event) // told of files as they are downloaded, and in a note of what takes long besides
	Truncate  Truncate        // what to do with texts that are too long

	// TextModel is the name of another model that reads the texts, in place of this model's own text tower: one whose vectors were
	// trained into the same space, as sentence-transformers/clip-ViT-B-32-multilingual-v1 beside CLIP ViT-B/32. It is opened as this
	// model is, with the same options.
	TextModel string

	// Dimension is how many values of each vector are kept, scaled to length 1 again; 0 for all. A model that was trained for it allows
	// certain numbers and loses little; what others lose is for the caller to find out.
	Dimension int

	// Cache says where [Model.Close] keeps weights in the form in which they are computed with, and Precision "auto" its choice, so that
	// the next start is faster: "" for a folder .chiasm beside the model, or where that cannot be written one in the user's cache folder;
	// "off" for nowhere; else a folder. What is kept is checked before it is used and made anew when it does not fit. If Cache is empty,
	// the environment variable CHIASM_CACHE says it. Models of less than a million parameters keep nothing unless a folder is named.
	Cache string
}

// Truncate says what becomes of a text with more tokens than the model reads.
type Truncate string

// The ways to deal with long texts.
const (
	TruncateEnd   Truncate = ""      // cut it, keeping the end token, as the reference does when told to truncate
	TruncateError Truncate = "error" // refuse it
)

// format is the number format that Precision names; auto is for the model to choose.
func (o *Options) format() (f tensor.Format, auto bool, err error) {
	switch o.Precision {
	case "":
		return tensor.FormatF32, false, nil
	case "auto":
		return tensor.FormatF32, true, nil
	}
	if f, err = tensor.ParseFormat(o.Precision); err != nil {
		err = fmt.Errorf("chiasm: precision %q is not available, want auto, f32, bf16, w8 or int8", o.Precision)
	}
	return f, false, err
}

func (o *Options) validate() error {
	if _, _, err := o.format(); err != nil {
		return err
	}
	switch o.Truncate {
	case TruncateEnd, TruncateError:
		return nil
	}
	return fmt.Errorf("chiasm: truncate %q, want nothing or %q", o.Truncate, TruncateError)
}
