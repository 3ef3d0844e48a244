package chiasm

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed templates/*.txt
var templateFiles embed.FS

// TemplateNames are the sets of prompt templates that [Templates] knows.
var TemplateNames = []string{"imagenet", "imagenet-simple"}

// Templates is a published set of prompt templates: "imagenet", the 80 that CLIP's authors evaluated with, or "imagenet-simple", the 7
// that they found to be enough (Radford et al. 2021, repository openai/CLIP).
func Templates(name string) ([]string, error) {
	data, err := templateFiles.ReadFile("templates/" + name + ".txt")
	if err != nil {
		return nil, fmt.Errorf("chiasm: unknown template set %q, want one of %s", name, strings.Join(TemplateNames, ", "))
	}
	return strings.Split(strings.TrimSpace(string(data)), "\n"), nil
}
