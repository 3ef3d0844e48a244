package audio

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// waveFile is a WAV file with that fmt chunk and samples; size is what the data chunk claims.
func waveFile(tag, channels int, rate uint32, align, bits int, size uint32, samples []byte, before ...byte) []byte {
	b := []byte("RIFF\x00\x00\x00\x00WAVE")
	b = append(b, before...)
	b = append(b, "fmt \x10\x00\x00\x00"...)
	b = binary.LittleEndian.AppendUint16(b, uint16(tag))
	b = binary.LittleEndian.AppendUint16(b, uint16(channels))
	b = binary.LittleEndian.AppendUint32(b, rate)
	b = binary.LittleEndian.AppendUint32(b, rate*uint32(align))
	b = binary.LittleEndian.AppendUint16(b, uint16(align))
	b = binary.LittleEndian.AppendUint16(b, uint16(bits))
	b = append(b, "data"...)
	b = binary.LittleEndian.AppendUint32(b, size)
	b = append(b, samples...)
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
	return b
}

// aiff is an AIFF file of one channel of 16 bits, with that many frames and that rate as an 80-bit number.
func aiff(channels uint16, frames uint32, bits uint16, rate string, size uint32, samples []byte) []byte {
	b := []byte("FORM\x00\x00\x00\x00AIFFCOMM\x00\x00\x00\x12")
	b = binary.BigEndian.AppendUint16(b, channels)
	b = binary.BigEndian.AppendUint32(b, frames)
	b = binary.BigEndian.AppendUint16(b, bits)
	b = append(b, rate...)
	b = append(b, "SSND"...)
	b = binary.BigEndian.AppendUint32(b, size)
	return append(append(b, 0, 0, 0, 0, 0, 0, 0, 0), samples...)
}

const rate8k = "\x40\x0b\xfa\x00\x00\x00\x00\x00\x00\x00" // 8000 Hz

