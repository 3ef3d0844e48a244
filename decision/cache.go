package decision

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"

	"github.com/chiasm/chiasm/internal/whole"
)

// A cache keeps features in files that are named by what they are of: the encoder, and the content. A file that is damaged is as good as none.
type cache struct {
	dir string // "" for none
}

type key [sha256.Size]byte

// CacheFolder is where features are kept if nobody says otherwise: in the user's folder for caches.
func CacheFolder() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("decision: no folder to keep features in: %w", err)
	}
	return filepath.Join(dir, "chiasm", "features"), nil
}

func (c cache) path(k key) string {
	name := hex.EncodeToString(k[:])
	return filepath.Join(c.dir, name[:2], name[2:])
}

// get is what is kept under k, 1 to most tokens of a width; nil if that is not there.
func (c cache) get(k key, width, most int) []float32 {
	if c.dir == "" {
		return nil
	}
	info, err := os.Stat(c.path(k))
	if err != nil || info.Size() <= 4 || info.Size() > int64(4*width*most+4) {
		return nil
	}
	b, err := os.ReadFile(c.path(k))
	n := (len(b) - 4) / 4
	if err != nil || n == 0 || n%width != 0 || n > width*most || len(b) != 4*n+4 || crc32.ChecksumIEEE(b[4:]) != binary.LittleEndian.Uint32(b) {
		return nil
	}
	x := make([]float32, n)
	for i := range x {
		x[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4+4*i:]))
		if math.IsNaN(float64(x[i])) || math.IsInf(float64(x[i]), 0) {
			return nil
		}
	}
	return x
}

// put keeps values, all of them or none.
func (c cache) put(k key, x []float32) error {
	if c.dir == "" {
		return nil
	}
	b := make([]byte, 4, 4*len(x)+4)
	for _, v := range x {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	binary.LittleEndian.PutUint32(b, crc32.ChecksumIEEE(b[4:]))
	path := c.path(k)
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err != nil {
		return fmt.Errorf("decision: keep features: %w", err)
	}
	if err := whole.WriteBytes(path, b); err != nil {
		return fmt.Errorf("decision: keep features: %w", err)
	}
	return nil
}
