"""Times JPEG decoding and the way from a file to CLIP's array beside djpeg, Pillow and libvips, taking turns in one run.

    python tools/peers/jpeg.py [rounds [threads [file.jpg]]]

Needs Go, numpy, Pillow, and djpeg (Debian: libjpeg-turbo-progs); libvips is left out unless pyvips is installed. Without a
file it makes one: 12 megapixels, 4:2:0, quality 85, about 3 MB, with the grain of a photograph. For each contender it prints
the medians of wall and processor milliseconds, and the least of each: on a busy machine only processor time means much.
"""
import io
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
from PIL import Image

try:
    os.environ.setdefault("VIPS_CONCURRENCY", sys.argv[2] if len(sys.argv) > 2 else "2")
    import pyvips

    pyvips.cache_set_max(0)  # else the second reading costs nothing
except ImportError:
    pyvips = None

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
MEAN, STD = np.float32([0.48145466, 0.4578275, 0.40821073]), np.float32([0.26862954, 0.26130258, 0.27577711])


def photo(w=4000, h=3000):
    """Noise whose power falls with frequency as in photographs, discs with edges, and a sensor's grain."""
    rng = np.random.default_rng(1)

    def pink(power):
        f = np.hypot(np.fft.fftfreq(h)[:, None], np.fft.rfftfreq(w)[None])
        f[0, 0] = 1
        a = (rng.normal(size=f.shape) + 1j * rng.normal(size=f.shape)) / f**power
        a[0, 0] = 0
        x = np.fft.irfft2(a, (h, w))
        return x / x.std()

    base, red, blue = pink(1.08), pink(1.5), pink(1.5)
    y, x = np.mgrid[0:h, 0:w]
    edges = np.zeros((h, w))
    for _ in range(60):
        cx, cy, r, v = rng.uniform(0, w), rng.uniform(0, h), rng.uniform(30, 400), rng.normal(0, 35)
        edges += v * ((x - cx) ** 2 + (y - cy) ** 2 < r * r)
    calm = np.clip((y / h - 0.25) * 4, 0.08, 1)
    light = 120 + 38 * base * calm + edges * calm
    rgb = np.stack([light + 14 * red, light, light + 14 * blue], -1) + rng.normal(size=(h, w, 3)) * 3.2
    out = io.BytesIO()
    Image.fromarray(np.clip(rgb, 0, 255).astype(np.uint8)).save(out, "JPEG", quality=85, subsampling=2)
    return out.getvalue()


def pillow_tensor(path):
    m = Image.open(path).convert("RGB")
    scale = 224 / min(m.size)
    m = m.resize((int(m.width * scale), int(m.height * scale)), Image.BICUBIC)
    left, top = (m.width - 224) // 2, (m.height - 224) // 2
    a = np.asarray(m.crop((left, top, left + 224, top + 224))).astype(np.float32) / 255
    return np.ascontiguousarray(((a - MEAN) / STD).transpose(2, 0, 1))


def timed(run):
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    run()
    wall, after = (time.perf_counter() - start) * 1e3, resource.getrusage(resource.RUSAGE_SELF)
    return wall, (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3


def process(*command):
    start = time.perf_counter()
    p = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, use = os.wait4(p.pid, 0)
    if status:
        sys.exit(f"{command[0]} failed")
    return (time.perf_counter() - start) * 1e3, (use.ru_utime + use.ru_stime) * 1e3


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    threads = sys.argv[2] if len(sys.argv) > 2 else "2"
    with tempfile.TemporaryDirectory() as tmp:
        path = sys.argv[3] if len(sys.argv) > 3 else os.path.join(tmp, "photo.jpg")
        if len(sys.argv) <= 3:
            with open(path, "wb") as f:
                f.write(photo())
        path = os.path.abspath(path)
        binary = os.path.join(tmp, "image.test")
        subprocess.run(["go", "test", "-c", "-o", binary, "./media/image"], cwd=ROOT, check=True)
        found = {}

        def add(name, *figures):
            found.setdefault(name, []).append(figures)

        for _ in range(rounds):
            for procs in sorted({"1", threads}):
                out = subprocess.run([binary, "-test.run=^$", "-test.bench=^BenchmarkFile$", "-test.benchtime=20x"], check=True, text=True,
                                     cwd=os.path.join(ROOT, "media/image"), capture_output=True,
                                     env={**os.environ, "GOMAXPROCS": procs, "CHIASM_PICTURE": path}).stdout  # fmt: skip
                for name, ns, cpu in re.findall(r"BenchmarkFile/(\w+)\S*\s+\d+\s+([\d.]+) ns/op\s+([\d.]+) cpu-ms", out):
                    add(f"chiasm {name}, {procs} threads", float(ns) / 1e6, float(cpu))
            add("djpeg (process)", *process("djpeg", "-outfile", "/dev/null", path))
            for by in (2, 4, 8):
                add(f"djpeg -scale 1/{by}", *process("djpeg", "-scale", f"1/{by}", "-outfile", "/dev/null", path))
            add("Pillow decode", *timed(lambda: Image.open(path).load()))
            add("Pillow tensor", *timed(lambda: pillow_tensor(path)))
            if pyvips:
                add("libvips thumbnail", *timed(lambda: pyvips.Image.thumbnail(path, 224, height=224, crop="centre").write_to_memory()))
        print(f"{os.path.getsize(path) / 1e6:.1f} MB, {rounds} rounds, ms: median (least)")
        print(f"{'':28}{'wall':>18}{'processor':>18}")
        for name, figures in found.items():
            print(f"{name:28}" + "".join(f"{statistics.median(c):10.1f} ({min(c):5.1f})" for c in zip(*figures)))


main()
