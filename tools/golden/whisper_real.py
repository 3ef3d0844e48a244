"""Runs openai/whisper's transcription with the real base model on clips of speech: model/whisper/testdata/real.json.

    whisper_real.py FOLDER WEIGHTS

FOLDER is what tools/realmodels lays out, WEIGHTS a safetensors file of whisper-base with transformers' names.
"""
import json
import os
import sys
import wave

from whisper_common import build, sequence  # first: see there
import numpy as np
from safetensors.torch import load_file

OUT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../model/whisper/testdata"))
BASE = dict(num_mel_bins=80, max_source_positions=1500, d_model=512, encoder_attention_heads=8, encoder_layers=6, vocab_size=51865,
            max_target_positions=448, decoder_attention_heads=8, decoder_layers=6, encoder_ffn_dim=2048, decoder_ffn_dim=2048)
AUSTEN = "librivox/sense_and_sensibility_01_austen_64kb-"
CASES = [([AUSTEN + "0870.wav"], {"beam_size": 5, "word_timestamps": True}), ([AUSTEN + "0880.wav"], {"word_timestamps": True}),
         (["cards/005.wav"], {"word_timestamps": True}), (["es/demo-moreinfo.wav"], {"beam_size": 5}), (["fr/agent-newlocation.wav"], {"word_timestamps": True}),
         (["en/demo-congrats.wav", AUSTEN + "0890.wav", AUSTEN + "0920.wav", AUSTEN + "0930.wav"], {"word_timestamps": True})]


def samples(file):
    """At 16 kHz; what has half of that with the means of neighbours between them."""
    with wave.open(file) as w:
        x = np.frombuffer(w.readframes(w.getnframes()), "<i2").astype(np.float32) / 32768
        if w.getframerate() == 8000:
            x = np.stack([x, (x + np.append(x[1:], np.float32(0))) / 2], 1).reshape(-1)
        return x


folder, weights = sys.argv[1:]
m = build(BASE, load_file(weights), json.load(open(os.path.join(folder, "whisper-base/config.json")))["alignment_heads"])
golden = []
for clips, options in CASES:
    sound = np.concatenate([samples(os.path.join(folder, "clips", c)) for c in clips])
    golden.append(dict(sequence(m, sound, 3000, **options), clips=clips))
    print(clips[0], golden[-1]["language"], "".join(s["text"] for s in golden[-1]["segments"]), flush=True)
with open(os.path.join(OUT, "real.json"), "w") as f:
    json.dump(golden, f, ensure_ascii=False, indent=1)
