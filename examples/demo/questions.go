package main

import (
	"fmt"
	"path"
)

// A question is put to the collection, with the file that ought to come first.
type question struct {
	text  string // in the query syntax
	like  string // a picture or a sound of the collection that is not indexed
	gloss string // the text in English, if it is not
	want  string // "" if nothing of that kind is there
}

// asked is the question as people read it.
func (q question) asked() string {
	switch {
	case q.gloss != "":
		return fmt.Sprintf("%s (%s)", q.text, q.gloss)
	case q.like != "":
		return "like " + q.like
	}
	return q.text
}

// sound reports whether the question is one.
func (q question) sound() bool { return path.Ext(q.like) == ".flac" }

var questions = []question{
	{text: "a cup of coffee", want: "pictures/coffee.jpg"},
	{text: "鱼", gloss: "fish", want: "pictures/goldfish.jpg"},
	{text: "a palace", want: "pictures/louvre.jpg"},
	{text: "雪山", gloss: "snowy mountains", want: "pictures/mountains.jpg"},
	{text: "goldfish", want: "pictures/goldfish.jpg"},
	{text: "熊猫", gloss: "panda", want: "pictures/panda.jpg"},
	{like: "questions/palace.jpg", want: "pictures/louvre.jpg"},
	{text: "a crocodile", want: "film.mp4"},
	{text: "画笔", gloss: "paint brushes", want: "film.mp4"},
	{text: "a choir", want: "sounds/choir.flac"},
	{text: "type:audio 咖啡", gloss: "coffee", want: "spoken/coffee.wav"},
	{like: "questions/guitar.flac", want: "sounds/guitar-fifths.flac"},
	{text: "pizza"},
}
