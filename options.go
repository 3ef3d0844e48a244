package chiasm

import (
	"fmt"

	"github.com/chiasm/chiasm/hub"
)

// Options of [Open]. The zero value, or nil, is the default of each.
type Options struct {
	Precision string          // of the computation: "" or "auto" for the fastest that is accurate, or "f32"; today both are f32
	Workers   int             // threads to compute with; 0 for as many as the process may use
	Offline   bool            // never use the network, as HF_HUB_OFFLINE=1 does
	Progress  func(hub.Event) // told of files as they are downloaded
	Truncate  Truncate        // what to do with texts that are too long
}

// Truncate says what becomes of a text with more tokens than the model reads.
type Truncate string

// The ways to deal with long texts.
const (
	TruncateEnd   Truncate = ""      // cut it, keeping the end token, as the reference does when told to truncate
	TruncateError Truncate = "error" // refuse it
)

func (o *Options) validate() error {
	switch o.Precision {
	case "", "auto", "f32":
	default:
		return fmt.Errorf("chiasm: precision %q is not available, want auto or f32", o.Precision)
	}
	switch o.Truncate {
	case TruncateEnd, TruncateError:
		return nil
	}
	return fmt.Errorf("chiasm: truncate %q, want nothing or %q", o.Truncate, TruncateError)
}
