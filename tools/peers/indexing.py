#!/usr/bin/env python3
"""Races chiasm index against Python pipelines over the same folders, in turns: files a second, and processor time of a file.

    tools/peers/.venv/bin/python tools/peers/indexing.py [--chiasm bin/chiasm] [--rounds 3] [--out NAME.md]

Two folders, of 12-megapixel JPEG files and of 640x480, are made once of the photographs in examples/collection. chiasm runs at the
precision that it chooses and at f32: mini against Pillow and OpenVINO in f32 with the same weights, ViT-B/32 against open_clip with the same random weights; the latter left out where open_clip (pip install open_clip_torch torchvision) is not installed.
chiasm's turns begin with starting the program and end with a library on disk (hashes, EXIF, full text, vectors, all synced); the peers' begin when models are loaded
and compiled and end with an array in one file. "Pillow" decodes whole pictures, "Pillow draft" lets libjpeg shrink them while it decodes, as chiasm does.
"""
import argparse
import glob
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import folders

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "../.."))
THREADS, BATCH = 2, 16


def seconds():
    u, c = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return u.ru_utime + u.ru_stime, c.ru_utime + c.ru_stime


def worker(job):
    """A pipeline: two threads decode and resize, ahead by a few batches; the model takes sixteen pictures at a time."""
    import numpy as np
    load, embed = PIPELINES[job["kind"]](job)
    files = sorted(glob.glob(os.path.join(job["folder"], "*.jpg")))
    embed(np.stack([load(f) for f in files[:BATCH]]))
    embed(np.stack([load(f) for f in files[:BATCH][: len(files) % BATCH or BATCH]]))
    print("{}", flush=True)
    for _ in sys.stdin:
        start, (own, _) = time.monotonic(), seconds()
        out, ahead = [], []
        with ThreadPoolExecutor(THREADS) as pool:
            todo = iter(files)
            for f in todo:
                ahead.append(pool.submit(load, f))
                if len(ahead) == 3 * BATCH:
                    out.append(embed(np.stack([a.result() for a in ahead[:BATCH]])))
                    del ahead[:BATCH]
            for i in range(0, len(ahead), BATCH):
                out.append(embed(np.stack([a.result() for a in ahead[i:i + BATCH]])))
        np.save(job["out"], np.concatenate(out))
        print(json.dumps({"wall": time.monotonic() - start, "cpu": seconds()[0] - own}), flush=True)


