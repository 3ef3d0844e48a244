package hub_test

import (
	"fmt"
	"path/filepath"

	"github.com/chiasm/chiasm/hub"
)

func Example() {
	id, err := hub.ParseID("org/tiny@main")
	if err != nil {
		panic(err)
	}
	client := &hub.Client{Cache: "testdata/cache", Offline: true} // or hub.FromEnv()
	dir, ok := client.Find(id)
	fmt.Println(filepath.ToSlash(dir), ok)
	// Output: testdata/cache/models--org--tiny/snapshots/0123456789abcdef0123456789abcdef01234567 true
}

func ExampleParseID() {
	id, err := hub.ParseID("openai/clip-vit-base-patch32@refs/pr/16")
	fmt.Println(id.Repo, id.Revision, err)
	// Output: openai/clip-vit-base-patch32 refs/pr/16 <nil>
}
