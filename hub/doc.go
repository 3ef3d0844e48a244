// Package hub finds models of the Hugging Face hub in the cache on this machine and downloads them into it.
//
// The cache is the one of Python's huggingface_hub, in its layout, so that both share what either has downloaded:
//
//	models--org--name/blobs/<etag>                   the bytes, each once
//	models--org--name/blobs/<etag>.incomplete        a download that broke off and will be resumed
//	models--org--name/snapshots/<commit>/<file>      a link to a blob (a copy where there are no links)
//	models--org--name/refs/<branch, tag, refs/pr/1>  the commit that it points to
//	.locks/models--org--name/<etag>.lock             held while a blob is downloaded
//
// A download is verified: its size, and its sha256 or git hash, which is the blob's name. [FromEnv] reads the variables that
// huggingface_hub reads. The token goes to the endpoint's own scheme, host and port, and nowhere else.
package hub
