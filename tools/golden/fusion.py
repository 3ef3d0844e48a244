"""Writes fusion/testdata/golden.safetensors: tiny random models of every way of fusing, over samples that lack modalities, what PyTorch makes of
them, one sample at a time and without any padding, and the gradients by every parameter; and the factors of gradient modulation."""
import os

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

torch.set_num_threads(1)
torch.manual_seed(5)
OUT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../fusion/testdata/golden.safetensors"))
C, HEADS, LAYERS, RANK, BOTTLENECKS, OUTPUTS = 6, 2, 2, 3, 2, 3
WIDTHS, TOKENS = [5, 4, 3], [4, 3, 1]
# Tokens that each sample has of each modality.
LENGTHS = [[4, 3, 1], [0, 2, 1], [1, 0, 1], [3, 0, 0], [0, 1, 0], [2, 3, 1]]
M = len(WIDTHS)


class Params(dict):
    """Makes a parameter when it is first asked for."""

    def get_(self, name, *shape):
        if name not in self:
            norm = "norm" in name and name.endswith("weight")
            self[name] = (torch.randn(*shape).mul(0.5).add(1.0 if norm else 0.0)).float().double().requires_grad_()
        return self[name]


def linear(P, name, x, n):
    return F.linear(x, P.get_(name + ".weight", n, x.shape[-1]), P.get_(name + ".bias", n))


def norm(P, name, x):
    c = x.shape[-1]
    return F.layer_norm(x, (c,), P.get_(name + ".weight", c), P.get_(name + ".bias", c), 1e-5)


def attention(P, name, q, kv):
    c = q.shape[-1]
    parts = ["q_proj", "k_proj", "v_proj"]
    weight = torch.cat([P.get_(f"{name}.{k}.weight", c, c) for k in parts])
    bias = torch.cat([P.get_(f"{name}.{k}.bias", c) for k in parts])
    out, _ = F.multi_head_attention_forward(
        q[:, None], kv[:, None], kv[:, None], c, HEADS, weight, bias, None, None, False, 0.0,
        P.get_(name + ".out_proj.weight", c, c), P.get_(name + ".out_proj.bias", c), need_weights=False)
    return out[:, 0]


def block(P, name, x, others=None):
    h = norm(P, name + ".layer_norm1", x)
    x = x + attention(P, name + ".self_attn", h, h if others is None else norm(P, name + ".layer_norm1", others))
    h = norm(P, name + ".layer_norm2", x)
    c = x.shape[-1]
    return x + linear(P, name + ".mlp.fc2", F.gelu(linear(P, name + ".mlp.fc1", h, 2 * c)), c)


def joint(P, tokens, vectors):
    x = torch.cat([t for t in tokens if t is not None])
    for i in range(LAYERS):
        x = block(P, f"joint.layers.{i}", x)
    return norm(P, "joint.norm", x).mean(0)


def concat(P, tokens, vectors):
    x = torch.cat([torch.zeros(C).double() if v is None else v for v in vectors])
    return F.gelu(linear(P, "concat.hidden", x, 2 * C))


def lmf(P, tokens, vectors):
    """By the whole weight tensor, which low-rank fusion never makes."""
    rank, there = P.get_("lmf.fusion_weights", 1, RANK), []
    for m in range(M):
        w, b = P.get_(f"lmf.factors.{m}.weight", RANK * C, C), P.get_(f"lmf.factors.{m}.bias", RANK * C)
        if vectors[m] is not None:
            there.append((torch.cat([w, b[:, None]], 1).reshape(RANK, C, C + 1), torch.cat([vectors[m], torch.ones(1).double()])))
    letters = "abc"[:len(there)]
    weight = torch.einsum(",".join(["r"] + ["ro" + k for k in letters]) + "->o" + letters, rank[0], *[f for f, _ in there])
    out = torch.einsum("o" + letters + "," + ",".join(letters) + "->o", weight, *[z for _, z in there])
    return out + P.get_("lmf.fusion_bias", 1, C)[0]


def gmu(P, tokens, vectors):
    everything = torch.cat([torch.zeros(C).double() if v is None else v for v in vectors])
    return sum(torch.sigmoid(linear(P, f"gmu.gates.{m}", everything, C)) * torch.tanh(linear(P, f"gmu.values.{m}", v, C))
               for m, v in enumerate(vectors) if v is not None)


def mult(P, tokens, vectors):
    found = []
    for a in range(M):
        if tokens[a] is None:
            found.append(torch.zeros((M - 1) * C).double())
            continue
        side = []
        for k, b in enumerate(b for b in range(M) if b != a):
            x = tokens[a]
            if tokens[b] is not None:
                for i in range(LAYERS):
                    x = block(P, f"mult.cross.{a * (M - 1) + k}.{i}", x, tokens[b])
            side.append(x)
        x = block(P, f"mult.self.{a}.0", torch.cat(side, 1))
        found.append(norm(P, f"mult.norms.{a}", x).mean(0))
    x = torch.cat(found)
    n = len(x)
    return x + linear(P, "mult.out.fc2", F.relu(linear(P, "mult.out.fc1", x, n)), n)


def mbt(P, tokens, vectors):
    shared = P.get_("mbt.bottleneck", BOTTLENECKS, C)
    tokens = list(tokens)
    for i in range(LAYERS):
        made = []
        for m, t in enumerate(tokens):
            if t is not None:
                x = block(P, f"mbt.layers.{i}.{m}", torch.cat([t, shared]))
                tokens[m] = x[:len(t)]
                made.append(x[len(t):])
        shared = torch.stack(made).mean(0)
    return torch.stack([norm(P, f"mbt.norms.{m}", t).mean(0) for m, t in enumerate(tokens) if t is not None]).mean(0)


