"""Writes media/audio/testdata/mel.json: what transformers' feature extractors for Whisper, CLAP and Gemma 4 (which
EmbeddingGemma 2 uses) make of sounds by formula.

For each case: the sound's style, length and rate; the shape of the features; those of some frames (little-endian float32,
base64); and the sum of all. Whisper's are those of the NumPy path, which computes in 64 bits; the script makes sure that
the torch path and openai/whisper agree with them. Gemma's are computed in 64 bits too: NumPy's transform in 32 bits, which
the extractor uses, is itself off by up to 7e-4 on pure tones. The stretches that CLAP takes of a long sound at random are the first of
the first third of places, the middle of the second, the last of the last; without fusion the first ten seconds.
"""
import base64
import json
import os
import warnings

import numpy as np
import torch
import whisper.audio
from transformers import ClapFeatureExtractor, WhisperFeatureExtractor
from transformers.models.gemma4.feature_extraction_gemma4 import Gemma4AudioFeatureExtractor

from audio_sounds import sound

warnings.simplefilter("ignore")
OUT = os.path.join(os.path.dirname(__file__), "../../media/audio/testdata/mel.json")


def describe(features, frames_axis, count):
    """Some frames of an array, frames first."""
    a = np.moveaxis(np.asarray(features, dtype=np.float32), frames_axis, 0)
    n = a.shape[0]
    at = sorted({0, 1, 2, n // 3, n // 2, 2 * n // 3, n - 2, n - 1, *(np.arange(count) * 2654435761 % max(n, 1)).tolist()} & set(range(n)))
    return {"frames": n, "at": at, "values": base64.b64encode(np.ascontiguousarray(a[at]).astype("<f4").tobytes()).decode(),
            "sum": float(a.astype(np.float64).sum())}


def whisper_cases():
    for bands in (80, 128):
        extract = WhisperFeatureExtractor(feature_size=bands)
        for style, n in (("speech", 112000), ("chirp", 480000), ("noise", 500000), ("tone", 48000), ("silence", 16000), ("noise", 800)):
            x = sound(style, n, 16000)
            padded = np.pad(x[:480000], (0, max(0, 480000 - n)))
            want = extract._np_extract_fbank_features(padded[None], "cpu")[0]
            got = extract(x, sampling_rate=16000, return_tensors="np")["input_features"][0]
            assert want.shape == got.shape == (bands, 3000)
            original = whisper.audio.log_mel_spectrogram(torch.from_numpy(whisper.audio.pad_or_trim(x)), bands).numpy()
            print("whisper", bands, style, n, "torch", np.abs(want - got).max(), "openai", np.abs(want - original).max())
            yield {"front": "whisper", "bands": bands, "style": style, "samples": n, **describe(want, 1, 8)}
        for style, n in (("speech", 197531), ("chirp", 16320)):
            x = sound(style, n, 16000)
            want = extract._np_extract_fbank_features(x[None], "cpu")[0]
            got = extract(x, sampling_rate=16000, padding="longest", truncation=False, return_tensors="np")["input_features"][0]
            assert want.shape == got.shape
            print("whisper long", bands, style, n, "torch", np.abs(want - got).max())
            yield {"front": "whisper", "bands": bands, "long": True, "style": style, "samples": n, **describe(want, 1, 8)}


def choose(places):
    """In place of np.random.choice, which the extractor calls once for each third."""
    choose.calls += 1
    return [places[0], places[len(places) // 2], places[-1]][choose.calls % 3]


def clap_cases():
    np.random.choice = choose
    np.random.randint = lambda low, high: low
    for fusion in (False, True):
        extract = ClapFeatureExtractor(truncation="fusion" if fusion else "rand_trunc")
        for style, n in (("speech", 144000), ("chirp", 480000), ("noise", 300000), ("tone", 7000), ("silence", 48000),
                         ("speech", 480300), ("speech", 481100), ("chirp", 480961), ("speech", 900123)):
            choose.calls = -1
            x = sound(style, n, 48000)
            mel, longer = extract._get_input_mel(x, extract.nb_max_samples, extract.truncation, extract.padding)
            assert mel.shape == (4 if fusion else 1, 1001, 64)
            yield {"front": "clap", "fusion": fusion, "style": style, "samples": n, "longer": bool(longer), **describe(mel, 1, 6)}


def gemma_cases():
    plain, extract = Gemma4AudioFeatureExtractor(), Gemma4AudioFeatureExtractor()
    extract.window = extract.window.astype(np.float64)  # makes the transform one of 64 bits
    for style, n in (("speech", 112000), ("chirp", 160000), ("noise", 500000), ("tone", 48000), ("silence", 16000), ("noise", 161),
                     ("noise", 160), ("noise", 129), ("noise", 128), ("speech", 33333)):
        x = sound(style, n, 16000)
        out = extract([x], return_tensors="np")
        features, mask = out["input_features"][0], out["input_features_mask"][0]
        rough = plain([x], return_tensors="np")["input_features"][0]
        print("gemma", style, n, "in 32 bits", np.abs(features - rough).max(initial=0))
        assert features.ndim == 2 and mask.shape == features.shape[:1]
        valid = int(mask.sum())
        assert mask[:valid].all()
        yield {"front": "gemma", "style": style, "samples": n, "valid": valid, **describe(features, 0, 8)}


with open(OUT, "w") as f:
    cases = [*whisper_cases(), *clap_cases(), *gemma_cases()]
    f.write('{"cases": [\n' + ",\n".join(json.dumps(c) for c in cases) + "\n]}\n")
print(len(cases), "cases", os.path.getsize(OUT), "bytes")
