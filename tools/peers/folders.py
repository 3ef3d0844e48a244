"""The folders that are indexed: one of 12-megapixel photographs, one of 640x480, made of those in examples/collection."""
import os
import random

SIZES = {"12mp": (4000, 3000), "vga": (640, 480)}


def make(size, count, cache, sources):
    """A folder of so many different JPEG files of quality 90, 4:2:0, made once: parts of photographs, enlarged where they are too small, with a sensor's noise."""
    import numpy as np
    from PIL import Image, ImageOps
    folder = os.path.join(cache, f"{size}-{count}")
    if os.path.exists(folder + ".done"):
        return folder
    os.makedirs(folder, exist_ok=True)
    w, h = SIZES[size]
    r, noise = random.Random(11), np.random.default_rng(12)
    names = sorted(n for n in os.listdir(sources) if n.endswith(".jpg"))
    for i in range(count):
        image = Image.open(os.path.join(sources, names[i % len(names)])).convert("RGB")
        part = r.uniform(0.7, 1)
        x, y = r.uniform(0, 1 - part), r.uniform(0, 1 - part)
        box = (x * image.width, y * image.height, (x + part) * image.width, (y + part) * image.height)
        image = ImageOps.fit(image.crop([round(v) for v in box]), (w, h), Image.LANCZOS)
        if r.random() < 0.5:
            image = ImageOps.mirror(image)
        grain = noise.integers(-5, 6, (h, w, 1), dtype=np.int16)
        image = Image.fromarray(np.clip(np.asarray(image, dtype=np.int16) + grain, 0, 255).astype(np.uint8))
        image.save(os.path.join(folder, f"IMG_{i:04d}.jpg"), quality=90, subsampling="4:2:0")
    with open(folder + ".done", "w"):
        return folder
