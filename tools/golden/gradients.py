"""Makes a tiny random CLIP model under train/testdata, and what PyTorch says of its learning: losses, gradients, those of autocast, steps of AdamW."""
import math
import os

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from transformers import CLIPConfig, CLIPModel

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
OUT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../train/testdata"))
END = 39


def save(values, name):
    save_file({k: v.detach().float().contiguous() for k, v in values.items()}, os.path.join(OUT, name))


def model():
    config = CLIPConfig(
        projection_dim=20,
        text_config=dict(vocab_size=40, hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=3, max_position_embeddings=11,
                         hidden_act="quick_gelu", eos_token_id=END, bos_token_id=38, pad_token_id=1),
        vision_config=dict(hidden_size=16, intermediate_size=36, num_hidden_layers=2, num_attention_heads=2, image_size=20, patch_size=6, hidden_act="gelu"))
    torch.manual_seed(11)
    m = CLIPModel(config).eval()
    for n, p in m.named_parameters():
        p.data = torch.randn(p.shape) * 0.25 + (1.0 if "norm" in n and n.endswith("weight") else 0.0)
    m.logit_scale.data.fill_(1.3)
    m.config.architectures = ["CLIPModel"]
    return m


def sigmoid_loss(cosines, scale, bias):
    """Zhai et al. 2023: pairs are positive on the diagonal, negative elsewhere; the sum is divided by the number of rows."""
    signs = 2 * torch.eye(len(cosines), dtype=cosines.dtype) - 1
    return -F.logsigmoid(signs * (cosines * scale.exp() + bias)).sum() / len(cosines)


def gradients(m):
    """The gradients of both losses by every parameter, computed in float64 from the float32 weights."""
    m = m.double()
    texts = [[38, 3, 7, END], [38, 9, 9, 12, 5, 30, 2, 8, 4, 17, END], [38, END], [38, 20, 21, 22, END], [38, 3, 8, END]]
    n = max(map(len, texts))
    ids = torch.tensor([t + [1] * (n - len(t)) for t in texts])
    pixels = torch.randn(len(texts), 3, 20, 20).double()
    golden = {"ids": torch.tensor(sum(texts, [])), "lengths": torch.tensor([len(t) for t in texts]), "pixels": pixels}
    out = m(input_ids=ids, pixel_values=pixels, return_loss=True)
    out.loss.backward()
    golden["infonce.loss"] = out.loss.reshape(1)
    for name, p in m.named_parameters():
        golden["infonce." + name] = p.grad.clone()
    for kind, scale, bias in [("sigmoid", 1.3, -2.5)]:
        a, b = out.image_embeds.detach().requires_grad_(), out.text_embeds.detach().requires_grad_()
        s, t = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (scale, bias))
        loss = sigmoid_loss(a @ b.T, s, t)
        loss.backward()
        golden |= {kind + ".a": a, kind + ".b": b, kind + ".loss": loss.reshape(1), kind + ".da": a.grad, kind + ".db": b.grad,
                   kind + ".dscale": s.grad.reshape(1), kind + ".dbias": t.grad.reshape(1)}
    save(golden, "gradients.safetensors")
    autocast(m.float(), ids, pixels.float())


def autocast(m, ids, pixels):
    """The gradients of InfoNCE with products in bfloat16, as torch.autocast makes them on a CPU."""
    m.zero_grad()
    with torch.autocast("cpu", torch.bfloat16):
        out = m(input_ids=ids, pixel_values=pixels, return_loss=True)
    out.loss.backward()
    save({"loss": out.loss.reshape(1)} | {name: p.grad for name, p in m.named_parameters()}, "autocast.safetensors")


def steps():
    """Six steps of AdamW over a matrix with decay and a vector without, gradients clipped, under a warm-up and a cosine."""
    w, b = torch.nn.Parameter(torch.randn(3, 5)), torch.nn.Parameter(torch.randn(4))
    golden = {"weight": w.clone(), "bias": b.clone()}
    optimiser = torch.optim.AdamW([{"params": [w], "weight_decay": 0.2}, {"params": [b], "weight_decay": 0.0}], lr=1, betas=(0.9, 0.98), eps=1e-6)
    norms, rates = [], []
    for i in range(6):
        rate = 0.1 * (i + 1) / 2 if i < 2 else 0.05 * (1 + math.cos(math.pi * (i - 2) / 4))  # open_clip's cosine_lr, 2 of 6 steps warm-up
        for group in optimiser.param_groups:
            group["lr"] = rate
        w.grad, b.grad = torch.randn(3, 5) * (0.1 if i % 2 else 1.0), torch.randn(4) * (0.1 if i % 2 else 1.0)
        golden |= {f"{i}.weight.grad": w.grad.clone(), f"{i}.bias.grad": b.grad.clone()}
        norms.append(torch.nn.utils.clip_grad_norm_([w, b], 1.0))
        rates.append(torch.tensor(rate))
        optimiser.step()
        golden |= {f"{i}.weight": w.clone(), f"{i}.bias": b.clone()}
    save(golden | {"norms": torch.stack(norms), "rates": torch.stack(rates)}, "adamw.safetensors")


os.makedirs(OUT, exist_ok=True)
M = model()
M.config.save_pretrained(OUT)
save(M.state_dict(), "model.safetensors")
gradients(M)
steps()
