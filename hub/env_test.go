package hub

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseID(t *testing.T) {
	for s, want := range map[string]ID{
		"openai/clip-vit-base-patch32": {"openai/clip-vit-base-patch32", ""}, "gpt2": {"gpt2", ""}, "a/b@v1.0": {"a/b", "v1.0"},
		"a/b@refs/pr/3": {"a/b", "refs/pr/3"}, "laion/CLIP-ViT-H-14-laion2B-s32B-b79K@" + commitA: {"laion/CLIP-ViT-H-14-laion2B-s32B-b79K", commitA},
	} {
		id, err := ParseID(s)
		if err != nil || id != want || id.String() != s {
			t.Errorf("%s is %+v, %v", s, id, err)
		}
	}
	for _, s := range []string{"", "/", "a/", "/a", "a/b/c", "a/b@", "../b", "a/..", ".a/b", "a--b/c", "a..b", "a b/c", "a/b@../x", "a/b@/x", "a/b@x//y", "a/b@x\ny",
		"a/b.git", "-a/b", "a/b-", "https://x/y", `a\b`, strings.Repeat("a", 97), "a/b@x\\y"} {
		if id, err := ParseID(s); err == nil {
			t.Errorf("%q is %+v", s, id)
		} else if !strings.HasPrefix(err.Error(), "hub: id") {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestFromEnv(t *testing.T) {
	home := t.TempDir()
	token := filepath.Join(home, "token-file")
	if err := os.WriteFile(token, []byte(" hf_file\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(home, "hf", "token"), "hf_home\n")
	join := func(p ...string) string { return filepath.Join(append([]string{home}, p...)...) }
	for name, c := range map[string]struct {
		env  map[string]string
		want Client
	}{
		"nothing":       {nil, Client{Endpoint: defaultEndpoint, Cache: join(".cache", "huggingface", "hub")}},
		"xdg":           {map[string]string{"XDG_CACHE_HOME": join("x")}, Client{Endpoint: defaultEndpoint, Cache: join("x", "huggingface", "hub")}},
		"home":          {map[string]string{"XDG_CACHE_HOME": join("x"), "HF_HOME": "~/hf"}, Client{Endpoint: defaultEndpoint, Cache: join("hf", "hub"), Token: "hf_home"}},
		"old cache":     {map[string]string{"HF_HOME": join("h"), "HUGGINGFACE_HUB_CACHE": join("c")}, Client{Endpoint: defaultEndpoint, Cache: join("c")}},
		"cache":         {map[string]string{"HF_HUB_CACHE": "$HOME/d", "HUGGINGFACE_HUB_CACHE": join("c")}, Client{Endpoint: defaultEndpoint, Cache: join("d")}},
		"token":         {map[string]string{"HF_TOKEN": "hf_env\n", "HF_TOKEN_PATH": token}, Client{Endpoint: defaultEndpoint, Cache: join(".cache", "huggingface", "hub"), Token: "hf_env"}},
		"old token":     {map[string]string{"HUGGING_FACE_HUB_TOKEN": "hf_old"}, Client{Endpoint: defaultEndpoint, Cache: join(".cache", "huggingface", "hub"), Token: "hf_old"}},
		"token's file":  {map[string]string{"HF_TOKEN_PATH": token}, Client{Endpoint: defaultEndpoint, Cache: join(".cache", "huggingface", "hub"), Token: "hf_file"}},
		"no token":      {map[string]string{"HF_TOKEN": "hf_env", "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}, Client{Endpoint: defaultEndpoint, Cache: join(".cache", "huggingface", "hub")}},
		"mirror":        {map[string]string{"HF_ENDPOINT": "http://localhost:99/"}, Client{Endpoint: "http://localhost:99", Cache: join(".cache", "huggingface", "hub")}},
		"offline":       {map[string]string{"HF_HUB_OFFLINE": "1"}, Client{Endpoint: defaultEndpoint, Cache: join(".cache", "huggingface", "hub"), Offline: true}},
		"transformers":  {map[string]string{"TRANSFORMERS_OFFLINE": "yes"}, Client{Endpoint: defaultEndpoint, Cache: join(".cache", "huggingface", "hub"), Offline: true}},
		"the first one": {map[string]string{"HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "1"}, Client{Endpoint: defaultEndpoint, Cache: join(".cache", "huggingface", "hub")}},
	} {
		t.Run(name, func(t *testing.T) {
			clearEnv(t, home)
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			got, err := FromEnv()
			if err != nil {
				t.Fatal(err)
			}
			if got.Endpoint != c.want.Endpoint || got.Cache != c.want.Cache || got.Token != c.want.Token || got.Offline != c.want.Offline {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
	clearEnv(t, home)
	for _, bad := range []string{"huggingface.co", "ftp://x", "http://", "::"} {
		t.Setenv("HF_ENDPOINT", bad)
		if _, err := FromEnv(); err == nil || !strings.Contains(err.Error(), "HF_ENDPOINT") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func clearEnv(t *testing.T, home string) {
	for _, k := range []string{"HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "HF_ENDPOINT",
		"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_IMPLICIT_TOKEN", "HF_HUB_DISABLE_SYMLINKS"} {
		t.Setenv(k, "")
	}
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
}

func FuzzInfo(f *testing.F) {
	f.Add([]byte(`{"sha":"` + commitA + `","siblings":[{"rfilename":"config.json","size":7,"blobId":"x"},{"rfilename":"../x","lfs":{"sha256":"y","size":-5}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		in, err := parseInfo(data)
		if err != nil {
			return
		}
		chosen, err := choose(model, in.files, nil)
		if err != nil {
			return
		}
		dir := filepath.FromSlash("/cache/snapshots/" + in.commit)
		for _, c := range chosen {
			if p := filepath.Join(dir, filepath.FromSlash(c.name)); c.size < -1 || !strings.HasPrefix(p, dir+string(filepath.Separator)) {
				t.Errorf("%+v lies at %s", c, p)
			}
		}
	})
}
