"""Times media/audio beside what Python's users run: soxr, libsndfile, NumPy, torch, and the extractors of transformers.

    python tools/peers/audio.py [rounds [part of a name]]

Needs Go and the environment of tools/golden. Everything is on one thread and counted in processor time, because other
programs on the machine take what the clock on the wall counts. The sides take turns; the figure is the best round. Ours are
the benchmarks of the package, run for few and for many turns: the difference is the work without the start.
"""
import os
import resource
import subprocess
import sys
import tempfile
import time

for name in ("OPENBLAS", "OMP", "MKL"):
    os.environ[name + "_NUM_THREADS"] = "1"
sys.path.pop(0)  # this folder: its names hide modules, as one of tools/golden hides this
import whisper as openai_whisper  # noqa: E402
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../golden"))
import numpy as np  # noqa: E402
import soundfile as sf  # noqa: E402
import soxr  # noqa: E402
import torch  # noqa: E402
from audio_sounds import noise, sound  # noqa: E402
from transformers import ClapFeatureExtractor, WhisperFeatureExtractor  # noqa: E402
from transformers.models.gemma4.feature_extraction_gemma4 import Gemma4AudioFeatureExtractor  # noqa: E402

torch.set_num_threads(1)
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
FILES = os.path.join(ROOT, "media/audio/testdata/files")


def fast_numpy(x, window, filters):
    """Whisper's features as one would write them with whole arrays."""
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(x, 200, mode="reflect"), 400)[::160][:3000]
    power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
    log = np.log10(np.maximum(filters.T @ power.T, 1e-10))
    return (np.maximum(log, log.max() - 8) + 4) / 4


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    x16, x48 = sound("chirp", 480000, 16000), sound("chirp", 480000, 48000)
    whisper = {n: WhisperFeatureExtractor(feature_size=n) for n in (80, 128)}
    filters, window = whisper[80].mel_filters.astype(np.float32), np.hanning(401)[:-1].astype(np.float32)
    openai = torch.from_numpy(x16)
    clap, gemma = ClapFeatureExtractor(truncation="rand_trunc"), Gemma4AudioFeatureExtractor()
    peers = {  # benchmark: what it is, then peers
        "Features/whisper80": ("Whisper 80, 30 s", {"NumPy": lambda: fast_numpy(x16, window, filters),
                                                    "transformers (torch)": lambda: whisper[80](x16, sampling_rate=16000),
                                                    "openai-whisper (torch)": lambda: openai_whisper.log_mel_spectrogram(openai)}),
        "Features/whisper128": ("Whisper 128, 30 s", {"transformers (torch)": lambda: whisper[128](x16, sampling_rate=16000)}),
        "Features/clap": ("CLAP, 10 s", {"transformers": lambda: clap(x48, sampling_rate=48000)}),
        "Features/gemma": ("Gemma, 30 s", {"transformers": lambda: gemma([x16])}),
    }
    for start, to in ((44100, 16000), (48000, 16000), (22050, 48000), (16000, 48000), (8000, 16000), (11025, 16000), (96000, 44100), (44100, 48000), (44101, 16000), (16000, 44101)):
        peers[f"Resample/{start}-{to}"] = (f"{start} to {to} Hz, 30 s", {"soxr": lambda x=noise(30 * start, 1), a=start, b=to: soxr.resample(x, a, b, quality="soxr_hq")})
    for name in ("pcm_16.wav", "pcm_16.flac", "44100.mp3"):
        path = os.path.join(FILES, name)
        peers[f"Decode/{name.split('.')[1]}-{name}"] = (f"{name}, per second", {"libsndfile": lambda p=path: sf.read(p, dtype="float32")})
    peers = {name: peer for name, peer in peers.items() if len(sys.argv) < 3 or sys.argv[2] in name}
    seconds = {name: sf.info(os.path.join(FILES, name)).duration for name in ("pcm_16.wav", "pcm_16.flac", "44100.mp3")}
    best = {name: {} for name in peers}

    def note(name, who, ms):
        best[name][who] = min(best[name].get(who, float("inf")), ms)

    with tempfile.TemporaryDirectory() as tmp:
        binary = os.path.join(tmp, "audio.test")
        subprocess.run(["go", "test", "-c", "-o", binary, "./media/audio"], cwd=ROOT, check=True)

        def ours(name, turns):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([binary, "-test.run=^$", f"-test.bench=^Benchmark{name.replace('/', '$/^')}$", f"-test.benchtime={turns}x"],
                           cwd=os.path.join(ROOT, "media/audio"), env={**os.environ, "GOMAXPROCS": "1"}, check=True, capture_output=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            return 1e3 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)

        for _ in range(rounds):
            for name, (_, others) in peers.items():
                few, many = (100, 600) if name.startswith("Decode") else (2, 32)
                note(name, "chiasm", (ours(name, many) - ours(name, few)) / (many - few))
                for who, run in others.items():
                    turns = 50 if name.startswith("Decode") else 3
                    start = time.process_time()
                    for _ in range(turns):
                        run()
                    note(name, who, 1e3 * (time.process_time() - start) / turns)
    for name, (what, _) in peers.items():
        per = seconds.get(name.split("-")[-1], 1)
        print(f"{what:28}" + "  ".join(f"{who} {ms / per:.2f} ms" for who, ms in best[name].items()))


main()
