// The program subtitles writes subtitles of a sound or video to standard output.
//
//	go run ./examples/subtitles openai/whisper-base talk.mp3 > talk.srt
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/chiasm/chiasm"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("want a model and a sound")
	}
	ctx := context.Background()
	model, err := chiasm.Open(ctx, os.Args[1], nil)
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	opts := chiasm.TranscribeDefaults()
	opts.Words = true
	opts.Progress = func(p chiasm.Progress) { fmt.Fprintf(os.Stderr, "%s %.0f s\r", p.Language, p.Done) }
	transcript, err := model.TranscribeFile(ctx, os.Args[2], &opts)
	if err != nil {
		log.Fatal(err)
	}
	if err := transcript.Write(os.Stdout, "srt", &chiasm.Subtitles{LineWidth: 42, Lines: 2}); err != nil {
		log.Fatal(err)
	}
}
