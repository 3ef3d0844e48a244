"""What mini sees, in PyTorch and for OpenVINO, with the weights that ship: the image tower, the mix of its classes, the head."""
import json
import os

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F

import lite

SIDE = lite.SIDE


def weights(folder):
    """The tensors of model.safetensors, those in int8 multiplied by their rows' scales."""
    stored = load_file(os.path.join(folder, "model.safetensors"))
    out = {}
    for name, t in stored.items():
        if name.endswith("_scale"):
            continue
        if t.dtype == torch.int8:
            t = t.float() * stored[name + "_scale"].reshape(-1, *[1] * (t.dim() - 1))
        out[name] = t.float()
    return out


class Seer(nn.Module):
    """Pictures [B, 3, 224, 224] to vectors [B, D] of length 1."""

    def __init__(self, folder):
        super().__init__()
        with open(os.path.join(folder, "config.json")) as f:
            self.config = json.load(f)["sight"]
        w = weights(folder)
        self.tower = lite.Lite0()
        for name, module in list(self.tower.named_modules()):
            if isinstance(module, nn.Conv2d):  # batch norm is folded into it
                module.weight, module.bias = nn.Parameter(w["image." + name + ".weight"]), nn.Parameter(w["image." + name + ".bias"])
            elif isinstance(module, nn.BatchNorm2d):
                parent = self.tower.get_submodule(name.rpartition(".")[0])
                setattr(parent, name.rpartition(".")[2], nn.Identity())
        for name in ("image.classifier.weight", "image.classifier.bias", *(k for k in w if k.startswith("sight."))):
            self.register_buffer(name.replace(".", "_"), w[name])

    def forward(self, x):
        c = self.config
        features = self.tower(x)
        logits = F.linear(features, self.image_classifier_weight, self.image_classifier_bias)
        top, at = logits.topk(c["likeliest"], dim=1)
        shares = torch.zeros_like(logits).scatter(1, at, torch.softmax(top / c["temperature"], dim=1))
        base = F.normalize(shares @ self.sight_classes.T, dim=1)
        normed = (features - self.sight_norm_running_mean) / torch.sqrt(self.sight_norm_running_var + 1e-5) * self.sight_norm_weight + self.sight_norm_bias
        hidden = F.gelu(F.linear(normed, self.sight_head_up_weight, self.sight_head_up_bias))
        head = F.linear(hidden, self.sight_head_down_weight, self.sight_head_down_bias) + F.linear(normed, self.sight_head_direct_weight, self.sight_head_direct_bias)
        seen = F.normalize(base + c["weight"] * F.normalize(head, dim=1), dim=1)
        return F.normalize(seen - c.get("centre", 0) * self.sight_classes.mean(dim=1), dim=1)


def export(folder, target):
    """Writes OpenVINO's form of it."""
    import openvino as ov
    model = Seer(folder).eval()
    with torch.inference_mode():
        made = ov.convert_model(model, example_input=torch.rand(2, 3, SIDE, SIDE), input=[([-1, 3, SIDE, SIDE], ov.Type.f32)])
    ov.save_model(made, target, compress_to_fp16=False)


def pixels(image):
    """A picture of Pillow's as the tower takes it: whole, squashed."""
    import numpy as np
    from PIL import Image
    x = np.asarray(image.convert("RGB").resize((SIDE, SIDE), Image.BICUBIC), dtype=np.float32)
    return ((x - 127) / 128).transpose(2, 0, 1)
