"""What PyTorch says of objectives over vectors (train/testdata/objectives.safetensors), peft of low-rank adapters (lora.safetensors), and
scikit-learn of logistic regression (probe.safetensors)."""
import os

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
OUT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../train/testdata"))
N, D, T = 6, 12, 9  # items, width of the student, of the teacher
GOLDEN = {}


def save(values, name):
    save_file({k: v.detach().float().contiguous() for k, v in values.items()}, os.path.join(OUT, name))


def unit(n, d, like=None):
    """Vectors of length 1, rounded to float32, that are near those of another modality."""
    x = torch.randn(n, d)
    if like is not None:
        x = x * 0.6 / d**0.5 + like
    return F.normalize(x, dim=-1).float().double()


def case(name, inputs, loss, extra=()):
    """Saves a loss and its derivatives by every input, in float64."""
    leaves = {k: v.clone().double().requires_grad_() for k, v in inputs.items()}
    value = loss(**leaves)
    value.backward()
    GOLDEN[f"{name}.loss"] = value.reshape(1)
    for k, v in leaves.items():
        GOLDEN[f"{name}.d{k}"] = torch.zeros(1) if v.grad is None else v.grad.reshape(-1)
    for k, v in extra:
        GOLDEN[f"{name}.{k}"] = v


def clip(logits):
    own = torch.arange(len(logits))
    return (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2


def hard(a, b, s, beta):
    """HCL of Robinson et al. 2021 (their criterion with estimator "hard" and tau_plus = 0), both ways."""
    logits = s.exp() * a @ b.T

    def one(x):
        n = len(x)
        pos = torch.diagonal(x).exp()
        neg = x[~torch.eye(n, dtype=torch.bool)].view(n, n - 1).exp()
        imp = (beta * neg.log()).exp()
        ng = (imp * neg).sum(-1) / imp.mean(-1)
        return -torch.log(pos / (pos + ng)).mean()
    return (one(logits) + one(logits.T)) / 2


def modalities():
    """Pictures, texts and sounds, of which items lack some; all pairs, each over the items that have both."""
    has = [[0, 1, 2, 3, 4, 5], [0, 2, 3, 5], [1, 2, 4, 5]]
    x = unit(N, D)
    vectors = {k: unit(len(h), D, x[h]) for k, h in zip("abc", has)}

    def pair(u, hu, v, hv, s):
        """Everything of the other modality is a negative, but only what has a partner is asked for it."""
        logits = s.exp() * u @ v.T
        rows = [(i, hv.index(o)) for i, o in enumerate(hu) if o in hv]
        i, j = map(list, zip(*rows))
        return (F.cross_entropy(logits[i], torch.tensor(j)) + F.cross_entropy(logits.T[j], torch.tensor(i))) / 2

    def every(a, b, c, s):
        x = [a, b, c]
        return sum(pair(x[i], has[i], x[j], has[j], s) for i, j in [(0, 1), (0, 2), (1, 2)]) / 3

    def anchored(a, b, c, s):  # on texts, sounds twice as important
        return (pair(a, has[0], b, has[1], s) + 2 * pair(c, has[2], b, has[1], s)) / 3
    inputs = vectors | {"s": torch.tensor(2.0)}
    case("every", inputs, every, [(k, v) for k, v in vectors.items()])
    case("anchored", inputs, anchored)


def contrasts():
    x = unit(N, D)
    a, b, s = unit(N, D, x), unit(N, D, x), torch.tensor(2.3)
    GOLDEN.update({"a": a, "b": b})
    case("hard", {"a": a, "b": b, "s": s}, lambda a, b, s: hard(a, b, s, 0.8))

    def matryoshka(a, b, s):
        cut = lambda x, d: x if d == D else F.normalize(x[:, :d], dim=-1)
        return sum(w * clip(s.exp() * cut(a, d) @ cut(b, d).T) for d, w in [(D, 1.0), (6, 0.5), (3, 0.25)])
    case("matryoshka", {"a": a, "b": b, "s": s}, matryoshka)

    negatives = unit(2 * N, D, b.repeat_interleave(2, 0))

    def extra(a, b, e, s):
        logits = s.exp() * torch.cat([a @ b.T, a @ e.T], 1)
        own = torch.arange(N)
        return (F.cross_entropy(logits, own) + F.cross_entropy(logits[:, :N].T, own)) / 2
    case("extra", {"a": a, "b": b, "e": negatives, "s": s}, extra, [("e", negatives)])

    keys = torch.tensor([4, 1, 4, 2, 1, 4])

    def masked(a, b, s):
        logits = s.exp() * a @ b.T
        same = (keys[:, None] == keys[None]) & ~torch.eye(N, dtype=torch.bool)
        return clip(logits.masked_fill(same, -torch.inf))

    def together(a, b, s):
        logits = s.exp() * a @ b.T
        shares = (keys[:, None] == keys[None]).double()
        shares = shares / shares.sum(1, keepdim=True)
        return (F.cross_entropy(logits, shares) + F.cross_entropy(logits.T, shares)) / 2
    case("masked", {"a": a, "b": b, "s": s}, masked, [("keys", keys)])
    case("together", {"a": a, "b": b, "s": s}, together)


def distillations():
    x = unit(N, D)
    a, b, t = unit(N, D, x), unit(N, D, x), unit(N, D, x)
    u, v = unit(N, T), unit(N, T)
    project = torch.nn.Linear(D, T)
    GOLDEN.update({"distil.a": a, "distil.b": b, "distil.t": t, "distil.u": u, "distil.v": v, "distil.w": project.weight, "distil.bias": project.bias})
    case("cosine", {"a": a}, lambda a: (1 - F.cosine_similarity(a, t)).mean())
    case("squared", {"a": a}, lambda a: F.mse_loss(a, t))
    # the derivative of cosine_similarity is orthogonal to a; that of 1 - a·t for vectors of length 1 is what goes back through normalize
    w, bias = project.weight.detach().double(), project.bias.detach().double()
    case("projected", {"a": a, "w": w, "bias": bias}, lambda a, w, bias: (1 - F.cosine_similarity(a @ w.T + bias, u)).mean())

    def relate(a, b):
        s, t = 20 * a @ b.T, 10 * u @ v.T
        kl = lambda s, t: F.kl_div(F.log_softmax(s, -1), F.softmax(t, -1), reduction="batchmean")
        return (kl(s, t) + kl(s.T, t.T)) / 2
    case("relate", {"a": a, "b": b}, relate)


def classes():
    logits, labels = 2 * torch.randn(N, 5), torch.tensor([0, 4, -1, 2, 2, 1])
    GOLDEN.update({"logits": logits, "labels": labels})
    for name, smoothing in [("classify", 0.0), ("smoothed", 0.1)]:
        case(name, {"x": logits.float().double()}, lambda x: F.cross_entropy(x, labels, ignore_index=-1, label_smoothing=smoothing))


def cache():
    """Tip-Adapter of Zhang et al. 2022: their cache_logits, with the keys learnt (Tip-Adapter-F)."""
    f, keys, zero = unit(N, D), unit(9, D), 3 * torch.randn(N, 5).float().double()
    labels, targets = torch.tensor([0, 1, 2, 3, 4, 0, 1, 2, 0]), torch.tensor([0, 4, 3, 2, 2, 1])
    values = F.one_hot(labels, 5).double()

    def logits(keys):
        affinity = f @ keys.T
        return zero + 1.7 * ((-1) * (4.5 - 4.5 * affinity)).exp() @ values
    GOLDEN["cache.logits"] = logits(keys)
    case("cache", {"k": keys}, lambda k: F.cross_entropy(logits(k), targets),
         [("f", f), ("keys", keys), ("zero", zero), ("labels", labels), ("targets", targets)])


def lora():
    """Three steps of plain descent on two adapted layers of three, by peft; then the merged model."""
    from peft import LoraConfig, get_peft_model

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.up, self.mid, self.down = torch.nn.Linear(7, 10), torch.nn.Linear(10, 10, bias=False), torch.nn.Linear(10, 4)

        def forward(self, x):
            return self.down(F.gelu(self.mid(F.gelu(self.up(x)))))
    net = Net().double()
    for p in net.parameters():
        p.data = p.data.float().double()
    golden = {"base." + k: v.clone() for k, v in net.state_dict().items()}
    model = get_peft_model(net, LoraConfig(r=3, lora_alpha=6, lora_dropout=0.0, target_modules=["up", "mid"], bias="none"))
    short = lambda k: k.replace("base_model.model.", "").replace(".default", "")
    for k, p in model.named_parameters():
        if p.requires_grad:
            p.data = (torch.randn(p.shape) * 0.3).float().double()
            golden["first." + short(k)] = p.data.clone()
    x, seed = torch.randn(8, 7).float().double(), torch.randn(8, 4).float().double()
    golden |= {"x": x, "seed": seed}
    for step in range(3):
        model.zero_grad()
        y = model(x)
        (y * seed).sum().backward()
        golden[f"{step}.y"] = y.clone()
        for k, p in model.named_parameters():
            if p.requires_grad:
                golden[f"{step}.grad." + short(k)] = p.grad.clone()
                p.data -= 0.01 * p.grad
    merged = model.merge_and_unload()
    golden |= {"merged." + k: v for k, v in merged.state_dict().items()} | {"merged.y": merged(x)}
    save(golden, "lora.safetensors")


def probe():
    """Multinomial logistic regression on features that do not part the classes well, at several strengths."""
    from sklearn.linear_model import LogisticRegression
    r = np.random.default_rng(3)
    centres = r.normal(size=(4, 10))
    labels = np.arange(60) % 4
    x = (centres[labels] + 1.5 * r.normal(size=(60, 10))).astype(np.float32)
    golden = {"x": torch.tensor(x), "labels": torch.tensor(labels)}
    for c in [0.1, 1.0, 30.0]:
        m = LogisticRegression(C=c, max_iter=10000, tol=1e-10).fit(x.astype(np.float64), labels)
        golden |= {f"{c}.weight": torch.tensor(m.coef_), f"{c}.bias": torch.tensor(m.intercept_), f"{c}.probability": torch.tensor(m.predict_proba(x.astype(np.float64)))}
    save(golden, "probe.safetensors")


torch.manual_seed(21)
contrasts()
modalities()
distillations()
classes()
cache()
save(GOLDEN, "objectives.safetensors")
lora()
probe()
