package clip

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/chiasm/chiasm/model/text"
	"github.com/chiasm/chiasm/model/vit"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
)

// openConfig is what open_clip_config.json says of a model. Fields of features that chiasm lacks are read only to refuse them.
type openConfig struct {
	EmbedDim      int            `json:"embed_dim"`
	QuickGELU     bool           `json:"quick_gelu"`
	InitLogitBias *float64       `json:"init_logit_bias"`
	Vision        openVision     `json:"vision_cfg"`
	Text          openText       `json:"text_cfg"`
	Multimodal    map[string]any `json:"multimodal_cfg"`
}

type openVision struct {
	Layers           json.RawMessage `json:"layers"`
	Width            int             `json:"width"`
	HeadWidth        int             `json:"head_width"`
	MLPRatio         float64         `json:"mlp_ratio"`
	PatchSize        int             `json:"patch_size"`
	ImageSize        json.RawMessage `json:"image_size"`
	AttentionalPool  any             `json:"attentional_pool"`
	NoLNPre          bool            `json:"no_ln_pre"`
	FinalLNAfterPool bool            `json:"final_ln_after_pool"`
	PoolType         string          `json:"pool_type"`
	TimmModelName    string          `json:"timm_model_name"`
	TimmPool         string          `json:"timm_pool"`
	TimmProj         any             `json:"timm_proj"`
	TimmProjBias     bool            `json:"timm_proj_bias"`
	openTower
}

type openText struct {
	ContextLength int     `json:"context_length"`
	VocabSize     int     `json:"vocab_size"`
	Width         int     `json:"width"`
	Heads         int     `json:"heads"`
	Layers        int     `json:"layers"`
	MLPRatio      float64 `json:"mlp_ratio"`
	EmbedCLS      bool    `json:"embed_cls"`
	PadID         int32   `json:"pad_id"`
	EOSID         int32   `json:"eos_id"`
	NoCausalMask  bool    `json:"no_causal_mask"`
	PoolType      string  `json:"pool_type"`
	ProjBias      bool    `json:"proj_bias"`
	ProjType      string  `json:"proj_type"`
	HFModelName   string  `json:"hf_model_name"`
	openTower
}

// openTower is what both towers may say.
type openTower struct {
	BlockType        *string `json:"block_type"`
	QKNorm           bool    `json:"qk_norm"`
	ScaledCosineAttn bool    `json:"scaled_cosine_attn"`
	ScaleHeads       bool    `json:"scale_heads"`
	ScaleAttnInner   bool    `json:"scale_attn_inner"`
	ScaleAttn        bool    `json:"scale_attn"`
	ScaleFC          bool    `json:"scale_fc"`
	Norm             struct {
		Eps *float32 `json:"eps"`
	} `json:"norm_kwargs"`
	Act struct {
		Approximate string `json:"approximate"`
	} `json:"act_kwargs"`
}

// refuse names the first feature of a tower that chiasm does not have.
func (t *openTower) refuse(tower string) error {
	for _, f := range []struct {
		name string
		on   bool
	}{
		{"qk_norm", t.QKNorm}, {"scaled_cosine_attn", t.ScaledCosineAttn}, {"scale_heads", t.ScaleHeads},
		{"scale_attn_inner", t.ScaleAttnInner}, {"scale_attn", t.ScaleAttn}, {"scale_fc", t.ScaleFC},
		{"block_type", t.BlockType != nil && *t.BlockType != "" && *t.BlockType != "default"},
	} {
		if f.on {
			return fmt.Errorf("clip: open_clip config: %s: %s is not supported", tower, f.name)
		}
	}
	return nil
}

func (t *openTower) eps() float32 {
	if t.Norm.Eps != nil {
		return *t.Norm.Eps
	}
	return 1e-5
}

func (t *openTower) act(quick bool) tensor.Activation {
	switch {
	case quick:
		return tensor.QuickGELU
	case t.Act.Approximate == "tanh":
		return tensor.GELUTanh
	}
	return tensor.GELU
}

// ParseOpenConfig reads the model_cfg of an open_clip_config.json. The shape of a timm tower is not in the file: it is taken from the
// weights.
func ParseOpenConfig(data []byte, set *weights.Set) (*Config, error) {
	f := openConfig{
		Vision: openVision{HeadWidth: 64, Width: 768, MLPRatio: 4, PatchSize: 16, PoolType: "tok", TimmPool: "avg", TimmProj: "linear"},
		Text: openText{
			ContextLength: 77, VocabSize: 49408, Width: 512, Heads: 8, Layers: 12, MLPRatio: 4, EOSID: 2, PoolType: "argmax", ProjType: "linear",
		},
	}
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("clip: open_clip config: %w", err)
	}
	text, err := f.text()
	if err != nil {
		return nil, err
	}
	c := &Config{Layout: OpenCLIP, D: f.EmbedDim, Text: text, Head: HeadLinear, Bias: f.InitLogitBias != nil}
	if f.Vision.TimmModelName != "" {
		err = f.timm(c, set)
	} else {
		c.Vision, err = f.vision()
	}
	if err != nil {
		return nil, err
	}
	return c, c.Validate()
}

