package library

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/bep/imagemeta"

	"github.com/chiasm/chiasm/media/image"
)

// Metadata is what a file says of itself.
type Metadata struct {
	Width, Height int
	Duration      float64   // seconds
	Taken         time.Time // zero if it is not known
	Camera        string
	Lat, Lon      float64 // degrees
	Located       bool    // Lat and Lon count
	Place         string  // in words
	Tags          []string
	Caption       string
}

const (
	mostTags    = 200
	mostText    = 1 << 16 // bytes of a caption
	mostTagText = 200     // bytes
)

// readMetadata reads EXIF, IPTC and XMP of a picture. What cannot be read is left out: the picture counts.
func readMetadata(data []byte) (m Metadata) {
	format, ok := metadataFormat(data)
	if exif := image.Exif(data); exif != nil {
		data, format, ok = exif, imagemeta.TIFF, true
	} else if inner := image.Preview(data); !ok && inner != nil {
		data, format, ok = inner, imagemeta.JPEG, true
	}
	if !ok {
		return m
	}
	defer func() { _ = recover() }() // a decoder's bug costs the metadata, not the picture
	var tags imagemeta.Tags
	_, _ = imagemeta.Decode(imagemeta.Options{
		R: bytes.NewReader(data), ImageFormat: format, Sources: imagemeta.EXIF | imagemeta.IPTC | imagemeta.XMP,
		ShouldHandleTag: func(imagemeta.TagInfo) bool { return true },
		HandleTag:       func(t imagemeta.TagInfo) error { tags.Add(t); return nil },
		Timeout:         5 * time.Second,
	}) // what it found before an error counts
	m.Taken, _ = tags.GetDateTime()
	if y := m.Taken.Year(); y < 1800 || y > 9999 {
		m.Taken = time.Time{}
	}
	if lat, lon, err := tags.GetLatLong(); err == nil && (lat != 0 || lon != 0) && math.Abs(lat) <= 90 && math.Abs(lon) <= 180 {
		m.Lat, m.Lon, m.Located = lat, lon, true
	}
	exif, iptc, xmp := tags.EXIF(), tags.IPTC(), tags.XMP()
	m.Camera = camera(one(exif["Make"]), one(exif["Model"]))
	m.Place = strings.Join(slices.DeleteFunc([]string{
		cmp.Or(one(iptc["Sub-location"]), one(xmp["Location"])), cmp.Or(one(iptc["City"]), one(xmp["City"])),
		cmp.Or(one(iptc["Province-State"]), one(xmp["State"])), cmp.Or(one(iptc["Country-PrimaryLocationName"]), one(xmp["Country"])),
	}, func(s string) bool { return s == "" }), ", ")
	m.Caption = cmp.Or(one(iptc["Caption-Abstract"]), one(xmp["description"]), one(xmp["Description"]), one(exif["ImageDescription"]))
	for _, t := range []imagemeta.TagInfo{iptc["Keywords"], xmp["subject"], xmp["Subject"]} {
		m.Tags = append(m.Tags, several(t.Value)...)
	}
	m.Tags = tidyTags(m.Tags)
	return m
}

func metadataFormat(data []byte) (imagemeta.ImageFormat, bool) {
	begins := func(s string) bool { return bytes.HasPrefix(data, []byte(s)) }
	switch {
	case begins("\xff\xd8"):
		return imagemeta.JPEG, true
	case begins("\x89PNG"):
		return imagemeta.PNG, true
	case begins("RIFF"):
		return imagemeta.WebP, true
	case begins("II*\x00"), begins("MM\x00*"):
		return imagemeta.TIFF, true
	case len(data) >= 12 && (string(data[8:12]) == "avif" || string(data[8:12]) == "avis"):
		return imagemeta.AVIF, true
	case len(data) >= 12 && string(data[4:8]) == "ftyp":
		return imagemeta.HEIF, true
	}
	return 0, false
}

// camera is the maker and the model, once where the model names the maker.
func camera(maker, model string) string {
	first, _, _ := strings.Cut(maker, " ")
	if model == "" || first != "" && strings.HasPrefix(strings.ToLower(model), strings.ToLower(first)) {
		return cmp.Or(model, maker)
	}
	return strings.TrimSpace(maker + " " + model)
}

// one is a tag's text.
func one(t imagemeta.TagInfo) string {
	if all := several(t.Value); len(all) > 0 {
		return all[0]
	}
	return ""
}

// several is the texts of a tag.
func several(value any) (out []string) {
	var list []string
	switch v := value.(type) {
	case string:
		list = []string{v}
	case []string:
		list = v
	case []any:
		for _, x := range v {
			if s, ok := x.(string); ok {
				list = append(list, s)
			}
		}
	}
	for _, s := range list {
		if s = strings.TrimSpace(strings.ToValidUTF8(strings.Trim(s, "\x00"), "\uFFFD")); s != "" {
			out = append(out, clip(s, mostText))
		}
	}
	return out
}

// clip cuts a text to so many bytes, between characters.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// tidyTags leaves each tag once, in order.
func tidyTags(tags []string) []string {
	var out []string
	for _, t := range tags {
		if t = clip(strings.TrimSpace(t), mostTagText); t != "" && len(out) < mostTags {
			out = append(out, t)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
