"""What MultiBench makes of the sets: its own fusion layers, heads and training loop, fed with tensors that lie ready.

    python race.py DIR MULTIBENCH

DIR holds what `fusion data` wrote, MULTIBENCH a copy of its repository (MIT). Each line of standard input is a job, each line of output what came of
it; whoever sends jobs decides when. Encoders are those of package fusion, written with PyTorch's own layers, so that both sides compute the
same sizes; MultiBench leaves them to its user. What a job names under "equal" is made as package fusion has it:

    mended  the low-rank factors learn (MultiBench keeps them in a list that no optimiser sees), and the answer of its MLP with dropout is that of
            the last layer (MultiBench returns the hidden one)
    rate    the learning rate rises and falls, with AdamW's second beta and the clipping of gradients
    start   the first values of weights
    gelu    the hidden layer of the head of concat has GELU for ReLU
    itself  of mult: no modality sees itself
    shape   of mult: and all the rest is as in package fusion, but for ReLU within the layers; see Pairs

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

    activation = staticmethod(torch.relu)

    def forward(self, x):
        return self.fc2(self.dropout_layer(self.activation(self.fc(x))))


class Smooth(Head):
    activation = staticmethod(nn.functional.gelu)


class Learned(nn.Module):
    """Positions that are learnt, in place of sines."""

    def __init__(self, tokens, width):
        super().__init__()
        self.values = nn.Parameter(torch.zeros(tokens, width))

    def forward(self, tokens):  # [N, T]
        return self.values.expand(len(tokens), -1, -1)


class Pairs(MULTModel):
    """MULTModel without the networks in which a modality sees itself. With shape it has learnt positions, once, on tokens that are not scaled; no
    mask; one layer of self-attention; hidden layers twice as wide, not four times; a norm at the very end alone; the mean of the tokens for
    the last one; and dropout before the answer alone."""

    def __init__(self, shapes, sizes, shape):
        n, width, sizes.attn_mask = len(shapes), sizes.embed_dim, not shape
        if shape:
            sizes.attn_dropout = sizes.relu_dropout = sizes.res_dropout = sizes.embed_dropout = 0
        super().__init__(n, [s[1] for s in shapes], sizes)
        self.shape, within = shape, (n - 1) * width
        self.trans = nn.ModuleList(nn.ModuleList(net for j, net in enumerate(row) if j != i) for i, row in enumerate(self.trans))
        self.n_modalities = n - 1  # by which get_network counts the width of what was seen
        self.trans_mems = nn.ModuleList(self.get_network(i, i, mem=True, layers=3) for i in range(n))
        self.proj1, self.proj2, self.out_layer = nn.Linear(n * within, n * within), nn.Linear(n * within, n * within), nn.Linear(n * within, sizes.output_dim)
        if not shape:
            return
        self.proj = nn.ModuleList(nn.Conv1d(s[1], width, 1) for s in shapes)
        self.positions = nn.ModuleList(Learned(s[0], width) if s[0] > 1 else None for s in shapes)
        for net in [*self.trans_mems, *(net for row in self.trans for net in row)]:
            net.embed_scale, net.embed_positions = 1, None
            for layer in net.layers:
                layer.fc1, layer.fc2 = nn.Linear(layer.embed_dim, 2 * layer.embed_dim), nn.Linear(2 * layer.embed_dim, layer.embed_dim)
        for row in self.trans:
            for net in row:
                net.normalize, net.layer_norm = False, None
        for net in self.trans_mems:
            net.layers = net.layers[:1]

    def forward(self, x):
        x = [proj(v.permute(0, 2, 1)).permute(2, 0, 1) for proj, v in zip(self.proj, x)]  # [T, N, C]
        if self.shape:
            x = [v if p is None else v + p(v[:, :, 0].T).transpose(0, 1) for p, v in zip(self.positions, x)]
        seen = []
        for i, (row, memory) in enumerate(zip(self.trans, self.trans_mems)):
            h = memory(torch.cat([net(x[i], v, v) for net, v in zip(row, x[:i] + x[i + 1:])], 2))
            seen.append(h.mean(0) if self.shape else h[-1])
        x = torch.cat(seen, 1)
        x = x + self.proj2(torch.relu(self.proj1(x)))
        return self.out_layer(nn.functional.dropout(x, DROPOUT, self.training and self.shape))


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
    """First values: uniform with a spread of one over the root of what goes in, biases 0, those of low-rank factors 1."""
    for name, p in module.named_parameters():
        if "factors" in name:  # [rank, 1 + in, out], the first row is the bias
            p[:, :1] = 1
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
        own = "shape" in equal
        model = Pairs(shapes, Sizes, own) if own or "itself" in equal else MULTModel(n, [s[1] for s in shapes], Sizes)
        return [Identity() for _ in xs], model, Identity()
    encoders = [Encoder(*s) for s in shapes]
    if method == "concat":
        kind = Smooth if "gelu" in equal else Head if "mended" in equal else MLP
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
                  clip_val=clip, save=best, track_complexity=False, task="classification")
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        model = torch.load(best, weights_only=False).eval()
    with torch.no_grad():
        right = [int(v) for *xs, y in test for v in model(xs).argmax(1) == y]
    return {"wall": wall, "cpu": cpu, "right": right, "values": params}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(work(json.loads(line))), flush=True)
