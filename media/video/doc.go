// Package video takes frames out of videos: which ones a model looks at, and, by the programs ffmpeg and ffprobe, their pictures.
package video
