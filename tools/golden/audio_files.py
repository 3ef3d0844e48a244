"""Writes media/audio/testdata/files: short sounds by formula in every format and encoding that media/audio reads by itself,
and some that it reads with ffmpeg; and files.json: what libsndfile, with which librosa and transformers read files, makes of
them. For each file: rate, channels, frames; up to 700 frames from the middle (little-endian float32, base64); the sum of
all values. ffmpeg, if it is installed, writes the formats that libsndfile doesn't: without it those files stay as they are.
"""
import base64
import json
import os
import shutil
import subprocess
import tempfile

import numpy as np
import soundfile as sf

from audio_sounds import noise, sound

OUT = os.path.join(os.path.dirname(__file__), "../../media/audio/testdata")
FILES = os.path.join(OUT, "files")
os.makedirs(FILES, exist_ok=True)


def tune(n, rate, channels):
    """Left a chirp, right a buzz with noise, further channels noise."""
    x = [sound("chirp", n, rate) + sound("tone", n, rate) * np.float32(0.5), sound("speech", n, rate) + sound("noise", n, rate) * np.float32(0.3)]
    x += [noise(n, seed) * np.float32(0.7) for seed in range(2, channels)]
    return np.stack(x[:channels], 1)


cases = []


def describe(name, like=None, **more):
    x, rate = sf.read(os.path.join(FILES, like or name), dtype="float32", always_2d=True)
    start = max(len(x) // 2 - 350, 0)
    cases.append({"file": name, "rate": rate, "channels": x.shape[1], "frames": len(x), "start": start,
                  "values": base64.b64encode(x[start:start + 700].astype("<f4").tobytes()).decode(),
                  "sum": float(x.astype(np.float64).sum()), **more})


def write(name, n, rate, channels, **kind):
    sf.write(os.path.join(FILES, name), tune(n, rate, channels), rate, **kind)
    describe(name)


for subtype in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"):
    write(f"{subtype.lower()}.wav", 699, 8000, 2, format="WAV", subtype=subtype)
for subtype in ("PCM_U8", "PCM_24", "FLOAT", "ALAW"):
    write(f"x_{subtype.lower()}.wav", 350, 44100, 3, format="WAVEX", subtype=subtype)
write("rf64.wav", 350, 48000, 1, format="RF64", subtype="PCM_16")
for subtype in ("PCM_16", "PCM_24", "PCM_32", "FLOAT"):
    write(f"rifx_{subtype.lower()}.wav", 350, 22050, 1, format="WAV", subtype=subtype, endian="BIG")
for subtype in ("PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"):
    write(f"{subtype.lower()}.aiff", 351, 11025, 2, format="AIFF", subtype=subtype)
write("sowt.aiff", 350, 96000, 1, format="AIFF", subtype="PCM_16", endian="LITTLE")
for subtype, channels, n in (("PCM_S8", 1, 5000), ("PCM_16", 2, 10000), ("PCM_24", 6, 1200)):
    write(f"{subtype.lower()}.flac", n, 44100, channels, format="FLAC", subtype=subtype)
for rate, channels, mode in ((44100, 2, "VARIABLE"), (48000, 1, "CONSTANT"), (32000, 2, "CONSTANT"), (22050, 2, "VARIABLE"),
                             (16000, 1, "CONSTANT"), (24000, 2, "CONSTANT"), (11025, 1, "VARIABLE"), (8000, 2, "CONSTANT")):
    write(f"{rate}.mp3", rate // 4 + 3000, rate, channels, format="MP3", subtype="MPEG_LAYER_III", compression_level=0.7, bitrate_mode=mode)

write("vorbis.ogg", 12000, 44100, 2, format="OGG", subtype="VORBIS")
write("opus.ogg", 12000, 48000, 1, format="OGG", subtype="OPUS")
plain = os.path.join(tempfile.mkdtemp(), "plain.wav")
sf.write(plain, tune(12000, 44100, 2), 44100, subtype="PCM_16")
for name, codec in (("aac.m4a", ["-c:a", "aac"]), ("opus.webm", ["-c:a", "libopus"]), ("aac.aac", ["-c:a", "aac"]), ("alac.m4a", ["-c:a", "alac"]),
                    ("adpcm.wav", ["-c:a", "adpcm_ima_wav"]), ("video.mp4", ["-f", "lavfi", "-i", "color=size=16x16:rate=5", "-shortest", "-c:v", "mpeg4", "-c:a", "aac"])):
    path = os.path.join(FILES, name)
    if shutil.which("ffmpeg"):
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", plain, *codec, "-fflags", "+bitexact", "-flags", "+bitexact", path], check=True)
shutil.rmtree(os.path.dirname(plain))

with open(os.path.join(OUT, "files.json"), "w") as f:
    f.write('{"cases": [\n' + ",\n".join(json.dumps(c) for c in cases) + "\n]}\n")
print(len(cases), "files", sum(e.stat().st_size for e in os.scandir(FILES)), "and", os.path.getsize(os.path.join(OUT, "files.json")), "bytes")