def coattention(P, tokens, vectors):
    for i in range(LAYERS):
        after = []
        for m, t in enumerate(tokens):
            others = [o for k, o in enumerate(tokens) if k != m and o is not None]
            if t is not None:
                if others:
                    t = block(P, f"coattention.cross.{i}.{m}", t, torch.cat(others))
                t = block(P, f"coattention.self.{i}.{m}", t)
            after.append(t)
        tokens = after
    return torch.cat([torch.zeros(C).double() if t is None else norm(P, f"coattention.norms.{m}", t).mean(0) for m, t in enumerate(tokens)])


def late(P, tokens, vectors):
    return None


def forward(P, method, sample):
    """The fused answer of a sample, and those of its modalities alone."""
    tokens = []
    for m, x in enumerate(sample):
        mean, var = P.get_(f"inputs.{m}.running_mean", WIDTHS[m]), P.get_(f"inputs.{m}.running_var", WIDTHS[m])
        t = None
        if x is not None:
            t = linear(P, f"inputs.{m}.proj", (x - mean.detach()) / (var.detach().abs() + 1e-6).sqrt(), C)
            if TOKENS[m] > 1:
                t = t + P.get_(f"inputs.{m}.positions", TOKENS[m], C)[:len(t)]
                if method in (late, concat, lmf, gmu):
                    for i in range(LAYERS):
                        t = block(P, f"solo.{m}.{i}", t)
        tokens.append(t)
    vectors = [None if t is None else F.gelu(t.mean(0)) for t in tokens]
    alone = [None if v is None else linear(P, f"alone.{m}", v, OUTPUTS) for m, v in enumerate(vectors)]
    fused = method(P, tokens, vectors)
    return None if fused is None else linear(P, "head", fused, OUTPUTS), alone


def joined(P, alone):
    """What late fusion makes of its experts' logits by each rule."""
    for name, shape in {"temperature": [M], "error": [M], "weights": [M], "stack.weight": [OUTPUTS, M * (OUTPUTS + 1)], "stack.bias": [OUTPUTS]}.items():
        P.setdefault("late." + name, torch.randn(shape).float().double() if "stack" in name else torch.rand(shape).add(0.5).float().double())
    there = [m for m, y in enumerate(alone) if y is not None]
    logits = torch.stack([alone[m] for m in there]).detach()
    p = logits.softmax(1)
    calm = (logits / P["late.temperature"][there, None]).softmax(1)
    sure = 1 - torch.distributions.Categorical(calm).entropy() / torch.log(torch.tensor(float(OUTPUTS))) + 1e-6
    shares = P["late.weights"][there]
    side = torch.cat([torch.zeros(OUTPUTS + 1) if y is None else torch.cat([(y.detach() / P["late.temperature"][m]).log_softmax(0), torch.ones(1)]) for m, y in enumerate(alone)]).double()
    return {"average": p.mean(0), "product": calm.prod(0) / calm.prod(0).sum(), "weights": (p * shares[:, None]).sum(0) / shares.sum(),
            "gate": (calm * sure[:, None]).sum(0) / sure.sum(), "stack": F.linear(side, P["late.stack.weight"], P["late.stack.bias"]).softmax(0)}


values = {"lengths": torch.tensor(LENGTHS).float()}
samples = [[torch.randn(n, w).double() if n else None for n, w in zip(row, WIDTHS)] for row in LENGTHS]
for i, sample in enumerate(samples):
    for m, x in enumerate(sample):
        if x is not None:
            samples[i][m] = x.float().double()
            values[f"x.{i}.{m}"] = x
for method in [late, concat, joint, lmf, gmu, mult, mbt, coattention]:
    P, loss = Params(), 0
    for i, sample in enumerate(samples):
        fused, alone = forward(P, method, sample)
        weight = torch.arange(1, OUTPUTS + 1) * (0.3 + 0.1 * i)
        if fused is not None:
            values[f"{method.__name__}.out.{i}"] = fused
            loss = loss + (fused * weight).sum()
        if method is late:
            values |= {f"late.join.{rule}.{i}": p for rule, p in joined(P, alone).items()}
        for m, y in enumerate(alone):
            if y is not None:
                values[f"{method.__name__}.alone.{i}.{m}"] = y
                loss = loss + (y * weight).sum() * 0.5
    loss.backward()
    for name, p in P.items():
        values[f"{method.__name__}.param.{name}"] = p.abs() if name.endswith("running_var") else p
        if p.grad is not None:
            values[f"{method.__name__}.grad.{name}"] = p.grad

# Gradient modulation for two modalities, as its authors' code computes it (Peng et al. 2022).
a, b, labels = torch.randn(7, 4) * 2, torch.randn(7, 4), torch.randint(4, (7,))
a[range(7), labels] += 2
score = [x.softmax(1)[range(7), labels].sum() for x in (a, b)]
ratio = score[0] / score[1]
factors = [1 - torch.tanh(0.7 * ratio), torch.tensor(1.0)] if ratio > 1 else [torch.tensor(1.0), 1 - torch.tanh(0.7 / ratio)]
values |= {"modulation.a": a, "modulation.b": b, "modulation.labels": labels, "modulation.factors": torch.stack(factors)}
save_file({k: v.detach().float().contiguous() for k, v in values.items()}, OUT)
