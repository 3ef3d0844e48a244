package chiasm_test

import (
	"context"
	"fmt"
	"image"
	"log"
	"os"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/media/audio"
)

// How similar are these texts to this picture?
func Example() {
	ctx := context.Background()
	model, err := chiasm.Open(ctx, "model/clip/testdata/transformers", nil) // or "openai/clip-vit-base-patch32"
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	picture, err := chiasm.OpenImage("model/clip/testdata/pictures/wide.png")
	if err != nil {
		log.Fatal(err)
	}
	vector, err := model.EmbedImage(ctx, picture)
	if err != nil {
		log.Fatal(err)
	}
	for _, text := range []string{"a beautiful sunset", "two dogs playing"} {
		words, err := model.EmbedText(ctx, text)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%-20s %.3f\n", text, vector.Cosine(words))
	}
	// Output:
	// a beautiful sunset   0.091
	// two dogs playing     0.058
}

// What is this sound? CLAP was trained on texts such as "This is a sound of rain."
func ExampleClassifier_ClassifyAudio() {
	ctx := context.Background()
	model, err := chiasm.Open(ctx, "model/clap/testdata/unfused", nil) // or "laion/clap-htsat-unfused"
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	classifier, err := model.Classifier(ctx, []string{"a bell", "rain"}, []string{"This is a sound of {}."})
	if err != nil {
		log.Fatal(err)
	}
	sound, err := model.OpenAudio(ctx, "media/audio/testdata/files/44100.mp3")
	if err != nil {
		log.Fatal(err)
	}
	labels, err := classifier.ClassifyAudio(ctx, []chiasm.Sound{sound}, 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s %.3f\n", labels[0][0].Name, labels[0][0].Prob)
	// Output: rain 0.544
}

func ExampleModel_Similarity() {
	ctx := context.Background()
	model, err := chiasm.Open(ctx, "model/clip/testdata/transformers", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	picture, err := chiasm.OpenImage("model/clip/testdata/pictures/wide.png")
	if err != nil {
		log.Fatal(err)
	}
	scores, err := model.Similarity(ctx, []string{"a photo of a cat", "a photo of a dog"}, []image.Image{picture})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.3f\n", scores.PerImage()[0])
	// Output: [0.158 0.842]
}

func ExampleModel_EmbedQueries() {
	ctx := context.Background()
	m, err := chiasm.Open(ctx, "model/sentence/testdata/xlm-roberta", nil) // a tiny one, of random numbers
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	fmt.Printf("%q\n", m.Prompts())
	queries, err := m.EmbedQueries(ctx, []string{"two dogs"})
	if err != nil {
		log.Fatal(err)
	}
	documents, err := m.EmbedDocuments(ctx, []string{"A cat sits on the mat.", "two dogs"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(queries[0].Cosine(documents[1]) > queries[0].Cosine(documents[0]))
	// Output:
	// map["document":"passage: " "query":"query: "]
	// true
}

func ExampleModel_Transcribe() {
	ctx := context.Background()
	model, err := chiasm.Open(ctx, "openai/whisper-base", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	sound, err := audio.Open(ctx, "talk.mp3")
	if err != nil {
		log.Fatal(err)
	}
	defer sound.Close()
	for s, err := range model.Transcribe(ctx, sound, nil) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%6.2f %s\n", s.Start, s.Text)
	}
}

func ExampleTranscript_Write() {
	transcript := chiasm.Transcript{Segments: []chiasm.Segment{{Start: 0.5, End: 2.25, Text: " Good evening."}, {Start: 3, End: 5, Text: " Here is the news."}}}
	if err := transcript.Write(os.Stdout, "srt", nil); err != nil {
		log.Fatal(err)
	}
	// Output:
	// 1
	// 00:00:00,500 --> 00:00:02,250
	// Good evening.
	//
	// 2
	// 00:00:03,000 --> 00:00:05,000
	// Here is the news.
}

// One vector for what belongs together. (The model here is tiny and random: see docs/models.md for real ones.)
func ExampleModel_EmbedParts() {
	ctx := context.Background()
	model, err := chiasm.Open(ctx, "model/embeddinggemma/testdata", &chiasm.Options{Dimension: 128})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer model.Close()
	picture, err := chiasm.OpenImage("model/embeddinggemma/testdata/picture0.png")
	if err != nil {
		fmt.Println(err)
		return
	}
	vector, err := model.EmbedParts(ctx, chiasm.Part{Text: "Waterproof shoes."}, chiasm.Part{Image: picture})
	fmt.Println(len(vector.Values), err)
	// Output: 128 <nil>
}