def openvino(job):
    import openvino as ov
    import seer
    from PIL import Image
    compiled = ov.Core().compile_model(job["model"], "CPU", {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": THREADS, "PERFORMANCE_HINT": "LATENCY"})

    def load(path):
        image = Image.open(path)
        if job["draft"]:
            image.draft("RGB", (2 * seer.SIDE, 2 * seer.SIDE))
        return seer.pixels(image)
    return load, lambda x: compiled([x])[0].copy()


def open_clip_of(job):
    import open_clip
    import torch
    from PIL import Image
    torch.set_num_threads(THREADS)
    model, _, prepare = open_clip.create_model_and_transforms("ViT-B-32", pretrained=os.path.join(job["model"], "open_clip_model.safetensors"))
    model.eval()

    def embed(x):
        with torch.inference_mode():
            v = model.encode_image(torch.from_numpy(x))
            return torch.nn.functional.normalize(v, dim=-1).numpy()
    return lambda path: prepare(Image.open(path)).numpy(), embed


PIPELINES = {"openvino": openvino, "open_clip": open_clip_of}


class Peer:
    """A pipeline in a process of its own."""

    def __init__(self, **job):
        self.p = subprocess.Popen([sys.executable, __file__, "--worker", json.dumps(job)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if not self.p.stdout.readline():
            sys.exit(f"{job['kind']} does not run")

    def turn(self):
        self.p.stdin.write("\n")
        self.p.stdin.flush()
        return json.loads(self.p.stdout.readline())

    def end(self):
        self.p.stdin.close()
        self.p.wait()


class Chiasm:
    """chiasm index into a library that is new every time. They are removed at the end: ext4 looks in vain for room where many files have just been."""

    def __init__(self, binary, folder, model):
        self.binary, self.folder, self.model, self.libraries = binary, folder, model, tempfile.TemporaryDirectory()

    def turn(self):
        d = tempfile.mkdtemp(dir=self.libraries.name)
        start, (_, before) = time.monotonic(), seconds()
        out = subprocess.run([self.binary, "index", "--json", "--library", os.path.join(d, "l"), *self.model, self.folder], check=True, capture_output=True, text=True).stdout
        took = {"wall": time.monotonic() - start, "cpu": seconds()[1] - before}
        s = json.loads(out.splitlines()[-1])
        if s["failed"] or s["embedded"] != len(glob.glob(os.path.join(self.folder, "*.jpg"))):
            sys.exit(f"chiasm: {out}")
        return took

    def end(self):
        self.libraries.cleanup()


def vectors(binary, files, *options):
    import numpy as np
    out = subprocess.run([binary, "embed", *options, *files], check=True, capture_output=True, text=True).stdout
    return np.array([json.loads(line)["embedding"] for line in out.splitlines()])


def farthest(a, b):
    """1 - cosine of the pair that differs most."""
    import numpy as np
    return float(max(1 - (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)))


SHARES = [  # the first that a stack has
    ("catalogue and vectors", r"library\.\(\*ingest\)\.(write|commit|sweep|forget)|modernc\.org/|chiasm/index\."),
    ("resize", r"library\.shrink|\(\*Processor\)|image\.[Rr]esi|image\.\(\*resample"),
    ("read and hash", r"library\.\(\*reader\)\.open|crypto/"),
    ("decode", r"media/image\.|internal/pixel|imagemeta"),
    ("embed", r"EmbedImages|chiasm/(model|tensor|nn|internal/kernel)"),
]


def shares(folder, scratch):
    """Where the processor's time of indexing goes, by the program profiled/main.go."""
    binary, profile = os.path.join(scratch, "profiled"), os.path.join(scratch, "profile")
    subprocess.run(["go", "build", "-o", binary, "./tools/peers/profiled"], cwd=ROOT, check=True)
    subprocess.run([binary, profile, os.path.join(scratch, "shares-" + os.path.basename(folder)), folder], check=True)
    text = subprocess.run(["go", "tool", "pprof", "-traces", "-unit", "ms", binary, profile], check=True, capture_output=True, text=True).stdout
    sums = dict.fromkeys([name for name, _ in SHARES] + ["the rest"], 0.0)
    for stack in re.split(r"-+\+-+\n", text)[1:]:
        if value := re.match(r"\s*([\d.]+)ms", stack):
            sums[next((name for name, rule in SHARES if re.search(rule, stack)), "the rest")] += float(value[1])
    total = sum(sums.values())
    return {name: v / total for name, v in sums.items()}


def race(contenders, rounds):
    """Turns of each, another one beginning each round. Their medians."""
    names, turns = list(contenders), {n: [] for n in contenders}
    for r in range(rounds):
        for n in names[r % len(names):] + names[:r % len(names)]:
            turns[n].append(contenders[n].turn())
    for c in contenders.values():
        c.end()
    return {n: {k: statistics.median(t[k] for t in turns[n]) for k in ("wall", "cpu")} for n in names}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--chiasm", default=os.path.join(ROOT, "bin/chiasm"))
    p.add_argument("--cache", default=os.path.expanduser("~/.cache/chiasm-peers/indexing"), help="folder of what is indexed and of the models, 700 MB")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--files", default="12mp=40,vga=400", help="how many files of each size")
    p.add_argument("--out", help="write the tables there too")
    p.add_argument("--worker", help=argparse.SUPPRESS)
    args = p.parse_args()
    if args.worker:
        return worker(json.loads(args.worker))
    os.makedirs(args.cache, exist_ok=True)
    lines = []
    with tempfile.TemporaryDirectory() as scratch:
        for size, count in (s.split("=") for s in args.files.split(",")):
            lines += measure(args, size, int(count), scratch)
            print("\n".join(lines), flush=True)
            if args.out:
                with open(args.out, "a") as f:
                    f.write("\n".join(lines) + "\n")
            lines = []


def measure(args, size, count, scratch):
    """The tables of one folder."""
    folder = folders.make(size, count, args.cache, os.path.join(ROOT, "examples/collection/pictures"))
    mini = os.path.join(args.cache, "mini.xml")
    if not os.path.exists(mini) or os.path.getmtime(mini) < os.path.getmtime(os.path.join(ROOT, "model/mini/weights/model.safetensors")):
        import seer
        seer.export(os.path.join(ROOT, "model/mini/weights"), mini)
    out = os.path.join(scratch, "out.npy")
    games = {"mini": ({"chiasm": Chiasm(args.chiasm, folder, []), "chiasm, f32": Chiasm(args.chiasm, folder, ["--precision", "f32"])} | {
        "Pillow + OpenVINO" + (" (draft)" if draft else ""): Peer(kind="openvino", model=mini, folder=folder, draft=draft, out=out) for draft in (False, True)}, [], "Pillow + OpenVINO")}
    if clip := random_clip(args.cache):
        games["ViT-B/32"] = ({"chiasm": Chiasm(args.chiasm, folder, ["--model", clip]), "chiasm, f32": Chiasm(args.chiasm, folder, ["--model", clip, "--precision", "f32"]), "open_clip": Peer(kind="open_clip", model=clip, folder=folder, out=out)},
                                  ["--model", clip], "open_clip")
    lines = [f"### {count} files of {'x'.join(map(str, folders.SIZES[size]))}", "", "| model | | files a second | CPU ms a file | chiasm is ahead, by the clock | by CPU |", "|---|---|---|---|---|---|"]
    exact, some = [], sorted(glob.glob(os.path.join(folder, "*.jpg")))[:8]
    for name, (contenders, options, reference) in games.items():
        result = race(contenders, args.rounds)
        kept = [*options, "--precision", "auto"]  # as chiasm index chooses
        theirs = reference_vectors(reference, options[-1] if options else mini, folder, out, len(some))
        exact.append(f"{name}: chiasm embed and {reference} differ by 1 - cosine {farthest(vectors(args.chiasm, some, *options), theirs):.1e}, "
                     f"what chiasm index keeps by {farthest(vectors(args.chiasm, some, '--fast-pictures', *kept), theirs):.1e} (at most, {len(some)} files).")
        for who, r in result.items():
            ahead = ["", ""] if who == "chiasm" else [f"{r[k] / result['chiasm'][k]:.2f}" for k in ("wall", "cpu")]
            lines.append(f"| {name} | {who} | {count / r['wall']:.1f} | {1e3 * r['cpu'] / count:.1f} | {ahead[0]} | {ahead[1]} |")
    part = shares(folder, scratch)
    return lines + ["", *exact, "", "Of chiasm's processor time with mini: " + ", ".join(f"{k} {100 * v:.0f} %" for k, v in part.items()) + ".", ""]


def reference_vectors(who, model, folder, out, n):
    """The first vectors that a peer makes of a folder."""
    import numpy as np
    peer = Peer(kind="open_clip" if who == "open_clip" else "openvino", model=model, folder=folder, draft=False, out=out)
    peer.turn()
    peer.end()
    return np.load(out)[:n]


def random_clip(cache):
    """A folder of ViT-B/32 in open_clip's form with random weights, None without open_clip."""
    try:
        import open_clip
    except ImportError:
        return None
    folder = os.path.join(cache, "open_clip-b32")
    if not os.path.exists(os.path.join(folder, "open_clip_config.json")):
        import torch
        from safetensors.torch import save_file
        os.makedirs(folder, exist_ok=True)
        torch.manual_seed(5)
        model, _, prepare = open_clip.create_model_and_transforms("ViT-B-32")
        save_file({k: v.contiguous() for k, v in model.state_dict().items()}, os.path.join(folder, "open_clip_model.safetensors"))
        with open(os.path.join(folder, "open_clip_config.json"), "w") as f:
            json.dump({"model_cfg": open_clip.get_model_config("ViT-B-32"), "preprocess_cfg": {
                "mean": open_clip.OPENAI_DATASET_MEAN, "std": open_clip.OPENAI_DATASET_STD, "interpolation": "bicubic", "resize_mode": "shortest"}}, f)
    return folder


if __name__ == "__main__":
    main()
