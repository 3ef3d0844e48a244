// Package server answers for models over HTTP: embeddings, ranking, classification and transcripts in the shapes that clients of OpenAI's
// service speak, with an OpenAPI 3.1 document that is made from the same code.
//
// A [Server] opens its models when they are first asked for and closes them when nobody has asked for a while. Inputs of several requests
// that wait for one model go through it together; a request that finds it idle is answered at once. Everything that a stranger can make large
// is bounded by [Limits].
//
//	s, err := server.New(server.Options{Models: []server.Source{{Name: "clip", Open: open}}})
//	…
//	listener, err := net.Listen("tcp", "127.0.0.1:7878")
//	…
//	err = s.Serve(ctx, listener) // until ctx ends
//
// On a loopback address it asks for no token, but answers only to requests that name a loopback host, so that a page of another site cannot
// reach it through a name that it controls. On any other address [Options.Token] is needed.
package server
