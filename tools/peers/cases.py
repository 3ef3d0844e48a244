"""The cases of the race: who runs what in each, and what it is measured against."""
import json
import os
import re
import shutil
import sys
from dataclasses import dataclass, field

import pictures
import race
import towers

WORKER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "worker.py")
MODELS = ["image-b32/1", "image-b32/4", "image-b32/16", "image-b32/32", "image-l14/1", "siglip-b16/1", "text-77/1", "text-10/1",
          "minilm-20/1", "minilm-20/32", "clap-htsat/1", "whisper-base/1", "efficientnet-lite0/1", "efficientnet-lite0/16"]
PRODUCTS = ["50x2304x768", "77x2048x512", "257x4096x1024", "800x3072x768", "800x768x3072", "1024x1024x4096", "10x2048x512"]
PRECISIONS = {  # what peers offer for each of ours
    "f32": ["openvino f32", "onnxruntime f32", "torch f32"],
    "bf16": ["openvino bf16", "torch bf16"],
    "w8": ["openvino w8"],
    "int8": ["openvino int8", "onnxruntime int8"],
}
WEIGHT = {"f32": 4, "bf16": 2, "w8": 1, "int8": 1}  # bytes


@dataclass
class Case:
    name: str
    group: str
    threads: int
    precision: str = ""
    commands: dict = field(default_factory=dict)  # contender: command, additions to its environment, whether it speaks when ready
    compute: tuple = ()   # the rate that limits it, and giga-operations of a peer's run
    read: float = 0       # gigabytes that any run must read or write, 0 if they may lie in a cache
    ideal_ms: float = 0   # what it would take if sharing work cost nothing
    answer: list = None   # what f32 gives; None: the first peer's
    exact: float = None   # contenders further than that from answer are out
    distance: str = ""    # how answers are compared: cosine, largest or mean
    figure: str = "ms_median"  # of a turn
    contention: bool = False
    rounds: int = 0       # 0: as many as the command line asks for
    limit: float = float("inf")  # seconds of processor time to get ready in, and again for the first turn

    def probes(self):
        return ([self.compute[0]] if self.compute else []) + (["read"] if self.read else [])


def names():
    """All cases, in the order of the report."""
    return ([f"{m}/{p}" for p in PRECISIONS for m in MODELS] + [f"gemm-{s}/{p}" for p in ("f32", "bf16", "int8") for s in PRODUCTS] +
            ["transcribe/f32", "transcribe/int8", "decode/12mp", "decode/vga", "preprocess/12mp", "preprocess/vga", "thumbnail/12mp", "apply/12mp"] + [f"resize/{f}" for f in pictures.FILTERS] +
            [f"{verb}-{s}/{b}" for s in towers.LEARNERS for verb, b in (("train", 16), ("train", 64), ("curve", 16))] +
            ["fork/0us", "fork/10us", "fork/100us", "beside/image-b32/1/f32", "beside/image-b32/1/int8"])


def worker(threads, args, **job):
    return [sys.executable, WORKER, json.dumps({"threads": threads, "time": args.time, **job})], {}, True


def build(name, threads, args, machine):
    """The case of that name; None if it means nothing with so many threads. Makes the models that it needs."""
    kind, *rest = name.split("/")
    if kind == "beside":
        case = threads > 1 and model("/".join(rest), threads, args)
        if case:
            case.name, case.group, case.contention, case.figure = name, "contention", True, "ms_mean"
            case.commands = {w: c for w, c in case.commands.items() if w == "chiasm" or w.startswith("openvino")}
        return case or None
    if kind == "fork":
        return forks(name, threads, args, machine) if threads > 1 else None
    if kind == "transcribe":
        return transcript(name, threads, args)
    if kind.startswith(("train-", "curve-")):
        return learning(name, threads, args)
    if kind in ("decode", "preprocess", "thumbnail", "apply", "resize"):
        return picture(name, threads, args)
    return model(name, threads, args)


def model(name, threads, args):
    """A whole tower, as image-b32/16/int8, or one product, as gemm-50x2304x768/bf16."""
    shape, *batch, precision = name.split("/")
    batch = int(batch[0]) if batch else 1
    case = Case(name, "products" if shape.startswith("gemm-") else "models", threads, precision, distance="cosine")
    if case.group == "products":
        m, n, k = towers.products(shape)
        ours, work = f"gemm {m}x{n}x{k}", 2 * m * n * k
    else:
        s = towers.SHAPES[shape]
        ours, work = s.ours, towers.flops(shape) * batch
        case.read = towers.weights(shape) * WEIGHT[precision] / 1e9
    case.compute = ({"w8": "bf16"}.get(precision, precision), work / 1e9)
    if args.chiasm:
        command = [args.chiasm, "bench", "--shape", ours, "--batch", str(batch), "--precision", precision, "--threads", str(threads), "--time", str(args.time), "--json", "--repeat-on-stdin"]
        if s.kind in ("text", "sentence"):
            command += ["--tokens", str(s.tokens)]
        case.commands["chiasm"] = (command, {}, False)
    rivals = PRECISIONS[precision]
    if shape == "whisper-base" and precision in ("f32", "int8"):
        rivals = [*rivals, f"ctranslate2 {precision}"]
    for who in rivals:
        peer, at = who.split()
        if re.search(args.who, who):
            file = os.path.join(args.real, "whisper-base") if peer == "ctranslate2" else towers.files(peer, at, shape, batch, args.cache)
            case.commands[who] = worker(threads, args, peer=peer, precision=at, case=shape, batch=batch, file=file)
    case.answer = towers.answer(shape, batch, args.cache)
    case.exact = 1e-9 if precision == "f32" else None
    return case


def picture(name, threads, args):
    """Reading a file, resizing, preprocessing for CLIP. Peers but libvips use one thread."""
    verb, what = name.split("/")
    size = what if what in pictures.SIZES else "12mp"
    file = pictures.file(size, args.cache)
    peers = {"decode": ["Pillow", "simplejpeg", "libvips"] + (["djpeg"] if shutil.which("djpeg") else []),
             "thumbnail": ["Pillow", "libvips", "Pillow draft"]}.get(verb, ["Pillow"])
    case = Case(name, "pictures", threads, distance="mean" if verb == "thumbnail" else "largest")
    if size == "12mp" and verb != "thumbnail" and what != "nearest":  # these leave most of the picture alone
        w, h = pictures.SIZES[size]
        case.read = 3 * w * h / 1e9
    if args.turns:
        ours = [verb, file] + ([what] if verb == "resize" else [])
        case.commands["chiasm"] = ([args.turns, str(args.time), *ours], {"GOMAXPROCS": str(threads)}, True)
    for peer in peers:
        if re.search(args.who, peer):
            case.commands[peer] = worker(threads, args, peer=peer, verb=verb, file=file, filter=what)
    return case


def transcript(name, threads, args):
    """73 seconds of speech written down by Whisper base: speech found, five hypotheses, no temperature but 0, times of segments."""
    precision = name.split("/")[1]
    sound, model = os.path.join(args.real, "clips/en/demo-instruct.wav"), os.path.join(args.real, "whisper-base")
    case = Case(name, "transcripts", threads, precision)
    if args.turns:
        case.commands["chiasm"] = ([args.turns, str(args.time), "transcribe", sound, model, precision], {"GOMAXPROCS": str(threads)}, True)
    for peer in ("faster-whisper", "faster-whisper-batched"):
        if re.search(args.who, peer):
            case.commands[peer] = worker(threads, args, peer=peer, precision=precision, file=model, sound=sound)
    return case


def learning(name, threads, args):
    """Steps of training. A curve is the first 200 losses of each, and hardly timed."""
    import training  # and PyTorch
    (verb, shape), batch = name.split("/")[0].split("-", 1), int(name.split("/")[1])
    steps = 200 if verb == "curve" else 10
    case = Case(name, "training", threads, distance="curve", rounds=1 if verb == "curve" else 0, limit=3600 if verb == "curve" else 300)
    case.compute = ("f32", towers.step_flops(shape) * batch / 1e9)
    file = training.make(shape, args.cache)
    if args.turns:
        for who, at in {"chiasm": "auto", "chiasm f32": "f32", "chiasm recompute": "auto+recompute"}.items():
            case.commands[who] = ([args.turns, str(args.time), "train", shape, file, str(batch), at, str(steps)], {"GOMAXPROCS": str(threads)}, True)
    for at in ("f32", "autocast", "bf16"):
        for compiled in (False, True):
            who = f"torch {at}" + (" compiled" if compiled else "")
            if re.search(args.who, who):
                case.commands[who] = worker(threads, args, train=True, case=shape, batch=batch, precision=at, compiled=compiled, steps=steps, file=file)
    return case


def forks(name, threads, args, machine):
    """Sharing so many microseconds of work among threads."""
    micros = name.removeprefix("fork/").removesuffix("us")
    # The mean, since with a busy neighbour most runs may be fast and the others wait for milliseconds.
    case = Case(name, "forks", threads, ideal_ms=float(micros) / threads / 1e3, figure="ms_mean")
    if args.turns:
        for who, verb in {"chiasm": "fork", "goroutines": "goroutines"}.items():
            case.commands[who] = ([args.turns, str(args.time), verb, str(threads), micros], {"GOMAXPROCS": str(threads)}, True)
    binary = machine.compile("forks", "-fopenmp")
    if binary and re.search(args.who, "OpenMP"):
        case.commands["OpenMP"] = ([binary, str(args.time), str(threads), micros], {}, True)
    return case


def measure(case, args, machine):
    """Races a case and gives its part of the report."""
    rounds, ready, absent = race.run(case.commands, machine, case.rounds or args.rounds, case.threads, case.probes(), case.figure, case.contention, case.limit)
    rates = {kind: race.statistics.median(r["rates"][kind][0] for r in rounds) for kind in case.probes() if rounds and rounds[0]["rates"][kind][0]}
    by = {kind: rounds[0]["rates"][kind][1] for kind in rates}
    out = {"case": case.name, "group": case.group, "threads": case.threads, "precision": case.precision, "rates": rates, "reached_by": by, "absent": absent, "contenders": {}}
    reference = case.answer or ready.get("torch f32", {}).get("answer")
    for who, row in race.summarise(rounds, args.foreign, case.figure).items():
        said = ready[who]
        row["note"] = said.get("note", "")
        reference = reference or (said.get("answer") if not who.startswith("chiasm") else None)
        out["contenders"][who] = row
        # On one thread processor time says what the clock would say on a quiet machine; on more it doesn't, as some spin when they wait.
        row["by"] = "clock" if row["quiet_rounds"] or case.threads > 1 or not row.get("cpu_ms") else "cpu"
        ms = row["ms"] if row["by"] == "clock" else row["cpu_ms"]
        if case.compute and case.compute[0] in rates:
            row["fraction"] = row.get("gflop", case.compute[1]) / ms * 1e3 / rates[case.compute[0]]
        if case.read and "read" in rates:
            row["read_fraction"] = case.read / ms * 1e3 / rates["read"]
        if case.ideal_ms:
            row["fraction"] = case.ideal_ms / row["ms"]
    for who, row in list(out["contenders"].items()):
        answer = ready[who].get("answer")
        if answer and reference:
            row["distance"] = distance(answer, reference, case.distance)
            if case.exact is not None and row["distance"] > case.exact:
                absent[who] = f"computes in less than {case.precision}: its answer is {row['distance']:.1e} away"
                del out["contenders"][who]
    return out


def distance(a, b, kind):
    """1 - cosine, or the largest or mean difference. That of two curves of losses is the largest between means of ten steps, as a share of the first loss."""
    if kind == "curve":
        tens = [sum(x - y for x, y in zip(a[i:i + 10], b[i:i + 10], strict=True)) / 10 for i in range(0, len(a), 10)]
        return max(map(abs, tens)) / b[0]
    if kind != "cosine":
        apart = [abs(x - y) for x, y in zip(a, b, strict=True)]
        return max(apart) if kind == "largest" else sum(apart) / len(apart)
    dot, aa, bb = (sum(x * y for x, y in zip(p, q, strict=True)) for p, q in ((a, b), (a, a), (b, b)))
    return max(0.0, 1 - dot / (aa * bb) ** 0.5)