func TestHostileHeaders(t *testing.T) {
	two := []byte{1, 0, 2, 0}
	rf64 := waveFile(1, 1, 8000, 2, 16, 0xffffffff, two, append([]byte("ds64\x1c\x00\x00\x00"), bytes.Repeat([]byte{0xff}, 28)...)...)
	copy(rf64, "RF64")
	float := func(v float32) []byte {
		return waveFile(3, 1, 8000, 4, 32, 4, binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)))
	}
	for _, c := range []struct {
		name string
		data []byte
		want string // in the error; "" if the samples can be read
	}{
		{"nothing", nil, "empty file"},
		{"text", []byte("What hath God wrought? It is a question."), "not a sound in a known format"},
		{"playlist", []byte("#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:9,\nfile:///etc/passwd\n"), "not a sound in a known format"},
		{"list of files", []byte("ffconcat version 1.0\nfile /etc/passwd\n"), "not a sound in a known format"},
		{"rate 0", waveFile(1, 1, 0, 2, 16, 4, two), "sample rate from 100 to 1000000 Hz, got 0"},
		{"rate 4 GHz", waveFile(1, 1, 4_000_000_000, 2, 16, 4, two), "got 4000000000"},
		{"no channels", waveFile(1, 0, 8000, 2, 16, 4, two), "1 to 256 channels, got 0"},
		{"many channels", waveFile(1, 65535, 8000, 2, 16, 4, two), "1 to 256 channels, got 65535"},
		{"no bits", waveFile(1, 1, 8000, 0, 0, 4, two), "got 0 in blocks of 0 bytes"},
		{"many bits", waveFile(1, 1, 8000, 65535, 65535, 4, two), "got 65535"},
		{"5 bytes", waveFile(1, 1, 8000, 5, 40, 4, two), "got 40"},
		{"float of 16 bits", waveFile(3, 1, 8000, 2, 16, 4, two), "got 16"},
		{"no codec", waveFile(0, 1, 8000, 2, 16, 4, two), "expected a codec, got number 0"},
		{"codec of others", waveFile(0x161, 1, 8000, 2, 16, 4, two), "codec with number 353 in a wav file: can be read from a named file alone"},
		{"short fmt", []byte("RIFF\x20\x00\x00\x00WAVEfmt \x04\x00\x00\x00\x01\x00\x01\x00data\x04\x00\x00\x00abcd"), "at least 16 bytes, got 4"},
		{"endless fmt", []byte("RIFF\x20\x00\x00\x00WAVEfmt \xff\xff\xff\x7f\x01\x00\x01\x00"), "ends within its header"},
		{"no fmt", []byte("RIFF\x20\x00\x00\x00WAVEdata\x04\x00\x00\x00abcd"), "expected a fmt chunk before"},
		{"no data", waveFile(1, 1, 8000, 2, 16, 4, two)[:36], "ends within its header"},
		{"endless chunk", waveFile(1, 1, 8000, 2, 16, 4, two, []byte("junk\xff\xff\xff\xffabcd")...), "ends within its header"},
		{"data of 4 GB", waveFile(1, 1, 8000, 2, 16, 0xfffffff0, two), ErrTruncated.Error()},
		{"data of 18 EB", rf64, ""},
		{"not a number", float(float32(math.NaN())), "sample 0 of channel 0: expected a finite number, got NaN"},
		{"infinite", float(float32(math.Inf(-1))), "got -Inf"},
		{"loud", float(1e30), ""},
		{"aiff", aiff(1, 2, 16, rate8k, 12, two), ""},
		{"aiff rate 0", aiff(1, 2, 16, "\x40\x0b\x00\x00\x00\x00\x00\x00\x00\x00", 12, two), "got 0"},
		{"aiff rate beyond", aiff(1, 2, 16, "\x7f\xff\xff\x00\x00\x00\x00\x00\x00\x00", 12, two), "sample rate from 100"},
		{"aiff rate below 0", aiff(1, 2, 16, "\xc0\x0b\xfa\x00\x00\x00\x00\x00\x00\x00", 12, two), "sample rate from 100"},
		{"aiff bits", aiff(1, 2, 99, rate8k, 12, two), "1 to 32 bits, got 99"},
		{"aiff no channels", aiff(0, 2, 16, rate8k, 12, two), "channels, got 0"},
		{"aiff frames", aiff(1, 0xffffffff, 16, rate8k, 0xfffffff0, two), ErrTruncated.Error()},
		{"aiff offset", append(aiff(1, 2, 16, rate8k, 12, nil)[:46], "\xff\xff\xff\x00\x00\x00\x00\x00ab"...), "offset within its 12 bytes"},
		{"aiff without COMM", []byte("FORM\x00\x00\x00\x20AIFFSSND\x00\x00\x00\x0c\x00\x00\x00\x00\x00\x00\x00\x00abcd"), "expected a COMM chunk"},
		{"flac of nothing", []byte("fLaC"), "flac: the file ends within its header"},
		{"flac with rate 0", append([]byte("fLaC\x80\x00\x00\x22\x10\x00\x10\x00"), make([]byte, 64)...), "flac: "},
		{"endless tag", []byte("ID3\x04\x00\x00\x7f\x7f\x7f\x7fabc"), "ID3 tag of 268435465 bytes: the file ends"},
		{"tags without end", bytes.Repeat([]byte("ID3\x04\x00\x00\x00\x00\x00\x00"), 10000), "empty file"},
	} {
		all, _, err := readBytes(c.data)
		switch {
		case c.want == "" && (err != nil || len(all) == 0):
			t.Errorf("%s: %d samples, %v", c.name, len(all), err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "audio: ")):
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

// Programs that write to a pipe leave sizes open.
func TestStreamsWithoutSize(t *testing.T) {
	samples := bytes.Repeat([]byte{1, 0, 2, 0}, 100)
	for _, size := range []uint32{0, 0xffffffff, 0x7ffff000, 0x7fffffff, 0x80000000, 0xffffffff - 36} {
		data := waveFile(1, 1, 8000, 2, 16, size, samples)
		for _, riff := range []uint32{0xffffffff, size, 36} {
			if size == 0 && riff == 0 {
				riff = 36
			}
			binary.LittleEndian.PutUint32(data[4:], riff)
			if size == 0xffffffff-36 && riff != 0xffffffff {
				continue // a size like others
			}
			all, f, err := readBytes(data)
			if err != nil || len(all) != 200 || f.Frames != -1 {
				t.Errorf("data %#x, riff %#x: %d samples, %+v, %v", size, riff, len(all), f, err)
			}
		}
	}
	// A data chunk that says it is empty, within a file that goes on as it says, is.
	data := append(waveFile(1, 1, 8000, 2, 16, 0, nil), "LIST\x04\x00\x00\x00abcd"...)
	binary.LittleEndian.PutUint32(data[4:], uint32(len(data)-8))
	if all, f, err := readBytes(data); err != nil || len(all) != 0 || f.Frames != 0 {
		t.Errorf("empty: %d samples, %+v, %v", len(all), f, err)
	}
	if all, _, err := readBytes(aiff(1, 0, 16, rate8k, 0, samples)); err != nil || len(all) != 200 {
		t.Errorf("aiff: %d samples, %v", len(all), err)
	}
	// An odd chunk is followed by a byte of padding; samples that the last block lacks are missed.
	data = waveFile(1, 2, 8000, 4, 16, 7, []byte{1, 0, 2, 0, 3, 0, 4}, []byte("odd \x03\x00\x00\x00abc\x00")...)
	if all, _, err := readBytes(data); err != nil || len(all) != 2 {
		t.Errorf("odd: %d samples, %v", len(all), err)
	}
	// 12 bits in two bytes and 24 in four lie at the top.
	if all, _, err := readBytes(waveFile(1, 1, 8000, 2, 12, 2, []byte{0, 0x40})); err != nil || !slices.Equal(all, []float32{0.5}) {
		t.Errorf("12 bits: %v, %v", all, err)
	}
	if all, _, err := readBytes(waveFile(1, 1, 8000, 4, 24, 4, []byte{0, 0, 0, 0x40})); err != nil || !slices.Equal(all, []float32{0.5}) {
		t.Errorf("24 bits in four bytes: %v, %v", all, err)
	}
}

// Content decides, and tags may come before it.
func TestNamesAndTagsDoNotMatter(t *testing.T) {
	tag := []byte("ID3\x04\x00\x00\x00\x00\x01\x05")
	tag = append(tag, make([]byte, 133)...)
	for _, name := range []string{"pcm_16.wav", "pcm_16.flac", "44100.mp3", "pcm_16.aiff"} {
		data := sampleFile(t, name)
		want, _, _ := readBytes(data)
		path := filepath.Join(t.TempDir(), "-i %d:concat|x.m3u8")
		if err := os.WriteFile(path, append(bytes.Clone(tag), data...), 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := Open(context.Background(), path)
		if err != nil {
			t.Error(err)
			continue
		}
		if got, err := drain(r, 100); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s after a tag: %d values, %v", name, len(got), err)
		}
		r.Close()
	}
}

// Damage within MP3 costs the frames that it hits, and what is no frame is passed over.
func TestDamagedMP3(t *testing.T) {
	data := sampleFile(t, "48000.mp3")
	want, _, err := readBytes(data)
	if err != nil {
		t.Fatal(err)
	}
	junk := bytes.Repeat([]byte{0xff, 0xfb, 0x00, 0x12, 0x99}, 50)
	middle := len(data) / 2
	for name, damaged := range map[string][]byte{
		"junk at the end":    append(bytes.Clone(data), "TAG"+strings.Repeat("x", 125)...),
		"junk in the middle": slices.Concat(data[:middle], junk, data[middle:]),
		"a gap":              slices.Concat(data[:middle], data[middle+1000:]),
	} {
		got, _, err := readBytes(damaged)
		if name != "a gap" && err != nil || len(got) < len(want)*2/3 || len(got) > len(want) {
			t.Errorf("%s: %d samples of %d, %v", name, len(got), len(want), err)
		}
		for _, v := range got {
			if math.Abs(float64(v)) > 4 {
				t.Fatalf("%s: a sample of %v", name, v)
			}
		}
	}
}

func TestFFmpegThatIsMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := Open(context.Background(), "testdata/files/aac.m4a")
	if !errors.Is(err, ErrNoFFmpeg) || !strings.Contains(err.Error(), "apt install ffmpeg") {
		t.Errorf("got %v", err)
	}
}

func TestFFmpegOnDamagedFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"aac.m4a", "opus.webm", "vorbis.ogg", "video.mp4"} {
		data := sampleFile(t, name)
		for _, cut := range []int{8, 40, len(data) / 2} {
			path := filepath.Join(dir, "x")
			if err := os.WriteFile(path, data[:cut], 0o600); err != nil {
				t.Fatal(err)
			}
			r, err := Open(context.Background(), path)
			needFFmpeg(t, err)
			if err != nil {
				if !strings.HasPrefix(err.Error(), "audio: "+path) || strings.Contains(err.Error(), "\n") {
					t.Errorf("%s cut to %d: %v", name, cut, err)
				}
				continue
			}
			if all, _ := drain(r, 100); len(all) == 0 {
				t.Errorf("%s cut to %d: nothing", name, cut)
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	silent := append([]byte("OggS"), make([]byte, 100)...)
	if _, _, err := readBytes(silent); err == nil || errors.Is(err, ErrFormat) {
		t.Errorf("an Ogg file of nothing: %v", err)
	}
}

// When the context ends, so do the program and the reading, also in the midst of waiting for it.
func TestCancellationEndsFFmpeg(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip(ErrNoFFmpeg)
	}
	before := runtime.NumGoroutine()
	for _, close := range []bool{false, true} {
		in, feed := io.Pipe()
		go func() {
			data := sampleFile(t, "vorbis.ogg")
			_, _ = feed.Write(data[:len(data)*9/10])
		}()
		ctx, cancel := context.WithCancel(context.Background())
		type opened struct {
			r   *Reader
			err error
		}
		result := make(chan opened)
		go func() {
			r, err := New(ctx, in)
			if err == nil {
				_, err = drain(r, 100)
			}
			result <- opened{r, err}
		}()
		select {
		case got := <-result:
			feed.Close()
			cancel()
			t.Fatalf("ended by itself: %v", got.err)
		case <-time.After(300 * time.Millisecond):
		}
		cancel()
		feed.CloseWithError(errors.New("the feed is over"))
		got := <-result
		if !errors.Is(got.err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", got.err)
		}
		if close && got.r != nil {
			got.r.Close()
		}
	}
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before+1 && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > before+1 {
		t.Errorf("%d goroutines are left", n-before)
	}
}

func TestCancelledReading(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	r, err := Open(ctx, "testdata/files/pcm_16.wav")
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := r.Read(make([]float32, 10)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if err := r.Close(); err != nil {
		t.Error("closed again:", err)
	}
	if _, err := Open(context.Background(), "testdata/none.wav"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// A sound of ten hours must not take more memory than one of a minute.
func TestLongSoundsInLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("reads for a second")
	}
	head := waveFile(1, 2, 8000, 4, 16, 0xffffffff, nil)
	r, err := New(context.Background(), io.MultiReader(bytes.NewReader(head), io.LimitReader(zeros{}, 4*8000*3600*2)))
	if err != nil {
		t.Fatal(err)
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	before := stats.TotalAlloc
	windows, last := 0, Window{}
	for w, err := range r.Mono(16000).Windows(30*16000, 30*16000) {
		if err != nil {
			t.Fatal(err)
		}
		windows, last = windows+1, w
	}
	runtime.ReadMemStats(&stats)
	if windows != 240 || last.Start != 239*480000 || len(last.Samples) != 480000 {
		t.Errorf("%d windows, the last at %d of %d", windows, last.Start, len(last.Samples))
	}
	if took := stats.TotalAlloc - before; took > 16<<20 {
		t.Errorf("took %d MB", took>>20)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }
