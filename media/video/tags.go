package video

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/chiasm/chiasm/internal/ffmpeg"
)

// Tags is what a file's container says of the whole, by names in small letters: title, creation_time, location and others. It runs ffprobe,
// which sees no other file and no network.
func Tags(ctx context.Context, path string) (tags map[string]string, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("video: %s: %w", path, err)
		}
	}()
	demuxer, err := recognise(path)
	if err != nil {
		return nil, err
	}
	p, err := ffmpeg.Start(ctx, "ffprobe", nil, "", append(ffmpeg.Probe(path, demuxer), "-show_entries", "format_tags", "-of", "json")...)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	data, err := io.ReadAll(io.LimitReader(p, mostText))
	if err == nil {
		err = io.EOF
	}
	if _, err = p.End(err); err != nil {
		return nil, err
	}
	var file struct {
		Format struct{ Tags map[string]string }
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("ffprobe: %w", err)
	}
	tags = map[string]string{}
	for name, value := range file.Format.Tags {
		tags[strings.ToLower(name)] = value
	}
	return tags, nil
}
