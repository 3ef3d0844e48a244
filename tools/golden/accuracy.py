"""Cuts the photographs that `chiasm bench --model` compares precisions on out of those in scikit-image's wheel: public domain and CC0
ones only (docs/licenses.md). Usage: accuracy.py SKIMAGE_DATA_FOLDER"""
import pathlib
import sys

from PIL import Image

CROPS = [  # file, left, top, side
    ("astronaut.png", 60, 0, 350), ("astronaut.png", 220, 130, 292), ("brick.png", 0, 0, 400), ("camera.png", 90, 20, 360),
    ("camera.png", 240, 240, 260), ("chelsea.png", 60, 0, 300), ("clock_motion.png", 40, 0, 290), ("coffee.png", 90, 10, 380),
    ("coffee.png", 300, 0, 260), ("grass.png", 60, 60, 400), ("gravel.png", 0, 90, 400), ("hubble_deep_field.jpg", 100, 100, 500),
    ("hubble_deep_field.jpg", 480, 330, 300), ("retina.jpg", 150, 150, 1100), ("rocket.jpg", 150, 0, 420), ("rocket.jpg", 30, 200, 220),
]
SIDE = 256

source = pathlib.Path(sys.argv[1])
target = pathlib.Path(__file__).parents[2] / "accuracy"
for i, (name, left, top, side) in enumerate(CROPS):
    picture = Image.open(source / name).convert("RGB").crop((left, top, left + side, top + side)).resize((SIDE, SIDE), Image.LANCZOS)
    picture.save(target / f"{i:02d}-{pathlib.Path(name).stem.replace('_', '-')}.jpg", quality=85)
