"""Draws examples/pictures, what `make demo` looks at. The pictures are ours and in the public domain (CC0)."""
import math
import os

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../examples/pictures")
W, H, S = 360, 270, 3  # pictures are drawn S times as large and then shrunk


def gradient(stops):
    """A picture whose rows run through (height 0..1, colour) stops."""
    at, colours = [s[0] for s in stops], np.array([s[1] for s in stops], float)
    rows = np.stack([np.interp(np.linspace(0, 1, H * S), at, colours[:, k]) for k in range(3)], 1)
    return Image.fromarray(np.broadcast_to(rows[:, None], (H * S, W * S, 3)).round().astype(np.uint8))


def light(im, x, y, radius, colour, strength):
    """Adds a soft round light."""
    yy, xx = np.mgrid[0:im.height, 0:im.width]
    d = np.hypot(xx - x * S, yy - y * S) / (radius * S)
    a = (np.exp(-d * d) * strength)[:, :, None]
    out = np.asarray(im, float) * (1 - a) + np.array(colour, float) * a
    return Image.fromarray(out.round().astype(np.uint8))


def ridge(rng, base, height, waves):
    """The outline of a mountain range, as points across the picture."""
    x = np.linspace(0, W, 181)
    y = np.full_like(x, base, dtype=float)
    for k in range(waves):
        y -= height / (k + 1) ** 1.1 * np.abs(np.sin(x / W * math.pi * (1.3 + 1.9 * k) + rng.uniform(0, 7)))
    return [(a * S, b * S) for a, b in zip(x, y)]


def sunset():
    rng = np.random.default_rng(7)
    im = gradient([(0, (46, 38, 92)), (0.3, (150, 62, 108)), (0.5, (236, 112, 70)), (0.66, (255, 190, 92)), (1, (255, 214, 130))])
    im = light(im, 205, 140, 90, (255, 226, 150), 0.85)
    d = ImageDraw.Draw(im)
    d.ellipse([(205 - 27) * S, (134 - 27) * S, (205 + 27) * S, (134 + 27) * S], fill=(255, 246, 208))
    for x, y, w in ((60, 60, 90), (230, 84, 110), (120, 108, 70), (290, 46, 60)):
        d.rounded_rectangle([(x - w / 2) * S, y * S, (x + w / 2) * S, (y + 5) * S], 3 * S, fill=(250, 150, 110))
    for base, height, waves, colour in ((212, 62, 5, (150, 78, 104)), (240, 52, 6, (92, 48, 84)), (268, 40, 7, (38, 24, 52))):
        d.polygon([(0, H * S), *ridge(rng, base, height, waves), (W * S, H * S)], fill=colour)
    return im


def apple():
    im = gradient([(0, (236, 240, 244)), (0.66, (214, 222, 230)), (0.67, (178, 140, 102)), (1, (204, 168, 126))])
    shadow = Image.new("L", im.size, 0)
    ImageDraw.Draw(shadow).ellipse([105 * S, 212 * S, 270 * S, 244 * S], fill=130)
    im.paste((90, 62, 40), mask=shadow.filter(ImageFilter.GaussianBlur(7 * S)))
    t = np.linspace(0, 2 * math.pi, 400)
    r = 78 * (1 + 0.13 * np.cos(2 * t)) - 26 * np.exp(-((t - math.pi / 2) / 0.34) ** 2) - 9 * np.exp(-((t - 3 * math.pi / 2) / 0.3) ** 2)
    outline = [((180 + a * np.cos(b) * 1.02) * S, (148 - a * np.sin(b) * 1.08) * S) for a, b in zip(r, t)]
    mask = Image.new("L", im.size, 0)
    ImageDraw.Draw(mask).polygon(outline, fill=255)
    body = Image.new("RGB", im.size, (196, 22, 36))
    body = light(body, 150, 118, 62, (240, 66, 62), 0.9)
    body = light(body, 236, 206, 60, (120, 6, 24), 0.8)
    body = light(body, 142, 104, 17, (255, 226, 220), 0.85)
    im.paste(body, mask=mask)
    d = ImageDraw.Draw(im)
    d.line([(181 * S, 98 * S), (184 * S, 76 * S), (194 * S, 56 * S)], fill=(92, 58, 30), width=7 * S, joint="curve")
    leaf = [(188 + 58 * u, 78 - 30 * u - side * 17 * math.sin(math.pi * u)) for side in (1, -1) for u in (np.linspace(0, 1, 40) if side == 1 else np.linspace(1, 0, 40))]
    d.polygon([(x * S, y * S) for x, y in leaf], fill=(70, 142, 52))
    d.line([(188 * S, 78 * S), (240 * S, 51 * S)], fill=(42, 100, 36), width=2 * S)
    return im


def cat():
    im = gradient([(0, (166, 206, 214)), (1, (206, 230, 226))])
    d = ImageDraw.Draw(im)

    def oval(x, y, w, h, fill):
        d.ellipse([(x - w) * S, (y - h) * S, (x + w) * S, (y + h) * S], fill=fill)

    def shape(points, fill):
        d.polygon([(x * S, y * S) for x, y in points], fill=fill)

    fur, dark, pink = (226, 146, 66), (172, 94, 36), (240, 160, 160)
    oval(180, 300, 110, 80, fur)
    for side in (-1, 1):
        shape([(180 + side * 92, 118), (180 + side * 88, 22), (180 + side * 22, 80)], fur)
        shape([(180 + side * 80, 98), (180 + side * 78, 44), (180 + side * 40, 80)], pink)
    oval(180, 150, 100, 86, fur)
    for x, y, w, h in ((180, 84, 7, 26), (155, 90, 5, 22), (205, 90, 5, 22)):
        oval(x, y, w, h, dark)
    for side in (-1, 1):
        for k in range(3):
            shape([(180 + side * 101, 136 + 19 * k), (180 + side * 66, 144 + 15 * k), (180 + side * 98, 146 + 19 * k)], dark)
        oval(180 + side * 40, 136, 22, 19, (244, 250, 226))
        oval(180 + side * 40, 136, 17, 18, (112, 176, 84))
        oval(180 + side * 40, 136, 6, 17, (16, 18, 20))
        oval(180 + side * 35, 129, 4, 4, (255, 255, 255))
        oval(180 + side * 19, 186, 25, 20, (250, 236, 214))
    oval(180, 204, 18, 12, (250, 236, 214))
    shape([(168, 166), (192, 166), (180, 180)], (222, 108, 120))
    d.line([(180 * S, 180 * S), (180 * S, 191 * S)], fill=(96, 52, 34), width=3 * S)
    for side in (-1, 1):
        d.arc([(180 + min(0, side * 26)) * S, 180 * S, (180 + max(0, side * 26)) * S, 200 * S], 10, 170, fill=(96, 52, 34), width=3 * S)
        for k in range(3):
            d.line([((180 + side * 42) * S, (184 + 5 * k) * S), ((180 + side * 122) * S, (166 + 18 * k) * S)], fill=(252, 250, 244), width=2 * S)
    return im


os.makedirs(OUT, exist_ok=True)
for draw in (sunset, apple, cat):
    im = draw().resize((W, H), Image.LANCZOS)
    im.save(os.path.join(OUT, draw.__name__ + ".png"), optimize=True)
