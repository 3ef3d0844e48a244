// Package library is a collection of pictures, sounds and videos that is searched by what is in them.
//
// A [Library] is a folder: a catalogue of files in SQLite, and for each space of vectors an [index.Index]. [Library.Index] brings it up to
// date with the folders that it covers, [Library.Search] finds files by words, pictures and sounds, and moments in sounds and videos.
// What Index reported as done survives a crash at any moment: vectors are on disk before the catalogue names them.
//
// A library may hold vectors of several models. Search answers from one space until another one is complete: see [Library.Current].
package library
