"""Writes media/image/testdata/resize.json: hashes of Pillow's resized pictures over sizes, filters and styles."""
import hashlib
import json
import os

from PIL import Image

from image_pixels import pixels

OUT = os.path.join(os.path.dirname(__file__), "../../media/image/testdata/resize.json")
SIZES = [  # source w, h, target w, h
    (1, 1, 1, 1), (1, 1, 7, 5), (2, 3, 3, 2), (5, 4, 3, 7), (7, 7, 7, 7), (7, 7, 7, 3), (7, 7, 3, 7), (8, 6, 16, 12),
    (1, 40, 1, 9), (40, 1, 9, 1), (1, 40, 6, 9), (40, 1, 9, 6), (3, 2, 300, 200), (2, 300, 224, 224), (300, 2, 224, 224),
    (64, 48, 224, 224), (224, 224, 224, 224), (225, 223, 224, 224), (223, 225, 224, 224), (256, 256, 224, 224),
    (37, 411, 224, 2488), (411, 37, 2488, 224), (320, 240, 298, 224), (333, 257, 224, 172), (101, 67, 33, 91),
    (500, 375, 298, 224), (640, 480, 1, 1), (640, 480, 1, 480), (640, 480, 640, 1), (640, 480, 13, 7), (1000, 3, 5, 3),
    (3, 1000, 3, 5), (1000, 700, 320, 224), (1024, 768, 336, 336), (1500, 1125, 298, 224), (17, 13, 18, 14),
    (18, 14, 17, 13), (4000, 30, 40, 30), (30, 4000, 30, 40), (799, 601, 384, 384), (90, 60, 89, 61), (5, 5, 1000, 1000),
    (9000, 2, 2, 2), (2, 9000, 2, 2), (255, 255, 128, 64), (96, 96, 48, 48), (99, 99, 33, 33), (100, 100, 50, 25),
    # around the rule that decides which pass comes first: height shrinking by more than twice what the width does
    (60, 100, 50, 80), (60, 100, 50, 81), (60, 100, 50, 79), (30, 300, 20, 25), (200, 900, 150, 300), (20, 90, 33, 31),
    (51, 1201, 40, 100), (1201, 51, 100, 40), (77, 78, 76, 75), (480, 1500, 224, 700), (480, 1800, 224, 224),
]
STYLES = ["noise", "hard", "photo"]


def main():
    cases, full = [], []
    for n, (sw, sh, w, h) in enumerate(SIZES):
        for f in range(6):
            for mode in ("RGB", "L"):
                style = STYLES[(n + f) % 3]
                a = pixels(sw, sh, len(mode), style)
                im = Image.fromarray(a if mode == "RGB" else a[:, :, 0], mode)
                out = im.resize((w, h), f).tobytes()
                cases.append([sw, sh, w, h, f, style, mode, hashlib.sha256(out).hexdigest()[:32]])
                if len(out) <= 150:
                    full.append([sw, sh, w, h, f, style, mode, out.hex()])
    with open(OUT, "w") as o:
        o.write('{"cases": [\n' + ",\n".join(json.dumps(c) for c in cases))
        o.write('\n], "full": [\n' + ",\n".join(json.dumps(c) for c in full) + "\n]}\n")


main()
