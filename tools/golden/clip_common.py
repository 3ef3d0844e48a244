"""What the CLIP golden scripts share: pictures, a cut vocabulary, random weights, hooks, files."""
import gzip
import json
import math
import os
import shutil

import numpy as np
import open_clip
import torch
from PIL import Image, ImageDraw
from safetensors.torch import save_file

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
OUT = os.path.join(ROOT, "model/clip/testdata")
PICTURES = os.path.join(OUT, "pictures")

TEXTS = [
    "A beautiful sunset over the mountains",
    "a photo of a cat",
    "",
    "It's 3 o'clock: 12,5 % of the naïve façades… 日本 🙂!",
    "two  dogs\tplay\nin the SNOW",
    "a very long caption that goes on and on about many things which nobody would ever read to the end, since it says "
    "again and again the same words in another order: words, order, again, same, end, read, ever, nobody, things, many, "
    "caption, long, very, and then some more of them, until the tower has had enough of it and cuts the rest away",
]


def pictures():
    """Draws the small pictures that the end-to-end cases read. Sizes are width x height."""
    os.makedirs(PICTURES, exist_ok=True)

    def scene(w, h, seed):
        rng = np.random.default_rng(seed)
        y, x = np.mgrid[0:h, 0:w].astype(float)
        a = np.stack([255 * x / w, 255 * y / h, 128 + 127 * np.sin((x * 3 + y * 5) / 7)], 2)
        a += rng.normal(0, 12, a.shape)
        im = Image.fromarray(np.clip(a, 0, 255).astype(np.uint8))
        d = ImageDraw.Draw(im)
        d.ellipse([w * 0.2, h * 0.3, w * 0.6, h * 0.8], fill=(230, 30, 40))
        d.line([0, h, w, 0], fill=(0, 0, 0), width=2)
        return im

    ims = {
        "wide.png": scene(90, 37, 1), "tall.png": scene(29, 71, 2), "tiny.png": scene(9, 7, 3), "square.png": scene(32, 32, 4),
        "gray.png": scene(48, 45, 5).convert("L"),
    }
    rgba = scene(40, 33, 6).convert("RGBA")
    rgba.putalpha(Image.linear_gradient("L").resize(rgba.size))
    ims["alpha.png"] = rgba
    for name, im in ims.items():
        im.save(os.path.join(PICTURES, name), optimize=True)


PICTURE_NAMES = ["wide.png", "tall.png", "tiny.png", "square.png", "gray.png"]


def merges(count):
    """The first `count` merges of the published CLIP vocabulary, as pairs."""
    path = os.path.join(os.path.dirname(open_clip.__file__), "bpe_simple_vocab_16e6.txt.gz")
    lines = gzip.open(path).read().decode("utf-8").split("\n")[1:count + 1]
    return [tuple(line.split()) for line in lines]


def vocabulary(pairs):
    """CLIP's vocabulary over these merges: bytes, bytes that end a word, merges, the two special tokens."""
    from open_clip.tokenizer import bytes_to_unicode
    chars = list(bytes_to_unicode().values())
    tokens = chars + [c + "</w>" for c in chars] + ["".join(p) for p in pairs] + ["<|startoftext|>", "<|endoftext|>"]
    return {t: i for i, t in enumerate(tokens)}


def tokenizer(pairs, context):
    from transformers import CLIPTokenizer
    return CLIPTokenizer(vocab=vocabulary(pairs), merges=list(pairs), model_max_length=context)


def randomise(model, seed, scale):
    """Weights at which every term matters: no zero bias, no unit norm, blocks that change what they get."""
    g = torch.Generator().manual_seed(seed)

    def normal(p, std, mean=0.0):
        p.copy_(mean + std * torch.randn(p.shape, generator=g))

    with torch.no_grad():
        for name, p in model.named_parameters():
            leaf = name.split(".")[-1]
            if leaf == "logit_scale":
                p.fill_(math.log(scale))
            elif leaf == "logit_bias":
                p.fill_(-1.5)
            elif leaf == "gamma":
                normal(p, 0.1, 0.6)
            elif p.ndim == 1 and leaf.endswith("weight"):  # a layer norm's gain
                normal(p, 0.2, 1.0)
            elif leaf.endswith("bias"):
                normal(p, 0.2)
            elif "embed" in name and "patch" not in name:  # tables of tokens and positions, the class token
                normal(p, 0.5)
            elif p.ndim == 4:
                normal(p, 1.2 / math.sqrt(p[0].numel()))
            elif leaf in ("text_projection", "proj"):
                normal(p, 1 / math.sqrt(p.shape[0]))
            elif "qkv" in name or "in_proj" in name or "q_proj" in name or "k_proj" in name:
                normal(p, 1.5 / math.sqrt(p.shape[1]))
            else:
                normal(p, 1 / math.sqrt(p.shape[-1]))


class Stages:
    """Records what modules give (or get) during a forward pass, under plain names."""

    def __init__(self):
        self.values, self.hooks = {}, []

    def gives(self, name, module):
        self.hooks.append(module.register_forward_hook(lambda m, a, out: self.keep(name, out)))

    def gets(self, name, module):
        self.hooks.append(module.register_forward_pre_hook(lambda m, a, k: self.keep(name, a[0] if a else next(iter(k.values()))), with_kwargs=True))

    def keep(self, name, value):
        self.values[name] = (value[0] if isinstance(value, tuple) else value).detach().clone()

    def done(self):
        for h in self.hooks:
            h.remove()
        return self.values


def write_golden(folder, tensors):
    out = {}
    for k, v in tensors.items():
        v = v.detach()
        out[k] = (v.to(torch.int32) if not v.is_floating_point() else v.float()).contiguous().clone()
    save_file(dict(sorted(out.items())), os.path.join(folder, "golden.safetensors"))
    for f in os.listdir(folder):
        os.chmod(os.path.join(folder, f), 0o644)


def write_cases(folder, cases):
    with open(os.path.join(folder, "cases.json"), "w", encoding="utf-8") as f:
        json.dump(cases, f, ensure_ascii=True, indent=1)
        f.write("\n")


def fresh(name):
    folder = os.path.join(OUT, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    return folder


def stage_ids(vocab, context, batch, seed, start, end, high=()):
    """Random prompts: start, pieces, end, then more ends as padding. `high` are ids above the end token, placed before it."""
    g = torch.Generator().manual_seed(seed)
    ids = torch.full((batch, context), end, dtype=torch.long)
    for b in range(batch):
        n = [context // 2, context, 2, 5, context - 1][b % 5]  # ids up to and with the first end token
        ids[b, 0] = start
        ids[b, 1:n - 1] = torch.randint(0, min(start, end), (max(n - 2, 0),), generator=g)
        if high and n > 4:
            ids[b, 2] = high[b % len(high)]
    return ids


def deviation(run32, run64):
    """The largest differences between the f32 reference and the same in f64: noise below which a comparison means nothing."""
    return {k: float((run32[k].double() - run64[k]).abs().max()) for k in run32 if k in run64 and run32[k].is_floating_point()}


def report(name, dev):
    worst = max(dev, key=dev.get)
    logits = {k: f"{v:.1e}" for k, v in dev.items() if "logits" in k or "normalized" in k}
    print(f"{name}: reference f32 against f64: worst {worst} {dev[worst]:.1e}; {logits}")
    assert max(v for k, v in dev.items() if "logits" in k) < 3e-5, dev


def size(folder):
    return sum(os.path.getsize(os.path.join(d, f)) for d, _, fs in os.walk(folder) for f in fs)
