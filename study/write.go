package study

import (
	"fmt"

	"github.com/chiasm/chiasm/internal/whole"
)

// writeFiles writes small files into a folder, each whole or not at all.
func writeFiles(folder string, files map[string][]byte) error {
	if err := whole.WriteFiles(folder, files); err != nil {
		return fmt.Errorf("study: %w", err)
	}
	return nil
}

func writeFile(path string, data []byte) error {
	if err := whole.WriteBytes(path, data); err != nil {
		return fmt.Errorf("study: %w", err)
	}
	return nil
}