func (f *openConfig) text() (text.Config, error) {
	t := &f.Text
	pool, ok := map[string]text.Pool{"argmax": text.PoolHighest, "eos": text.PoolEnd, "last": text.PoolLast}[t.PoolType]
	switch {
	case t.HFModelName != "":
		return text.Config{}, fmt.Errorf("clip: open_clip config: text tower %q is not supported, want open_clip's own", t.HFModelName)
	case f.Multimodal != nil:
		return text.Config{}, fmt.Errorf("clip: open_clip config: CoCa (multimodal_cfg) is not supported")
	case t.EmbedCLS:
		return text.Config{}, fmt.Errorf("clip: open_clip config: embed_cls is not supported")
	case t.ProjType != "linear":
		return text.Config{}, fmt.Errorf("clip: open_clip config: proj_type %q is not supported, want linear", t.ProjType)
	case !ok:
		return text.Config{}, fmt.Errorf("clip: open_clip config: text pool_type %q is not supported, want argmax, eos or last", t.PoolType)
	}
	return text.Config{
		Width: t.Width, Layers: t.Layers, Heads: t.Heads, Hidden: ratio(t.Width, t.MLPRatio), Vocab: t.VocabSize, Context: t.ContextLength,
		Act: t.act(f.QuickGELU), Eps: t.eps(), Causal: !t.NoCausalMask, Pool: pool, End: t.EOSID, Pad: t.PadID, ProjectionBias: t.ProjBias,
	}, t.refuse("text_cfg")
}

func (f *openConfig) vision() (vit.Config, error) {
	v := &f.Vision
	layers := 12
	if len(v.Layers) > 0 {
		if err := json.Unmarshal(v.Layers, &layers); err != nil {
			return vit.Config{}, fmt.Errorf("clip: open_clip config: vision_cfg layers %s is not supported (a ResNet?), want a number", v.Layers)
		}
	}
	if on, _ := v.AttentionalPool.(bool); on || (v.AttentionalPool != nil && v.AttentionalPool != false) {
		return vit.Config{}, fmt.Errorf("clip: open_clip config: attentional_pool is not supported")
	}
	pool, ok := map[string]vit.Pool{"tok": vit.PoolToken, "avg": vit.PoolMean}[v.PoolType]
	if !ok {
		return vit.Config{}, fmt.Errorf("clip: open_clip config: vision pool_type %q is not supported, want tok or avg", v.PoolType)
	}
	h, w, err := imageSize(v.ImageSize)
	if err != nil {
		return vit.Config{}, err
	}
	return vit.Config{
		Width: v.Width, Layers: layers, Heads: v.Width / max(v.HeadWidth, 1), Hidden: ratio(v.Width, v.MLPRatio), Height: h, Wide: w,
		Patch: v.PatchSize, Act: v.act(f.QuickGELU), Eps: v.eps(), ClassToken: true, PreNorm: !v.NoLNPre, Pool: pool, NormPooled: v.FinalLNAfterPool,
	}, v.refuse("vision_cfg")
}

// ratio is an MLP's hidden width, within bounds that [Config.Validate] will check.
func ratio(width int, r float64) int {
	return int(math.Min(float64(width)*r, 1<<30))
}

// imageSize reads a number or a pair of height and width.
func imageSize(data json.RawMessage) (h, w int, err error) {
	if len(data) == 0 {
		return 224, 224, nil
	}
	if json.Unmarshal(data, &h) == nil {
		return h, h, nil
	}
	var pair []int
	if json.Unmarshal(data, &pair) == nil && len(pair) == 2 {
		return pair[0], pair[1], nil
	}
	return 0, 0, fmt.Errorf("clip: open_clip config: image_size is %s, want a number or [height, width]", data)
}

