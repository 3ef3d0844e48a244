"""Pictures of coloured shapes with captions in two languages, for recipes/shapes.yaml."""

import pathlib

import numpy as np
from PIL import Image, ImageDraw

OUT = pathlib.Path(__file__).resolve().parents[2] / "recipes/shapes"
COLOURS = {"red": ("rot", (220, 40, 30)), "green": ("grün", (30, 160, 60)), "blue": ("blau", (40, 70, 210)), "yellow": ("gelb", (235, 210, 50))}
SHAPES = {"disc": "Scheibe", "square": "Quadrat", "bar": "Balken"}


def picture(rng, colour, shape):
    img = Image.new("RGB", (32, 32), tuple(int(x) for x in rng.integers(150, 250, 3)))
    draw = ImageDraw.Draw(img)
    x, y, h = (int(v) for v in (*rng.integers(10, 22, 2), rng.integers(5, 9)))
    box = [0, y - 2, 31, y + 2] if shape == "bar" else [x - h, y - h, x + h, y + h]
    (draw.ellipse if shape == "disc" else draw.rectangle)(box, COLOURS[colour][1])
    return img


def main():
    rng = np.random.default_rng(3)
    OUT.mkdir(parents=True, exist_ok=True)
    for name, each in (("train", 5), ("validation", 2)):
        lines = ["filepath\ttitle\ttitle_de"]
        for colour, (german, _) in COLOURS.items():
            for shape in SHAPES:
                for i in range(each):
                    file = f"{name}-{colour}-{shape}-{i}.png"
                    picture(rng, colour, shape).save(OUT / file, optimize=True)
                    lines.append(f"{file}\ta {colour} {shape}\t{SHAPES[shape]}, {german}")
        (OUT / f"{name}.tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
