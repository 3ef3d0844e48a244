"""Writes Silero's voice activity detection as safetensors and golden data of it: vad.py DIR, where tools/realmodels has laid things out.

The weights are those of silero_vad_16k_op15.onnx, convolutions with the taps before the channels, of the last one only the middle tap, since
its sound is a single frame. The golden data are probabilities by onnxruntime and spans by Silero's own function.
"""
import importlib.util
import json
import os
import shutil
import sys
import wave

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper
from safetensors.numpy import save_file

REAL = sys.argv[1]
OUT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../model/vad"))
ONNX = os.path.join(REAL, "silero-vad", "silero_vad_16k_op15.onnx")


def weights():
    w = {i.name.removeprefix("model."): numpy_helper.to_array(i) for i in onnx.load(ONNX).graph.initializer}
    taps = lambda name: np.ascontiguousarray(w[f"encoder.{name}.reparam_conv.weight"].transpose(0, 2, 1))
    out = {"stft.weight": w["stft.forward_basis_buffer"][:, 0], "encoder.3.weight": taps(3)[:, 1]}
    for i in range(4):
        out.setdefault(f"encoder.{i}.weight", taps(i))
        out[f"encoder.{i}.bias"] = w[f"encoder.{i}.reparam_conv.bias"]
    out |= {f"lstm.{k}.weight": w[f"decoder.rnn.weight_{k}"] for k in ("ih", "hh")}
    out |= {f"lstm.{k}.bias": w[f"decoder.rnn.bias_{k}"] for k in ("ih", "hh")}
    out |= {"head.weight": w["decoder.decoder.2.weight"][:, :, 0], "head.bias": w["decoder.decoder.2.bias"]}
    save_file({k: np.ascontiguousarray(v) for k, v in out.items()}, os.path.join(OUT, "silero.safetensors"), {"source": "silero-vad 6.2.3, MIT, Silero Team"})


def noise(n, seed=1):
    """A sequence from 0 to 1 that other languages can make too."""
    out = np.empty(n, np.float32)
    for i in range(n):
        seed = (seed * 1664525 + 1013904223) % 2**32
        out[i] = (seed >> 8) / 2**24
    return out


def sound(voice):
    pause = lambda seconds: np.zeros(int(16000 * seconds), np.float32)
    hiss = (noise(14400) - np.float32(0.5)) * np.float32(0.02)
    return np.concatenate([pause(1), voice, hiss, voice * np.float32(0.3), pause(2.5), -voice])


def probabilities(x):
    session = onnxruntime.InferenceSession(ONNX, providers=["CPUExecutionProvider"])
    state, context, out = np.zeros((2, 1, 128), np.float32), np.zeros(64, np.float32), []
    x = np.concatenate([x, np.zeros(-len(x) % 512, np.float32)])
    for chunk in x.reshape(-1, 512):
        p, state = session.run(None, {"input": np.concatenate([context, chunk])[None], "state": state, "sr": np.array(16000)})
        context = chunk[-64:]
        out.append(p[0, 0])
    return np.array(out, np.float32)


def walk(n, seed):
    """Probabilities that linger and leap."""
    r, p, out = noise(2 * n, seed), 0.5, []
    for i in range(n):
        p = min(max(p + (r[2 * i] - 0.5) * 0.3, 0), 1) if r[2 * i + 1] < 0.97 else r[2 * i]
        out.append(p)
    return np.array(out, np.float32)


def main():
    os.makedirs(os.path.join(OUT, "testdata"), exist_ok=True)
    weights()
    clip = os.path.join(REAL, "clips", "librivox", "sense_and_sensibility_01_austen_64kb-0880.wav")
    shutil.copy(clip, os.path.join(OUT, "testdata", "voice.wav"))
    with wave.open(clip) as f:
        voice = np.frombuffer(f.readframes(f.getnframes()), "<i2").astype(np.float32) / 32768
    x = sound(voice)
    golden = {"voice": probabilities(x), "walk1": walk(4000, 1), "walk2": walk(4000, 7)}
    save_file(golden, os.path.join(OUT, "testdata", "golden.safetensors"))
    spec = importlib.util.spec_from_file_location("utils_vad", os.path.join(REAL, "silero-vad", "utils_vad.py"))
    silero = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(silero)
    cases = []
    for name, probs in golden.items():
        samples = len(x) if name == "voice" else 512 * len(probs) - 100
        for options in [dict(), dict(max_speech_duration_s=30, min_silence_duration_ms=160), dict(max_speech_duration_s=6, min_silence_duration_ms=500),
                        dict(threshold=0.6, neg_threshold=0.2, min_speech_duration_ms=250, min_silence_duration_ms=100, speech_pad_ms=30, max_speech_duration_s=3)]:
            options = dict(threshold=0.5, neg_threshold=0.35, min_speech_duration_ms=0, max_speech_duration_s=float("inf"), min_silence_duration_ms=2000, speech_pad_ms=400) | options
            spans = silero.get_speech_timestamps_from_probs([float(p) for p in probs], audio_length_samples=samples, **options)
            options["max_speech_duration_s"] = min(options["max_speech_duration_s"], 1e6)
            cases.append({"probabilities": name, "samples": samples, "options": options, "spans": [[s["start"], s["end"]] for s in spans]})
    with open(os.path.join(OUT, "testdata", "spans.json"), "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")


main()
