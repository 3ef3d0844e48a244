package weights

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"os"

	"github.com/chiasm/chiasm/internal/decode"
	"github.com/chiasm/chiasm/internal/par"
	"github.com/chiasm/chiasm/tensor"
)

// A cache file is little endian: a head of magic, version, length of the index and its CRC-32C; the index, which is the source and a row
// for each image; and the images, each of which begins a page.
const (
	cacheMagic   = "chiasm-packed\x00\x00\x00"
	cacheVersion = 1
	cacheHead    = len(cacheMagic) + 12
	cachePage    = 4096
	maxCacheName = 1 << 12 // bytes
)

// An image is a row of the index: where the packed form of a weight lies, and what it is good for.
type image struct {
	signature uint32 // of the kernels
	values    uint32 // checksum of a sample of the stored values, their type and shape
	sum       uint32 // checksum of the image
	offset    uint64 // in the file
	size      uint64
}

// parseCache reads the index of a cache of a source.
func parseCache(data []byte, source string) (map[string]image, error) {
	r := decode.NewReader(data)
	if string(r.Bytes(len(cacheMagic))) != cacheMagic || r.U32() != cacheVersion {
		return nil, fmt.Errorf("weights: cache: expected version %d of a cache, got something else", cacheVersion)
	}
	n, sum := r.U32(), r.U32()
	index := r.Bytes(int(min(n, math.MaxInt32)))
	if err := r.Err(); err != nil {
		return nil, fmt.Errorf("weights: cache: %w", err)
	}
	if got := crc32.Checksum(index, castagnoli); got != sum {
		return nil, fmt.Errorf("weights: cache: index: expected the checksum %08x, got %08x", sum, got)
	}
	r = decode.NewReader(index)
	if got := cacheText(r); got != source {
		return nil, fmt.Errorf("weights: cache: expected one of the source %.80q, got %.80q", source, got)
	}
	images := map[string]image{}
	for r.Len() > 0 && r.Err() == nil {
		name := cacheText(r)
		e := image{signature: r.U32(), values: r.U32(), sum: r.U32(), offset: r.U64(), size: r.U64()}
		if size := uint64(len(data)); e.offset%cachePage != 0 || e.offset > size || e.size > size-e.offset {
			r.Fail("%q: expected an image from a page on within %d bytes, got %d bytes at %d", name, size, e.size, e.offset)
		}
		images[name] = e
	}
	if err := r.Err(); err != nil {
		return nil, fmt.Errorf("weights: cache: index: %w", err)
	}
	return images, nil
}

func cacheText(r *decode.Reader) string {
	n := int(r.U16())
	if n > maxCacheName {
		r.Fail("expected a text of at most %d bytes, got %d", maxCacheName, n)
	}
	return string(r.Bytes(n))
}

func appendCacheText(b []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint16(b, uint16(len(s))), s...)
}

// A cacheWriter gathers the images of a cache.
type cacheWriter struct {
	names  []string
	images []image
	data   [][]byte
}

func (w *cacheWriter) add(name string, data []byte, signature, values, sum uint32) {
	if len(name) > maxCacheName {
		return
	}
	w.names = append(w.names, name)
	w.images = append(w.images, image{signature: signature, values: values, sum: sum, size: uint64(len(data))})
	w.data = append(w.data, data)
}

// write writes a cache to an empty file.
func (w *cacheWriter) write(f *os.File, source string) error {
	n := 2 + len(source) + len(w.names)*(2+3*4+2*8)
	for _, name := range w.names {
		n += len(name)
	}
	page := func(at uint64) uint64 { return (at + cachePage - 1) &^ (cachePage - 1) }
	at := page(uint64(cacheHead + n))
	index := appendCacheText(make([]byte, 0, n), source)
	for i := range w.images {
		e := &w.images[i]
		e.offset = at
		at = page(at + e.size)
		index = appendCacheText(index, w.names[i])
		for _, v := range []uint32{e.signature, e.values, e.sum} {
			index = binary.LittleEndian.AppendUint32(index, v)
		}
		index = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(index, e.offset), e.size)
	}
	head := []byte(cacheMagic)
	for _, v := range []uint32{cacheVersion, uint32(len(index)), crc32.Checksum(index, castagnoli)} {
		head = binary.LittleEndian.AppendUint32(head, v)
	}
	if _, err := f.Write(append(head, index...)); err != nil {
		return err
	}
	for i, e := range w.images {
		if _, err := f.WriteAt(w.data[i], int64(e.offset)); err != nil {
			return err
		}
	}
	return f.Truncate(int64(at)) // up to the end of the last page
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum is the CRC-32C of the CRC-32C of each piece, which workers take in turns.
func checksum(data []byte, workers int) uint32 {
	t := &sumTask{data: data, sums: make([]byte, 4*((len(data)+sumPiece-1)/sumPiece))}
	par.Do(t, len(t.sums)/4, workers)
	return crc32.Checksum(t.sums, castagnoli)
}

const sumPiece = 1 << 18

type sumTask struct{ data, sums []byte }

// Run does piece i.
func (t *sumTask) Run(i int) {
	piece := t.data[i*sumPiece : min((i+1)*sumPiece, len(t.data))]
	binary.LittleEndian.PutUint32(t.sums[4*i:], crc32.Checksum(piece, castagnoli))
}

// sample is the checksum of some of the stored values of a parameter, and of their type and shape: it tells another model from the one
// that was packed even if its files look the same from outside, and an arrangement of the values from another.
func sample(t *tensor.Tensor) uint32 {
	const pieces, piece = 5, 512 // the first, the last and some between
	sum := crc32.Checksum([]byte(t.String()), castagnoli)
	data := t.Bytes()
	if len(data) <= pieces*piece {
		return crc32.Update(sum, castagnoli, data)
	}
	for i := range pieces {
		at := (len(data) - piece) / (pieces - 1) * i
		sum = crc32.Update(sum, castagnoli, data[at:at+piece])
	}
	return sum
}
