"""Writes media/image/testdata/augment.json: hashes of what torchvision's functions and Pillow make of pictures, and layered files."""
import base64
import hashlib
import io
import json
import os

import numpy as np
import torchvision.transforms.functional as F
from PIL import Image

from image_pixels import pixels

OUT = os.path.join(os.path.dirname(__file__), "../../media/image/testdata/augment.json")


def sha(im):
    return hashlib.sha256(im.tobytes()).hexdigest()[:32]


def main():
    cases = []
    for n, (w, h) in enumerate([(1, 1), (7, 5), (64, 48), (333, 257)]):
        for style in ["noise", "hard", "photo"]:
            im = Image.fromarray(pixels(w, h, 3, style))
            for op, call, values in [("brightness", F.adjust_brightness, [0, 0.3, 0.9, 1, 1.37, 2.5]), ("contrast", F.adjust_contrast, [0, 0.3, 0.9, 1, 1.37, 2.5]),
                                     ("saturation", F.adjust_saturation, [0, 0.3, 0.9, 1, 1.37, 2.5]), ("hue", F.adjust_hue, [-0.5, -0.21, 0, 0.05, 0.33, 0.5])]:
                for v in values:
                    cases.append([w, h, style, op, [v], sha(call(im, v))])
            cases.append([w, h, style, "gray", [], sha(F.rgb_to_grayscale(im, 3))])
            cases.append([w, h, style, "mirror", [], sha(F.hflip(im))])
            if w > 5:
                for mode in (F.InterpolationMode.BICUBIC, F.InterpolationMode.BILINEAR):
                    f = 3 if mode == F.InterpolationMode.BICUBIC else 2
                    for top, left, ph, pw in [(0, 0, h, w), (1, 2, h - 2, w - 3), (h // 2, w // 3, h // 3, w // 2)]:
                        cases.append([w, h, style, "part", [left, top, pw, ph, 32, 24, f], sha(F.resized_crop(im, top, left, ph, pw, (24, 32), mode))])
    layered = []
    im = Image.fromarray(pixels(17, 13, 4, "photo"), "RGBA")
    ground = Image.fromarray(pixels(17, 13, 3, "noise", 5))
    palette = im.convert("RGB").quantize(8)
    palette.info["transparency"] = 3
    exif = Image.Exif()
    exif[274] = 6
    for name, picture, options in [("png", im, {}), ("png", im.convert("LA"), {}), ("png", im, {"exif": exif}), ("webp", im, {"lossless": True, "exact": True}), ("webp", im, {"quality": 60}),
                                   ("png", palette, {"transparency": 3}), ("gif", palette, {"transparency": 3}), ("png", im.convert("RGB"), {}), ("tiff", im, {})]:
        b = io.BytesIO()
        picture.save(b, name, **options)
        back = Image.open(io.BytesIO(b.getvalue()))
        rgba = back.convert("RGBA")
        if "exif" in options:
            rgba = rgba.transpose(Image.Transpose.ROTATE_270)
        alpha = np.asarray(rgba)[:, :, 3]
        g = ground.resize(rgba.size)
        over = Image.alpha_composite(g.convert("RGBA"), rgba).convert("RGB")
        exact = name != "webp" or "lossless" in options  # the colours of lossy WebP are compared elsewhere
        layered.append({"name": name, "file": base64.b64encode(b.getvalue()).decode(), "alpha": alpha.tobytes().hex(), "ground": base64.b64encode(g.tobytes()).decode(),
                        "over": sha(over) if exact else ""})
    with open(OUT, "w") as o:
        o.write('{"cases": [\n' + ",\n".join(json.dumps(c) for c in cases) + '\n], "layered": [\n' + ",\n".join(json.dumps(c) for c in layered) + "\n]}\n")


if __name__ == "__main__":
    main()
