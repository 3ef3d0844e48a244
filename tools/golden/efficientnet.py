"""Makes tiny random EfficientNet-Lite models of timm under model/efficientnet/testdata: inputs, every stage's output, loss and gradients."""
import os
import shutil
from functools import partial

import timm
import torch
from safetensors.torch import save_file
from timm.models._efficientnet_builder import decode_arch_def, round_channels
from timm.models.efficientnet import EfficientNet

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
OUT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../model/efficientnet/testdata"))
ARCH = [["ds_r1_k3_s1_e1_c16"], ["ir_r2_k3_s2_e6_c24"], ["ir_r2_k5_s2_e6_c40"], ["ir_r3_k3_s2_e6_c80"], ["ir_r3_k5_s1_e6_c112"], ["ir_r4_k5_s2_e6_c192"],
        ["ir_r1_k3_s1_e6_c320"]]


def tiny(width, depth, same):
    norm = dict(eps=1e-3, momentum=0.01) if same else dict(eps=1e-5, momentum=0.1)
    return EfficientNet(
        decode_arch_def(ARCH, depth, fix_first_last=True), num_classes=5, num_features=24, stem_size=10, fix_stem=True, pad_type="same" if same else "",
        round_chs_fn=partial(round_channels, multiplier=width), act_layer=torch.nn.ReLU6, norm_layer=partial(torch.nn.BatchNorm2d, **norm))


def make(name, width, depth, same, height, wide):
    torch.manual_seed(5)
    m = tiny(width, depth, same)
    for n, p in m.state_dict().items():
        if n.endswith("running_mean"):
            p.copy_(torch.randn(p.shape) * 0.2)
        elif n.endswith("running_var"):
            p.copy_(torch.rand(p.shape) * 0.6 + 0.7)
        elif p.dim() == 1 and not n.endswith("num_batches_tracked"):
            p.copy_(torch.randn(p.shape) * 0.3 + (1.0 if n.endswith("weight") else 0.3))
        elif p.dim() > 1:
            p.copy_(torch.randn(p.shape) * (2.0 / p[0].numel()) ** 0.5)
    save_file({k: v.half() if v.dim() > 1 else v for k, v in m.state_dict().items()}, os.path.join(OUT, name + ".safetensors"))
    m.load_state_dict({k: v.half().float() if v.dim() > 1 else v for k, v in m.state_dict().items()})
    pixels = torch.randn(3, 3, height, wide)
    target = torch.tensor([1, 4, 0])
    golden = {"pixels": pixels}
    rows = lambda x: x.permute(0, 2, 3, 1).contiguous()  # noqa: E731
    m.eval()
    with torch.no_grad():
        x = m.bn1(m.conv_stem(pixels))
        golden["stem"] = rows(x)
        for i, stage in enumerate(m.blocks):
            x = stage(x)
            golden[f"stage{i}"] = rows(x)
        golden["features"] = m.forward_head(m.forward_features(pixels), pre_logits=True)
        golden["logits"] = m(pixels)
    for kind in ["frozen", "train"]:
        m.train(kind == "train")
        m.zero_grad()
        loss = torch.nn.functional.cross_entropy(m(pixels), target)
        loss.backward()
        golden[kind + ".loss"] = loss.detach().reshape(1)
        for n, p in m.named_parameters():
            if kind == "frozen" and "blocks.5" not in n and "stem" not in n:
                continue
            golden[f"{kind}.{n}"] = p.grad.half() if p.dim() > 1 else p.grad
    for n in ["bn1", "blocks.0.0.bn2", "blocks.3.0.bn2", "bn2"]:
        for part in ["running_mean", "running_var"]:
            golden[f"train.{n}.{part}"] = m.state_dict()[f"{n}.{part}"]
    save_file({k: v.contiguous() for k, v in golden.items()}, os.path.join(OUT, name + ".golden.safetensors"))


if __name__ == "__main__":
    print("timm", timm.__version__)
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    make("same", 0.1, 0.5, True, 37, 46)
    make("symmetric", 0.12, 0.2, False, 32, 41)
