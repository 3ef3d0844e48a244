"""A step of training as PyTorch does it: an image tower learns to tell which of a batch of fixed vectors belongs to each picture.

The step is the same on both sides: the pictures through the tower, vectors of length 1, symmetric InfoNCE with a learnt temperature against
the vectors that stand for texts, the way back, AdamW. Weights, pictures and vectors come from one file, which make() writes.
"""
import os
import sys

import torch
import torch.nn.functional as F
from torch import nn

import lite
import towers

EXAMPLES = 64
RATE, DECAY, BETAS, EPS = 5e-4, 0.05, (0.9, 0.98), 1e-6


class Attention(nn.Module):
    def __init__(self, c, heads):
        super().__init__()
        self.heads, self.qkv, self.out = heads, nn.Linear(c, 3 * c), nn.Linear(c, c)

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = self.qkv(x).reshape(b, t, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        return self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, t, c))


class Block(nn.Module):
    def __init__(self, c, heads):
        super().__init__()
        self.norm1, self.attn, self.norm2 = nn.LayerNorm(c, 1e-6), Attention(c, heads), nn.LayerNorm(c, 1e-6)
        self.mlp = nn.Sequential(nn.Linear(c, 4 * c), nn.GELU(), nn.Linear(4 * c, c))

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class ViT(nn.Module):
    """timm's vision transformer."""

    def __init__(self, width, layers, heads, patch):
        super().__init__()
        self.patch = nn.Conv2d(3, width, patch, patch)
        self.token = nn.Parameter(torch.randn(width) * 0.02)
        self.position = nn.Parameter(torch.randn((224 // patch) ** 2 + 1, width) * 0.02)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(layers)))
        self.norm = nn.LayerNorm(width, 1e-6)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), 1, -1), x], 1) + self.position
        return self.norm(self.blocks(x))[:, 0]

    def entries(self):
        """The weights under the names of transformers' CLIPVisionModel."""
        out = {"embeddings.class_embedding": self.token, "embeddings.position_embedding.weight": self.position}
        layers = {"embeddings.patch_embedding": self.patch, "post_layernorm": self.norm}
        for i, b in enumerate(self.blocks):
            at = f"encoder.layers.{i}."
            layers |= {at + "layer_norm1": b.norm1, at + "layer_norm2": b.norm2, at + "self_attn.out_proj": b.attn.out, at + "mlp.fc1": b.mlp[0], at + "mlp.fc2": b.mlp[2]}
            for name, w, v in zip("qkv", b.attn.qkv.weight.chunk(3), b.attn.qkv.bias.chunk(3), strict=True):
                out |= {at + f"self_attn.{name}_proj.weight": w, at + f"self_attn.{name}_proj.bias": v}
        for name, layer in layers.items():
            out |= {name + ".weight": layer.weight, name + ".bias": layer.bias}
        return {k: v.detach().contiguous().clone() for k, v in out.items()}


def tower(shape):
    torch.manual_seed(1)
    if shape == "efficientnet-lite0":
        return lite.make()
    model = ViT(**towers.LEARNERS[shape])
    for m in model.modules():
        if isinstance(m, nn.Linear):
            nn.init.trunc_normal_(m.weight, std=0.02)
            nn.init.zeros_(m.bias)
    return model


def make(shape, cache):
    """The file of weights and examples; written first where the cache lacks it."""
    file = os.path.join(cache, f"train-{shape}.safetensors")
    if not os.path.exists(file):
        from safetensors.torch import save_file
        model = tower(shape)
        torch.manual_seed(2)
        # Each picture has an own blurred pattern under noise.
        pixels = F.interpolate(torch.randn(EXAMPLES, 3, 7, 7), (224, 224), mode="bilinear") + 0.3 * torch.randn(EXAMPLES, 3, 224, 224)
        texts = F.normalize(torch.randn(EXAMPLES, towers.LEARNERS[shape]["width"]), dim=1)
        save_file({"pixels": pixels, "texts": texts, **{"model." + k: v for k, v in model.entries().items()}}, file + ".part")
        os.rename(file + ".part", file)
    return file


def contender(job):
    """One step, the losses of the first job["steps"] steps, and what there is to say. precision is f32, autocast or bf16."""
    if job["precision"] != "f32" and job["steps"] > 10 and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        sys.exit("this processor has no products of bf16: the case train-… says what a step takes, and the first losses")
    from safetensors.torch import load_file
    torch.set_num_threads(job["threads"])
    torch.set_float32_matmul_precision("highest")
    data, model = load_file(job["file"]), tower(job["case"])
    pixels, texts, batch = data["pixels"], data["texts"], job["batch"]
    if job["precision"] == "bf16":
        model, pixels = model.bfloat16(), pixels.bfloat16()
    del data
    scale = nn.Parameter(torch.tensor(2.6592))
    heavy = [p for p in model.parameters() if p.ndim >= 2]
    light = [p for p in model.parameters() if p.ndim < 2] + [scale]
    optimiser = torch.optim.AdamW([{"params": heavy, "weight_decay": DECAY}, {"params": light, "weight_decay": 0.0}], lr=RATE, betas=BETAS, eps=EPS, fused=True)
    labels, count = torch.arange(batch), 0

    def loss_of(x, t):
        with torch.autocast("cpu", torch.bfloat16, enabled=job["precision"] == "autocast"):
            v = model(x)
        logits = scale.exp() * F.normalize(v.float(), dim=1) @ t.T
        return (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2

    if job["compiled"]:
        loss_of = torch.compile(loss_of)

    def run():
        nonlocal count
        at = count * batch % EXAMPLES
        count += 1
        optimiser.zero_grad(set_to_none=True)
        loss = loss_of(pixels[at:at + batch], texts[at:at + batch])
        loss.backward()
        optimiser.step()
        with torch.no_grad():
            scale.clamp_(0, 4.6052)
        return loss.item()

    return run, lambda: [run() for _ in range(job["steps"])], torch.backends.cpu.get_cpu_capability()
