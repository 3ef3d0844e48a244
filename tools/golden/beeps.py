"""Makes recipes/beeps: things with a picture of recipes/shapes and a sound, for chiasm fuse.

A disc hums, a square rustles, a bar rises; noise blurs the sounds. Of one thing in eight the picture is missing, of another the sound.
"""

import csv
import pathlib
import wave

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2] / "recipes"
RATE, SECONDS = 8000, 0.4


def sound(kind: str, r: np.random.Generator) -> np.ndarray:
    t = np.arange(int(RATE * SECONDS)) / RATE
    if kind == "disc":
        pitch = r.uniform(150, 250)
        x = sum(np.sin(2 * np.pi * pitch * k * t) / k for k in (1, 2, 3))
    elif kind == "square":
        x = r.normal(size=t.size) * (np.sin(2 * np.pi * r.uniform(6, 12) * t) > 0)
    else:
        low = r.uniform(300, 600)
        x = np.sin(2 * np.pi * (low * t + low * 2 * t**2))
    x = x / np.abs(x).max() + r.normal(size=t.size) * r.uniform(0.1, 0.5)
    return x / np.abs(x).max()


def main() -> None:
    r = np.random.default_rng(8)
    out = ROOT / "beeps"
    out.mkdir(exist_ok=True)
    rows = []
    for i, picture in enumerate(sorted((ROOT / "shapes").glob("*.png"))):
        kind = picture.stem.split("-")[2]
        name = f"{i:02}.wav"
        with wave.open(str(out / name), "wb") as w:
            w.setnchannels(1)
            w.setsampwidth(1)
            w.setframerate(RATE)
            w.writeframes((sound(kind, r) * 100 + 128).astype(np.uint8).tobytes())
        rows.append([f"../shapes/{picture.name}" if i % 8 != 3 else "", name if i % 8 != 6 else "", kind])
    for i, row in enumerate(rows):
        if row[1] == "":
            (out / f"{i:02}.wav").unlink()
    with open(out / "things.csv", "w", newline="") as f:
        w = csv.writer(f, lineterminator="\n")
        w.writerow(["picture", "sound", "label"])
        w.writerows(rows)


main()
