"""Writes what the tiny CLIP, Chinese-CLIP and SigLIP models in testdata make of tokens: last hidden states after the norm and the projection of
the vectors, those of patches brought to a grid by adaptive_avg_pool2d. Each model's tokens.safetensors lies beside its golden.safetensors."""
import os

import torch
from safetensors.torch import load_file, save_file
from transformers import ChineseCLIPModel, CLIPModel, SiglipModel

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../model"))
SIDES = (1, 2, 4)


def grids(patches, height, width):
    """[B, N, D] to [B, side, side, D] for each side."""
    b, _, d = patches.shape
    x = patches.transpose(1, 2).reshape(b, d, height, width)
    return {f"image.{s}": torch.nn.functional.adaptive_avg_pool2d(x, s).permute(0, 2, 3, 1).contiguous() for s in SIDES}


def write(folder, values):
    save_file({k: v.contiguous() for k, v in values.items()}, os.path.join(folder, "tokens.safetensors"))


@torch.no_grad()
def clip(name):
    folder = os.path.join(ROOT, "clip/testdata", name)
    m = CLIPModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    g = load_file(os.path.join(folder, "golden.safetensors"))
    v = m.vision_model(pixel_values=g["pixel_values"]).last_hidden_state
    side = m.config.vision_config.image_size // m.config.vision_config.patch_size
    values = grids(m.visual_projection(m.vision_model.post_layernorm(v[:, 1:])), side, side)
    values["text"] = m.text_projection(m.text_model(input_ids=g["input_ids"]).last_hidden_state)
    write(folder, values)


@torch.no_grad()
def chinese(name):
    folder = os.path.join(ROOT, "chineseclip/testdata", name)
    m = ChineseCLIPModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    g = load_file(os.path.join(folder, "golden.safetensors"))
    v = m.vision_model(pixel_values=g["pixels"]).last_hidden_state
    side = m.config.vision_config.image_size // m.config.vision_config.patch_size
    values = grids(m.visual_projection(m.vision_model.post_layernorm(v[:, 1:])), side, side)
    texts = g["ids"].long().split(g["lengths"].tolist())
    values["text"] = torch.cat([m.text_projection(m.text_model(input_ids=ids[None]).last_hidden_state[0]) for ids in texts])
    write(folder, values)


@torch.no_grad()
def siglip(name):
    folder = os.path.join(ROOT, "siglip/testdata", name)
    m = SiglipModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    g = load_file(os.path.join(folder, "golden.safetensors"))
    v = m.vision_model(pixel_values=g["pixels"]).last_hidden_state
    side = m.config.vision_config.image_size // m.config.vision_config.patch_size
    values = grids(v, side, side)
    values["text"] = m.text_model.head(m.text_model(input_ids=g["ids"].long()).last_hidden_state)
    write(folder, values)


for n in ("transformers", "transformers-f16"):
    clip(n)
for n in ("vocab", "old"):
    chinese(n)
for n in ("siglip", "siglip2"):
    siglip(n)
