"""Times resizing and preprocessing beside Pillow and transformers, taking turns in one run.

    python tools/peers/image.py [rounds]

Needs Go and the environment of tools/golden. Both sides run on one thread on the same 12-megapixel picture. The figure of
a side is its best round: other programs on the machine can only make a round slower.
"""
import os
import re
import subprocess
import sys
import tempfile
import time

sys.path[0] = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../golden")  # and not this folder: its names hide modules
from image_pixels import pixels  # noqa: E402
from PIL import Image  # noqa: E402
from transformers import CLIPImageProcessorPil  # noqa: E402

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
FILTERS = {"nearest": 0, "box": 4, "bilinear": 2, "hamming": 5, "bicubic": 3, "lanczos": 1}


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    im = Image.fromarray(pixels(4000, 3000, 3, "photo"))
    processor = CLIPImageProcessorPil()
    peers = {f"Resize/{name}": lambda code=code: im.resize((298, 224), code) for name, code in FILTERS.items()}
    peers["Apply"] = lambda: processor(im, return_tensors="np")
    best = {name: [float("inf"), float("inf")] for name in peers}
    with tempfile.TemporaryDirectory() as tmp:
        binary = os.path.join(tmp, "image.test")
        subprocess.run(["go", "test", "-c", "-o", binary, "./media/image"], cwd=ROOT, check=True)
        env = {**os.environ, "GOMAXPROCS": "1"}
        for _ in range(rounds):
            out = subprocess.run([binary, "-test.run=^$", "-test.bench=^Benchmark(Resize|Apply)$", "-test.benchtime=2x"],
                                 cwd=os.path.join(ROOT, "media/image"), env=env, check=True, capture_output=True, text=True).stdout
            for name, ns in re.findall(r"^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+(\d+(?:\.\d+)?) ns/op", out, re.M):
                if name in best:
                    best[name][0] = min(best[name][0], float(ns) / 1e6)
            for name, run in peers.items():
                for _ in range(2):
                    start = time.perf_counter()
                    run()
                    best[name][1] = min(best[name][1], (time.perf_counter() - start) * 1e3)
    print(f"{'4000 x 3000 to 298 x 224':28}{'chiasm ms':>12}{'Pillow ms':>12}{'ratio':>8}")
    for name, (ours, theirs) in best.items():
        print(f"{name:28}{ours:12.2f}{theirs:12.2f}{ours / theirs:8.2f}")


main()
