package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/library"
	"github.com/chiasm/chiasm/media/audio"
	"github.com/chiasm/chiasm/media/image"
)

// The kinds of items.
const (
	kindText  = "text"
	kindImage = "image"
	kindAudio = "audio"
	kindVideo = "video" // where it is asked for, or the model sees videos: a file that holds one is else a sound
)

// An item is one input of a verb.
type item struct {
	name string            // as in the output: the text, the path, "-" for stdin
	kind string            // "text", "image", "audio" or "video"
	open func(*item) error // reads a picture into img, a sound into sound; nil if there is nothing to read

	img    *image.RGB
	sound  chiasm.Sound
	video  *chiasm.Video
	part   *part       // of a longer sound, which this is
	damage error       // what was wrong with it though it could be read
	err    error       // why there is no answer for it
	told   func(*item) // is told of damage, in the order of the items
}

// A part is a stretch of a sound, in seconds.
type part struct{ start, end float64 }

// fragment is the name, with the part of the sound as the W3C's media fragments have it: "a.wav#t=10,20".
func (it *item) fragment() string {
	if it.part == nil {
		return it.name
	}
	return fmt.Sprintf("%s#t=%g,%g", it.name, it.part.start, it.part.end)
}

// bytes is what a decoded item takes.
func (it *item) bytes() int {
	n := 4 * len(it.sound.Samples)
	if it.img != nil {
		n += len(it.img.Pix)
	}
	if it.video != nil && len(it.video.Frames) > 0 {
		size := it.video.Frames[0].Bounds().Size()
		n += 3 * size.X * size.Y * len(it.video.Frames)
	}
	return n
}

// An inputs finds what arguments name, and says how it is read: as the model wants it.
type inputs struct {
	ctx         context.Context
	app         *app
	model       *chiasm.Model
	sees, hears bool          // what of files and folders the model takes
	watches     bool          // a file that has the extension of a video is looked at rather than heard
	options     image.Options // how pictures are read
	stdin       string        // the kind of what is on standard input; "" if that is to tell
	files       string        // likewise of files
	window, hop int           // samples of the stretches that sounds are cut into; 0 for one, as long as the model hears
}

// inputs are those of a model. JPEG files are read at a reduced size if that is asked for.
func (a *app) inputs(ctx context.Context, m *chiasm.Model, f *modelFlags) *inputs {
	in := &inputs{ctx: ctx, app: a, model: m}
	rate, _ := m.Hears()
	in.hears = rate > 0
	in.sees = m.Processor() != nil || !in.hears // a model of texts alone says so itself
	if p := m.Processor(); p != nil {
		if in.options = p.Options(); f.fast {
			in.options.Shrink = p
		}
	}
	return in
}

// stdinFlag adds the flag that says what standard input is.
func stdinFlag(cmd *cobra.Command, kind *string) {
	cmd.Flags().StringVar(kind, "stdin", "", "what - is: image or audio (default: told by how it begins)")
	complete(cmd, "stdin", kindImage, kindAudio)
}

func stdinKind(kind string) error {
	if kind != "" && kind != kindImage && kind != kindAudio {
		return usagef("--stdin %s: want image or audio", kind)
	}
	return nil
}

// what one input is called in messages.
func (in *inputs) what() string {
	if in.hears {
		return "input"
	}
	return kindImage
}

// items gives the inputs that the arguments name: see [files]. What cannot be found is an item with an error.
func (in *inputs) items(args []string) iter.Seq[*item] {
	return func(yield func(*item) bool) {
		for name, err := range files(args, in.whats(), func(path string) bool { return in.wanted(path) != "" }) {
			var r readable
			switch {
			case err != nil:
				r.item = &item{name: name, kind: kindImage, err: err}
				if in.only() == kindAudio {
					r.kind = kindAudio
				}
			case name == "-":
				r = in.standard()
			default:
				r = in.file(name, in.kindOf(name))
			}
			if !in.give(r, yield) {
				return
			}
		}
	}
}

// whats is what the model takes besides texts.
func (in *inputs) whats() string {
	if in.files == kindVideo {
		return "videos"
	}
	switch in.only() {
	case kindImage:
		return "pictures"
	case kindAudio:
		return "sounds"
	}
	return "pictures or sounds"
}

// A readable is an item and the sound that it is read from, if it is one.
type readable struct {
	*item
	sound func() (*audio.Reader, error)
}

