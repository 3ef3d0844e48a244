"""Draws what a command prints on a terminal as docs/similarity.png. Usage: screenshot.py CHIASM [OUT]; needs DejaVu Sans Mono."""
import os, subprocess, sys
from PIL import Image, ImageDraw, ImageFont

if len(sys.argv) < 2:
    sys.exit(0)  # `make golden` runs every script; this one needs a binary
chiasm, out = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "docs/similarity.png"
model = os.environ.get("CHIASM_MODEL", "model/clip/testdata/transformers")
texts = ["a sunset over the mountains", "a red apple", "the face of a cat"]
args = ["similarity", "--model", model] + [x for t in texts for x in ("--text", t)] + [f"examples/pictures/{p}.png" for p in ("apple", "cat", "sunset")]
shown = ["$ chiasm similarity --model openai/clip-vit-base-patch32 \\" if "CHIASM_MODEL" in os.environ else "$ chiasm similarity --model model/clip/testdata/transformers \\",
         "    " + " ".join(f'--text "{t}"' for t in texts) + " \\", "    examples/pictures/*.png", ""]
lines = shown + subprocess.run([chiasm, *args], capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "100"}).stdout.rstrip().split("\n")
font = ImageFont.truetype("DejaVuSansMono.ttf", 28)
w, h = font.getbbox("M")[2], 40
img = Image.new("RGB", (w * (max(map(len, lines)) + 4), h * (len(lines) + 2)), "#1e1e2e")
draw = ImageDraw.Draw(img)
for i, line in enumerate(lines):
    draw.text((2 * w, h * (i + 1)), line, font=font, fill="#a6e3a1" if i < 3 else "#cdd6f4")
img.save(out, optimize=True)
