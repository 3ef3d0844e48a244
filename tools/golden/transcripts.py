"""Writes testdata/transcripts.json: what faster-whisper makes of clips with the real Whisper base. transcripts.py DIR, where tools/realmodels has
laid things out: times, and hashes of the texts, since the licences of some clips ask that what comes of them has the same licence. Of each language's prompts those are taken whose names have the least hashes, of those with 6 words or more and 20 seconds or less."""
import hashlib
import json
import os
import sys

import soundfile
import soxr
from faster_whisper import WhisperModel

REAL = sys.argv[1]
OUT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../testdata/transcripts.json"))


def main():
    model = WhisperModel(os.path.join(REAL, "whisper-base"), device="cpu", compute_type="float32", cpu_threads=1)
    groups = {}
    with open(os.path.join(REAL, "clips", "clips.tsv"), encoding="utf-8") as f:
        for line in f:
            language, name, text = line.rstrip("\n").split("\t")
            if len(text.split()) >= 6:
                groups.setdefault(name.split("/")[0], []).append((language, name))
    out = []
    for group in sorted(groups):
        kept = 0
        for language, name in sorted(groups[group], key=lambda c: hashlib.sha256(c[1].encode()).hexdigest()):
            x, rate = soundfile.read(os.path.join(REAL, "clips", name), dtype="float32")
            if kept == 3 or len(x) > 20 * rate:
                continue
            kept += 1
            if rate != 16000:
                x = soxr.resample(x, rate, 16000, "HQ")
            segments, _ = model.transcribe(x, language=language, beam_size=5)
            segments = list(segments)
            text = hashlib.sha256("".join(s.text for s in segments).strip().encode()).hexdigest()[:16]
            segments = [[round(s.start, 2), round(s.end, 2), round(s.avg_logprob, 4)] for s in segments]
            out.append({"clip": name, "language": language, "text": text, "segments": segments})
    with open(OUT, "w", encoding="utf-8") as f:
        f.write("[\n" + ",\n".join(json.dumps(c, ensure_ascii=False) for c in out) + "\n]\n")


main()
