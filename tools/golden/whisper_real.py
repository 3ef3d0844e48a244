"""Runs openai/whisper's transcription with the real base model on clips of speech: model/whisper/testdata/real.json.

    whisper_real.py FOLDER

FOLDER is what tools/realmodels lays out.
"""
import json
import os
import struct
import sys
import wave

from whisper_common import build, sequence  # first: see there
import numpy as np
import torch

OUT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../model/whisper/testdata"))
BASE = dict(num_mel_bins=80, max_source_positions=1500, d_model=512, encoder_attention_heads=8, encoder_layers=6, vocab_size=51865,
            max_target_positions=448, decoder_attention_heads=8, decoder_layers=6, encoder_ffn_dim=2048, decoder_ffn_dim=2048)
# None whose licence asks for the same licence: what is said in them is committed.
AUSTEN = "librivox/sense_and_sensibility_01_austen_64kb-"
CASES = [([AUSTEN + "0870.wav"], {"beam_size": 5, "word_timestamps": True}), ([AUSTEN + "0880.wav"], {"word_timestamps": True}),
         (["cards/005.wav"], {"word_timestamps": True}), (["it/demo-congrats.wav"], {"beam_size": 5}), (["ru/agent-newlocation.wav"], {"word_timestamps": True}),
         ([AUSTEN + n + ".wav" for n in ("0870", "0880", "0890", "0920", "0930", "0880", "0890")], {"word_timestamps": True})]


def samples(file):
    """At 16 kHz; what has half of that with the means of neighbours between them."""
    with wave.open(file) as w:
        x = np.frombuffer(w.readframes(w.getnframes()), "<i2").astype(np.float32) / 32768
        if w.getframerate() == 8000:
            x = np.stack([x, (x + np.append(x[1:], np.float32(0))) / 2], 1).reshape(-1)
        return x


# From CTranslate2's names to transformers'.
RENAMED = [("/self_attention/layer_norm/", ".self_attn_layer_norm/"), ("/self_attention/linear_0/", ".self_attn.qkv/"),
           ("/self_attention/linear_1/", ".self_attn.out_proj/"), ("/attention/layer_norm/", ".encoder_attn_layer_norm/"),
           ("/attention/linear_0/", ".encoder_attn.q_proj/"), ("/attention/linear_1/", ".encoder_attn.kv/"), ("/attention/linear_2/", ".encoder_attn.out_proj/"),
           ("/ffn/layer_norm/", ".final_layer_norm/"), ("/ffn/linear_0/", ".fc1/"), ("/ffn/linear_1/", ".fc2/"),
           ("/position_encodings/encodings", "/embed_positions/weight"), ("/embeddings/", "/embed_tokens/"), ("/layer_", "/layers."),
           ("layers.norm", "layer_norm"), ("gamma", "weight"), ("beta", "bias"), ("/", ".")]


def weights(file):
    """What CTranslate2's model.bin holds, under transformers' names."""
    with open(file, "rb") as f:
        one = lambda form: struct.unpack("<" + form, f.read(struct.calcsize(form)))[0]
        text = lambda: f.read(one("H"))[:-1].decode()
        one("I"), text(), one("I")
        found = {}
        for _ in range(one("I")):
            name = text()
            shape = [one("I") for _ in range(one("B"))]
            kind, data = one("B"), f.read(one("I"))
            if shape:
                found[name] = torch.from_numpy(np.frombuffer(data, {0: "<f4", 4: "<f2"}[kind]).reshape(shape).astype(np.float32))
    out = {}
    for name, value in found.items():
        if name.startswith("decoder/projection"):
            continue
        for a, b in RENAMED:
            name = name.replace(a, b)
        base, _, key = name.rpartition(".")
        base, _, last = base.rpartition(".")
        if last not in ("qkv", "kv"):
            out[name] = value
            continue
        for part, v in zip(last, value.chunk(len(last))):
            if (part, key) != ("k", "bias"):
                out[f"{base}.{part}_proj.{key}"] = v
    return out


folder = sys.argv[1]
m = build(BASE, weights(os.path.join(folder, "whisper-base/model.bin")), json.load(open(os.path.join(folder, "whisper-base/config.json")))["alignment_heads"])
golden = []
for clips, options in CASES:
    sound = np.concatenate([samples(os.path.join(folder, "clips", c)) for c in clips])
    golden.append(dict(sequence(m, sound, 3000, **options), clips=clips))
    print(clips[0], golden[-1]["language"], "".join(s["text"] for s in golden[-1]["segments"]), flush=True)
with open(os.path.join(OUT, "real.json"), "w") as f:
    json.dump(golden, f, ensure_ascii=False, indent=1)
