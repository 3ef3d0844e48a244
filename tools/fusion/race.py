"""What MultiBench makes of the sets: its own fusion layers, heads and training loop, fed with tensors that lie ready.

    python race.py DIR MULTIBENCH

DIR holds what `fusion data` wrote, MULTIBENCH a copy of its repository (MIT). Each line of standard input is a job, each line of output what came of
it; whoever sends jobs decides when. Encoders are those of package fusion, written with PyTorch's own layers, so that both sides compute the
same sizes; MultiBench leaves them to its user. Needs torch, safetensors, scikit-learn, tqdm, matplotlib, memory_profiler and torchvision.
"""
import contextlib
import json
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


def parts(method, xs, classes):
    """Encoders, fusion and head."""
    shapes, n = [x.shape[1:] for x in xs], len(xs)
    if method == "mult":
        class Sizes(MULTModel.DefaultHyperParams):
            num_heads, layers, embed_dim, output_dim = HEADS, LAYERS, WIDTH, classes
            attn_dropout = relu_dropout = res_dropout = embed_dropout = DROPOUT
        return [Identity() for _ in xs], MULTModel(n, [s[1] for s in shapes], Sizes), Identity()
    encoders = [Encoder(*s) for s in shapes]
    if method == "concat":
        return encoders, Concat(), MLP(n * WIDTH, 2 * WIDTH, classes, dropout=True, dropoutp=DROPOUT)
    return encoders, LowRankTensorFusion([WIDTH] * n, WIDTH, RANK), Linear(WIDTH, classes)


def work(job):
    torch.set_num_threads(job["threads"])
    torch.manual_seed(job["seed"])
    sides, classes = read(job["set"])
    learn, valid, test = (Batches(*side, job["batch"] if k == 0 else 256, k == 0) for k, side in enumerate(sides))
    encoders, fusion, head = parts(job["method"], sides[0][0], classes)
    params = sum(p.numel() for part in [*encoders, fusion, head] for p in part.parameters())
    with tempfile.TemporaryDirectory() as folder:
        best = os.path.join(folder, "best.pt")
        wall, cpu = time.perf_counter(), time.process_time()
        with contextlib.redirect_stdout(sys.stderr):
            train(encoders, fusion, head, learn, valid, job["epochs"], optimtype=torch.optim.AdamW, lr=job["rate"], weight_decay=0.01,
                  save=best, track_complexity=False)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        model = torch.load(best, weights_only=False).eval()
    with torch.no_grad():
        right = [int(v) for *xs, y in test for v in model(xs).argmax(1) == y]
    return {"wall": wall, "cpu": cpu, "right": right, "values": params}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(work(json.loads(line))), flush=True)
