"""What MultiBench makes of the sets: its own fusion layers, heads and training loop, fed with tensors that lie ready.

    python race.py DIR MULTIBENCH

DIR holds what `fusion data` wrote, MULTIBENCH a copy of its repository (MIT). Each line of standard input is a job, each line of output what came of
it; whoever sends jobs decides when. Encoders are those of package fusion, written with PyTorch's own layers, so that both sides compute the
same sizes; MultiBench leaves them to its user. What a job names under "equal" is made as package fusion has it:

    mended  the low-rank factors learn (MultiBench keeps them in a list that no optimiser sees), and the answer of its MLP with dropout is that of
            the last layer (MultiBench returns the hidden one)
    rate    the learning rate rises and falls, with AdamW's second beta and the clipping of gradients
    start   the first values of weights

Needs torch, safetensors, scikit-learn, tqdm, matplotlib, memory_profiler and torchvision.
"""
import contextlib
import json
import math
import os
import sys
import tempfile
import time

import torch
from safetensors import safe_open
from torch import nn

DIR, MULTIBENCH = sys.argv[1:3]
sys.path.insert(0, MULTIBENCH)
from fusions.common_fusions import Concat, LowRankTensorFusion  # noqa: E402
from fusions.mult import MULTModel  # noqa: E402
from training_structures.Supervised_Learning import train  # noqa: E402
from unimodals.common_models import MLP, Identity, Linear  # noqa: E402

WIDTH, HEADS, LAYERS, RANK, DROPOUT = 32, 4, 2, 4, 0.1


class Encoder(nn.Module):
    """A modality's vector: the mean of its tokens after layers of their own."""

    def __init__(self, tokens, features):
        super().__init__()
        self.proj = nn.Linear(features, WIDTH)
        self.positions = nn.Parameter(torch.randn(tokens, WIDTH) * 0.02) if tokens > 1 else None
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 2 * WIDTH, 0.0, "gelu", batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False) if tokens > 1 else None
        self.end = nn.Sequential(nn.GELU(), nn.Dropout(DROPOUT))

    def forward(self, x):
        x = self.proj(x)
        if self.layers is not None:
            x = self.layers(x + self.positions)
        return self.end(x.mean(1))


class Batches:
    """Batches of tensors in an order of their own for each epoch: no loader could be quicker."""

    def __init__(self, xs, y, size, shuffle):
        self.xs, self.y, self.size, self.shuffle = xs, y, size, shuffle

    def __iter__(self):
        order = torch.randperm(len(self.y)) if self.shuffle else torch.arange(len(self.y))
        for part in order.split(self.size):
            yield [x[part] for x in self.xs] + [self.y[part]]


def read(name):
    """Sides of a set, features brought to mean 0 and variance 1 as they are on the first."""
    with safe_open(os.path.join(DIR, name + ".safetensors"), "pt") as f:
        count = len(f.metadata()["modalities"].split())
        xs, y, side = [f.get_tensor(f"x{m}") for m in range(count)], f.get_tensor("class").long(), f.get_tensor("side")
        classes = int(f.metadata()["classes"])
    for m, x in enumerate(xs):
        rows = x[side == 0].flatten(0, 1)
        xs[m] = (x - rows.mean(0)) / (rows.var(0, unbiased=False) + 1e-6).sqrt()
    return [([x[side == k].contiguous() for x in xs], y[side == k]) for k in range(3)], classes


class Head(MLP):
    """MultiBench's MLP with dropout, whose answer is that of its last layer."""

    def forward(self, x):
        return self.fc2(self.dropout_layer(torch.relu(self.fc(x))))


def scheduled(steps):
    """AdamW whose rate rises for a twentieth of the steps, then falls along half a cosine."""

    class Scheduled(torch.optim.AdamW):
        done = 0

        def step(self, *args, **kwargs):
            warmup = steps // 20
            at = (self.done + 1) / warmup if self.done < warmup else (1 + math.cos(math.pi * (self.done - warmup) / (steps - warmup))) / 2
            for group in self.param_groups:
                group["lr"], group["betas"] = group.setdefault("highest", group["lr"]) * at, (0.9, 0.99)
            self.done += 1
            return super().step(*args, **kwargs)

    return Scheduled


@torch.no_grad()
def start(module):
    """First values: uniform with a spread of one over the root of what goes in, biases 0."""
    for name, p in module.named_parameters():
        if "factors" in name:  # [rank, 1 + in, out], the first row is the bias
            p[:, :1] = 0
            p[:, 1:].uniform_(-1, 1).mul_(math.sqrt(3 / (p.shape[1] - 1)))
        elif p.dim() >= 2:
            p.uniform_(-1, 1).mul_(math.sqrt(3 / p[0].numel()))
        else:
            p.fill_("norm" in name and name.endswith("weight"))


def parts(method, xs, classes, equal):
    """Encoders, fusion and head."""
    shapes, n = [x.shape[1:] for x in xs], len(xs)
    if method == "mult":
        class Sizes(MULTModel.DefaultHyperParams):
            num_heads, layers, embed_dim, output_dim = HEADS, LAYERS, WIDTH, classes
            attn_dropout = relu_dropout = res_dropout = embed_dropout = DROPOUT
        return [Identity() for _ in xs], MULTModel(n, [s[1] for s in shapes], Sizes), Identity()
    encoders = [Encoder(*s) for s in shapes]
    if method == "concat":
        kind = Head if "mended" in equal else MLP
        return encoders, Concat(), kind(n * WIDTH, 2 * WIDTH, classes, dropout=True, dropoutp=DROPOUT)
    fusion = LowRankTensorFusion([WIDTH] * n, WIDTH, RANK)
    if "mended" in equal:
        fusion.factors = nn.ParameterList(fusion.factors)
    return encoders, fusion, Linear(WIDTH, classes)


def work(job):
    torch.set_num_threads(job["threads"])
    torch.manual_seed(job["seed"])
    sides, classes = read(job["set"])
    learn, valid, test = (Batches(*side, job["batch"] if k == 0 else 256, k == 0) for k, side in enumerate(sides))
    encoders, fusion, head = parts(job["method"], sides[0][0], classes, job["equal"])
    optimiser, clip = torch.optim.AdamW, 8
    if "rate" in job["equal"]:
        optimiser, clip = scheduled(job["epochs"] * math.ceil(len(sides[0][1]) / job["batch"])), 1
    if "start" in job["equal"]:
        for part in [*encoders, fusion, head]:
            start(part)
    params = sum(p.numel() for part in [*encoders, fusion, head] for p in part.parameters())
    with tempfile.TemporaryDirectory() as folder:
        best = os.path.join(folder, "best.pt")
        wall, cpu = time.perf_counter(), time.process_time()
        with contextlib.redirect_stdout(sys.stderr):
            train(encoders, fusion, head, learn, valid, job["epochs"], optimtype=optimiser, lr=job["rate"], weight_decay=0.01,
                  clip_val=clip, save=best, track_complexity=False)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        model = torch.load(best, weights_only=False).eval()
    with torch.no_grad():
        right = [int(v) for *xs, y in test for v in model(xs).argmax(1) == y]
    return {"wall": wall, "cpu": cpu, "right": right, "values": params}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(work(json.loads(line))), flush=True)
