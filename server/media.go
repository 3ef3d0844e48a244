package server

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/media/audio"
	"github.com/chiasm/chiasm/media/image"
)

// A reader reads pictures and sounds as its model takes them.
type reader interface {
	Processor() *image.Processor
	ReadAudio(ctx context.Context, from io.Reader) (chiasm.Sound, error)
}

// bring reads a part, from where it is. left is how many pixels may yet come, and is lessened.
func (s *Server) bring(ctx context.Context, m reader, p part, left *int64) (chiasm.Part, error) {
	if p.kind == "text" {
		return chiasm.Part{Text: p.text}, nil
	}
	data, err := s.content(ctx, p)
	if err != nil {
		return chiasm.Part{}, err
	}
	if p.kind == "audio" {
		sound, err := m.ReadAudio(ctx, bytes.NewReader(data))
		if err != nil && !(errors.Is(err, audio.ErrTruncated) && len(sound.Samples) > 0) {
			return chiasm.Part{}, err
		}
		return chiasm.Part{Sound: &sound}, nil
	}
	if *left <= 0 {
		return chiasm.Part{}, wrong("", "the pictures of the request together have more than %d pixels", s.limits.Pixels)
	}
	o := m.Processor().Options()
	o.Pixels = *left
	picture, err := image.Read(bytes.NewReader(data), &o)
	if err != nil {
		return chiasm.Part{}, err
	}
	*left -= int64(picture.Bounds().Dx()) * int64(picture.Bounds().Dy())
	return chiasm.Part{Image: picture}, nil
}

// content is the bytes of a picture or a sound.
func (s *Server) content(ctx context.Context, p part) ([]byte, error) {
	if p.bare {
		return decode64(p.text)
	}
	rest, ok := strings.CutPrefix(p.text, "data:")
	if ok {
		head, body, ok := strings.Cut(rest, ",")
		if !ok {
			return nil, errors.New("the data: URI has no comma")
		}
		if strings.HasSuffix(head, ";base64") {
			return decode64(body)
		}
		plain, err := url.PathUnescape(body)
		return []byte(plain), err
	}
	if !s.opts.AllowURL {
		return nil, fmt.Errorf("want a data: URI, as data:%s/…;base64,…: the server does not fetch addresses", p.kind)
	}
	return s.fetcher.fetch(ctx, p.text)
}

// decode64 takes both alphabets of base64, with or without padding.
func decode64(text string) ([]byte, error) {
	text = strings.TrimRight(strings.NewReplacer("-", "+", "_", "/", "%2B", "+", "%2F", "/", "%3D", "=").Replace(strings.TrimSpace(text)), "=")
	data, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("want base64: %w", err)
	}
	return data, nil
}