// give gives an item, or the stretches of a sound.
func (in *inputs) give(r readable, yield func(*item) bool) bool {
	if r.kind == kindAudio && in.window > 0 && r.err == nil {
		return in.cut(r, yield)
	}
	return yield(r.item)
}

// file is a file as an item.
func (in *inputs) file(path, kind string) readable {
	return in.readable(path, kind,
		func(o *image.Options) (*image.RGB, error) { return image.Open(path, o) },
		func() (*audio.Reader, error) { return audio.Open(in.ctx, path) })
}

// standard is standard input as an item.
func (in *inputs) standard() readable {
	stdin := bufio.NewReaderSize(in.app.stdin, library.Sniffed)
	kind := in.stdin
	if kind == "" {
		kind = in.only()
	}
	if kind == "" {
		head, _ := stdin.Peek(library.Sniffed)
		kind = kindAs(head)
	}
	if kind == "" {
		kind = kindImage
	}
	return in.readable("-", kind,
		func(o *image.Options) (*image.RGB, error) { return image.Read(stdin, o) },
		func() (*audio.Reader, error) { return audio.New(in.ctx, stdin) })
}

// only is the one kind that the model takes besides texts, "" if there are more.
func (in *inputs) only() string {
	switch {
	case !in.hears:
		return kindImage
	case !in.sees:
		return kindAudio
	}
	return ""
}

func (in *inputs) readable(name, kind string, picture func(*image.Options) (*image.RGB, error), sound func() (*audio.Reader, error)) readable {
	it := &item{name: name, kind: kind, told: func(it *item) { in.app.note("%s: %s", it.name, reason(it.name, it.damage)) }}
	switch {
	case kind == kindAudio:
		it.open = func(it *item) error { return in.hear(it, sound) }
	case kind == kindVideo:
		it.open = func(it *item) (err error) {
			it.video, err = in.model.OpenVideo(in.ctx, it.name)
			return err
		}
	case in.sees:
		it.open = func(it *item) (err error) {
			o := in.options
			o.Warn = func(err error) { it.damage = err }
			it.img, err = picture(&o)
			return err
		}
	default:
		_, it.err = in.model.EmbedImages(in.ctx, nil)
	}
	return readable{it, sound}
}

// kindOf is the kind of a file, by how it begins, or else by its name, or else what the model takes.
func (in *inputs) kindOf(path string) string {
	if in.files != "" {
		return in.files
	}
	ext := strings.ToLower(filepath.Ext(path))
	if in.watches && slices.Contains(videoExtensions, ext) {
		return kindVideo
	}
	if !in.hears && slices.Contains(extensions[kindImage], ext) {
		return kindImage // whatever is in it
	}
	if kind := kindAs(headOf(path)); kind != "" {
		return kind
	}
	for kind, list := range extensions {
		if slices.Contains(list, ext) {
			return kind
		}
	}
	if kind := in.only(); kind != "" {
		return kind
	}
	return kindImage
}

// extensions are those of the files of a kind; videos have sound. A folder's other files are looked into if they have no extension at all.
var extensions = map[string][]string{
	kindImage: library.Extensions[library.Image],
	kindAudio: slices.Concat(library.Extensions[library.Audio], videoExtensions),
}

var videoExtensions = library.Extensions[library.Video]

// wanted is the kind of a file of a folder that the model takes, told by its extension, or without one by how it begins; "" for any other.
func (in *inputs) wanted(path string) (kind string) {
	if ext := strings.ToLower(filepath.Ext(path)); ext != "" {
		for k, list := range extensions {
			if slices.Contains(list, ext) {
				kind = k
			}
		}
		if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() { // through links
			return ""
		}
	} else {
		kind = kindAs(headOf(path))
	}
	if in.files == kindVideo || in.watches {
		if slices.Contains(videoExtensions, strings.ToLower(filepath.Ext(path))) {
			return kindVideo
		}
		if in.files == kindVideo {
			return ""
		}
	}
	if kind == kindImage && in.sees || kind == kindAudio && in.hears {
		return kind
	}
	return ""
}

// headOf is how a file begins; nothing if it is not a regular one, since opening a pipe could wait for ever.
func headOf(path string) []byte {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	head := make([]byte, library.Sniffed)
	n, _ := io.ReadFull(f, head)
	return head[:n]
}

// kindAs is the kind of a file that begins so, "" if that does not tell.
func kindAs(head []byte) string {
	switch {
	case image.Recognise(head):
		return kindImage
	case audio.Recognise(head):
		return kindAudio
	}
	return ""
}
