"""Writes media/audio/testdata/resample.json: what soxr in the quality that librosa and transformers ask for makes of chords
that leave the transition band empty, cut or padded to ceil(n·to/from) samples as they do. Values are little-endian float32,
base64.
"""
import base64
import json
import math
import os

import numpy as np
import soxr

from audio_sounds import chord

OUT = os.path.join(os.path.dirname(__file__), "../../media/audio/testdata/resample.json")
PAIRS = [(44100, 16000), (48000, 16000), (22050, 48000), (16000, 48000), (8000, 16000), (11025, 16000), (96000, 44100), (44101, 16000), (192000, 16000)]

cases = []
for start, to in PAIRS:
    n = 3000 * start // min(start, to)
    x = chord(n, start, to)
    want = math.ceil(n * to / start)
    y = soxr.resample(x, start, to, quality="soxr_hq")
    y = np.pad(y, (0, max(0, want - len(y))))[:want]
    cases.append({"from": start, "to": to, "samples": n, "values": base64.b64encode(y.astype("<f4").tobytes()).decode()})
with open(OUT, "w") as f:
    f.write('{"cases": [\n' + ",\n".join(json.dumps(c) for c in cases) + "\n]}\n")
print(os.path.getsize(OUT))
