package library

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/bep/imagemeta"

	"github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/media/video"
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

// readMetadata reads EXIF, IPTC and XMP of a picture, or where it has none of a kind that is known, of the preview inside. What cannot be read is
// left out: the picture counts.
func readMetadata(data, inner []byte) (m Metadata) {
	format, ok := metadataFormat(data)
	if exif := image.Exif(data); exif != nil {
		data, format, ok = exif, imagemeta.TIFF, true
	} else if !ok && inner != nil {
		data, format, ok = inner, imagemeta.JPEG, true
	}
	if !ok {
		return m
	}
	return decodeMetadata(data, format)
}

// readXMP reads a packet of XMP, as it lies beside pictures: it is read as that of a WebP file.
func readXMP(packet []byte) Metadata {
	begin := bytes.Index(packet, []byte("<x:xmpmeta")) // after the byte order mark and instructions
	if begin < 0 {
		return Metadata{}
	}
	packet = packet[begin:]
	file := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(packet)+12))
	file = binary.LittleEndian.AppendUint32(append(file, "WEBPXMP "...), uint32(len(packet)))
	return decodeMetadata(append(file, packet...), imagemeta.WebP)
}

func decodeMetadata(data []byte, format imagemeta.ImageFormat) (m Metadata) {
	defer func() { _ = recover() }() // a decoder's bug costs the metadata, not the picture
	var tags imagemeta.Tags
	_, _ = imagemeta.Decode(imagemeta.Options{
		R: bytes.NewReader(data), ImageFormat: format, Sources: imagemeta.EXIF | imagemeta.IPTC | imagemeta.XMP,
		ShouldHandleTag: func(imagemeta.TagInfo) bool { return true },
		HandleTag:       func(t imagemeta.TagInfo) error { tags.Add(t); return nil },
		Timeout:         5 * time.Second,
	}) // what it found before an error counts
	taken, _ := tags.GetDateTime()
	if lat, lon, err := tags.GetLatLong(); err == nil {
		m.locate(lat, lon)
	}
	exif, iptc, xmp := tags.EXIF(), tags.IPTC(), tags.XMP()
	for _, name := range []string{"DateTimeOriginal", "CreateDate", "DateCreated"} {
		if m.Taken = sensible(taken); m.Taken.IsZero() {
			taken = isoTime(one(xmp[name]), time.Local)
		}
	}
	m.Camera = camera(one(exif["Make"]), one(exif["Model"]))
	m.Place = strings.Join(slices.DeleteFunc([]string{
		cmp.Or(one(iptc["Sub-location"]), one(xmp["Location"])), cmp.Or(one(iptc["City"]), one(xmp["City"])),
		cmp.Or(one(iptc["Province-State"]), one(xmp["State"])), cmp.Or(one(iptc["Country-PrimaryLocationName"]), one(xmp["Country"])),
	}, func(s string) bool { return s == "" }), ", ")
	m.Caption = cmp.Or(one(iptc["Caption-Abstract"]), one(xmp["Description"]), one(exif["ImageDescription"]))
	if title := cmp.Or(one(iptc["ObjectName"]), one(xmp["Title"])); title != m.Caption {
		m.Caption = strings.TrimSpace(title + "\n" + m.Caption)
	}
	for _, t := range []imagemeta.TagInfo{iptc["Keywords"], xmp["Subject"], xmp["PersonInImage"]} {
		m.Tags = append(m.Tags, several(t.Value)...)
	}
	m.Tags = tidyTags(m.Tags)
	return m
}

// sensible is a time of which a file can be, or none.
func sensible(t time.Time) time.Time {
	if y := t.Year(); y < 1800 || y > 9999 {
		return time.Time{}
	}
	return t
}

// isoTime reads a time as XMP and videos write it, in a place if it does not say where.
func isoTime(s string, place *time.Location) time.Time {
	for _, layout := range []string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, s, place); err == nil { // fractions of a second go with any of them
			return t
		}
	}
	return time.Time{}
}

// locate sets the place on the globe, unless it is none or that of devices which do not know.
func (m *Metadata) locate(lat, lon float64) {
	if (lat != 0 || lon != 0) && math.Abs(lat) <= 90 && math.Abs(lon) <= 180 {
		m.Lat, m.Lon, m.Located = lat, lon, true
	}
}

// videoMetadata is what a video says of itself.
func videoMetadata(ctx context.Context, path string) (m Metadata) {
	tags, err := video.Tags(ctx, path)
	if err != nil {
		return m // reading the frames says why
	}
	for _, name := range []string{"com.apple.quicktime.creationdate", "creation_time", "date"} {
		if t := sensible(isoTime(tags[name], time.UTC)); m.Taken.IsZero() && t.Unix() > unsetTime {
			m.Taken = t
		}
	}
	if at := isoPlace.FindStringSubmatch(cmp.Or(tags["com.apple.quicktime.location.iso6709"], tags["location"])); at != nil {
		lat, _ := strconv.ParseFloat(at[1], 64) // digits
		lon, _ := strconv.ParseFloat(at[2], 64)
		m.locate(lat, lon)
	}
	m.Camera = camera(cmp.Or(tags["com.apple.quicktime.make"], tags["make"]), cmp.Or(tags["com.apple.quicktime.model"], tags["model"]))
	m.Caption = clip(strings.TrimSpace(tags["title"]+"\n"+tags["description"]), mostText)
	return m
}

// isoPlace is degrees of latitude and longitude as videos have them.
var isoPlace = regexp.MustCompile(`^([+-]\d{1,2}(?:\.\d+)?)([+-]\d{1,3}(?:\.\d+)?)`)

// unsetTime is the time of videos whose camera's clock was not set, or shortly after it.
const unsetTime = 366 * 24 * 3600

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