// timm fills in the image tower from the name of a timm vision transformer and the shapes of its weights.
func (f *openConfig) timm(c *Config, set *weights.Set) error {
	v := &f.Vision
	name, _, _ := strings.Cut(strings.TrimPrefix(v.TimmModelName, "timm/"), ".")
	shape := shapes{set, "visual.trunk."}
	patch := shape.of("patch_embed.proj.weight")
	if !strings.HasPrefix(name, "vit_") || len(patch) != 4 || patch[1] != 3 || patch[2] != patch[3] || shape.has("blocks.0.attn.q_norm.weight") ||
		shape.has("reg_token") || shape.has("attn_pool.latent") || shape.has("blocks.0.attn.rel_pos.relative_position_bias_table") {
		return fmt.Errorf("clip: open_clip config: timm tower %q is not supported, want a plain vision transformer (vit_…)", v.TimmModelName)
	}
	h, w, err := imageSize(v.ImageSize)
	if err != nil {
		return err
	}
	width := patch[0]
	t := vit.Config{
		Width: width, Heads: max(width/64, 1), Height: h, Wide: w, Patch: patch[2], Act: tensor.GELU, Eps: 1e-6,
		Layers: shape.count("blocks."), ClassToken: shape.has("cls_token"), PatchBias: shape.has("patch_embed.proj.bias"),
		NoQKVBias: !shape.has("blocks.0.attn.qkv.bias"), PreNorm: shape.has("norm_pre.weight"), NormPooled: shape.has("fc_norm.weight"),
	}
	if s := shape.of("blocks.0.mlp.fc1.weight"); len(s) == 2 {
		t.Hidden = s[0]
	}
	for _, large := range []string{"_huge_", "_giant_", "_gigantic_", "_so400m_", "_so150m_"} {
		if strings.Contains(name, large) {
			t.Heads = 16
		}
	}
	if strings.Contains(name, "_clip_") {
		t.Eps = 1e-5
	}
	if strings.Contains(name, "quickgelu") {
		t.Act = tensor.QuickGELU
	}
	if s := shape.of("pos_embed"); len(s) == 3 && t.ClassToken && t.Patch > 0 && s[1] == t.Patches() {
		t.BarePositions = true
	}
	switch {
	case v.TimmPool == "avg" || v.TimmPool == "" && !t.ClassToken:
		t.Pool = vit.PoolMean
	case v.TimmPool == "token" || v.TimmPool == "":
		t.Pool = vit.PoolToken
	default:
		return fmt.Errorf("clip: open_clip config: timm_pool %q is not supported, want avg, token or none", v.TimmPool)
	}
	switch v.TimmProj {
	case "linear":
		c.HeadBias = v.TimmProjBias
	case "mlp":
		c.Head, c.HeadBias = HeadMLP, v.TimmProjBias
	case "none":
		c.Head = HeadNone
	case "", nil: // the trunk's own classifier leads into the space
		c.HeadBias = true
	default:
		return fmt.Errorf("clip: open_clip config: timm_proj %v is not supported, want linear, mlp or none", v.TimmProj)
	}
	c.Vision = t
	return nil
}

// shapes looks up shapes of entries below a prefix.
type shapes struct {
	set    *weights.Set
	prefix string
}

func (s shapes) of(name string) []int {
	e, _ := s.set.Get(s.prefix + name)
	return e.Shape
}

func (s shapes) has(name string) bool {
	_, ok := s.set.Get(s.prefix + name)
	return ok
}

// count is the number of numbered modules below name.
func (s shapes) count(name string) int {
	seen := map[string]bool{}
	for _, n := range s.set.Names() {
		if rest, ok := strings.CutPrefix(n, s.prefix+name); ok {
			i, _, _ := strings.Cut(rest, ".")
			seen[i] = true
		}
	}
	return len(seen)
}

// InferConfig reads the shape of an original OpenAI checkpoint, which has no config, from its weights: heads are 64 wide, the
// activation is QuickGELU (Radford et al. 2021).
func InferConfig(set *weights.Set) (*Config, error) {
	shape := shapes{set, ""}
	conv, table, pos, proj := shape.of("visual.conv1.weight"), shape.of("token_embedding.weight"), shape.of("positional_embedding"), shape.of("text_projection")
	visionPos := shape.of("visual.positional_embedding")
	if len(conv) != 4 || len(visionPos) != 2 || len(table) != 2 || len(pos) != 2 || len(proj) != 2 {
		if shape.has("visual.attnpool.positional_embedding") {
			return nil, fmt.Errorf("clip: weights: a ResNet image tower is not supported, want a vision transformer")
		}
		return nil, fmt.Errorf("clip: weights: these are not OpenAI's CLIP: want visual.conv1.weight, visual.positional_embedding, token_embedding.weight, positional_embedding and text_projection")
	}
	grid := int(math.Round(math.Sqrt(float64(visionPos[0] - 1))))
	hidden := func(prefix string) int {
		if s := shape.of(prefix + "0.mlp.c_fc.weight"); len(s) == 2 {
			return s[0]
		}
		return 0
	}
	c := &Config{
		Layout: OpenAI, D: proj[1], Head: HeadLinear,
		Text: text.Config{
			Width: table[1], Layers: shape.count("transformer.resblocks."), Heads: max(table[1]/64, 1), Hidden: hidden("transformer.resblocks."),
			Vocab: table[0], Context: pos[0], Act: tensor.QuickGELU, Eps: 1e-5, Causal: true, Pool: text.PoolHighest,
		},
		Vision: vit.Config{
			Width: conv[0], Layers: shape.count("visual.transformer.resblocks."), Heads: max(conv[0]/64, 1), Hidden: hidden("visual.transformer.resblocks."),
			Height: grid * conv[2], Wide: grid * conv[2], Patch: conv[2], Act: tensor.QuickGELU, Eps: 1e-5, ClassToken: true, PreNorm: true, Pool: vit.PoolToken,
		},
	}
	return c, c.Validate()
}
