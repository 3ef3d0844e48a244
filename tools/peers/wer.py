"""Word error rates of chiasm and of faster-whisper with the same weights and settings, on clips with known texts.

    wer.py --real DIR --chiasm bin/chiasm [--model FOLDER] [--each 50] [--settings f32,bf16,int8] [--peers float32] [--batched] [--out wer.json]

DIR is where tools/realmodels lays things out. Of each language's prompts those are taken that have three words or more, no digits, and last 30
seconds at most; of these the first by a hash of their names; and all sentences of pocketsphinx. Everybody reads the same 16 kHz files, knows the
language, follows 5 hypotheses and falls back from temperature 0 as openai/whisper does. Texts are compared in lower case without punctuation and
accents, numbers as words.
"""
import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import time
import unicodedata

import numpy as np
import soundfile
import soxr
from num2words import num2words


def normal(text, language):
    def spoken(m):
        try:
            return " " + num2words(int(m[0]), lang=language) + " "
        except (NotImplementedError, OverflowError):
            return m[0]

    text = re.sub(r"\d+", spoken, text.lower())
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return re.sub(r"[^\w]+|_", " ", text).split()


def edits(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(last + (x != y), row[j] + 1, row[j - 1] + 1)
    return row[-1]


def choose(real, each, folder):
    """Clips as (language, set, 16 kHz file, words)."""
    clips = []
    with open(os.path.join(real, "clips", "clips.tsv"), encoding="utf-8") as f:
        for line in f:
            language, name, text = line.rstrip("\n").split("\t")
            clips.append((language, name.split("/")[0], name, text))
    chosen = []
    for group in sorted({c[1] for c in clips}):
        some = [c for c in clips if c[1] == group and not re.search(r"\d", c[3]) and len(normal(c[3], c[0])) >= 3 - (group == "cards")]
        some.sort(key=lambda c: hashlib.sha256(c[2].encode()).hexdigest())
        kept = 0
        for language, group, name, text in some:
            x, rate = soundfile.read(os.path.join(real, "clips", name), dtype="float32")
            if kept == each or len(x) > 30 * rate:
                continue
            kept += 1
            path = os.path.join(folder, name.replace("/", "-"))
            if not os.path.exists(path):
                soundfile.write(path, soxr.resample(x, rate, 16000, "VHQ"), 16000, subtype="PCM_16")
            chosen.append((language, group, path, normal(text, language)))
    return chosen


def chiasm(args, clips, precision):
    out = {}
    for language in sorted({c[0] for c in clips}):
        files = [c[2] for c in clips if c[0] == language]
        command = [args.chiasm, "transcribe", "-q", "--json", "-m", args.chiasm_model or args.model, "-l", language, "--precision", precision, "--threads", str(args.threads)]
        run = subprocess.run(command + ([] if args.batched else ["--sequential"]) + files, capture_output=True, check=True, text=True)
        for line in run.stdout.splitlines():
            answer = json.loads(line)
            out[answer["input"]] = answer["text"]
    return out


def faster_whisper(args, clips, compute):
    from faster_whisper import BatchedInferencePipeline, WhisperModel

    model = WhisperModel(args.model, device="cpu", compute_type=compute, cpu_threads=args.threads)
    transcribe = BatchedInferencePipeline(model).transcribe if args.batched else model.transcribe
    out = {}
    for language, _, path, _ in clips:
        options = dict(batch_size=8, without_timestamps=False) if args.batched else {}
        segments, _ = transcribe(path, language=language, beam_size=5, **options)
        out[path] = "".join(s.text for s in segments)
    return out


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--real", required=True)
    p.add_argument("--model")
    p.add_argument("--chiasm", default="bin/chiasm")
    p.add_argument("--chiasm-model")
    p.add_argument("--each", type=int, default=50)
    p.add_argument("--settings", default="f32,bf16,int8")
    p.add_argument("--peers", default="float32")
    p.add_argument("--batched", action="store_true")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--out", default="wer.json")
    args = p.parse_args()
    args.model = args.model or os.path.join(args.real, "whisper-base")
    folder = os.path.join(args.real, "clips16k")
    os.makedirs(folder, exist_ok=True)
    clips = choose(args.real, args.each, folder)
    seconds = sum(soundfile.info(c[2]).duration for c in clips)
    print(f"{len(clips)} clips, {seconds / 60:.1f} minutes, {sum(len(c[3]) for c in clips)} words", file=sys.stderr)
    results = json.load(open(args.out)) if os.path.exists(args.out) else {}
    runs = [(f"chiasm {s}", chiasm, s) for s in args.settings.split(",") if s] + [(f"faster-whisper {s}", faster_whisper, s) for s in args.peers.split(",") if s]
    for name, run, setting in runs:
        name += " batched" if args.batched else ""
        if name in results and set(results[name]["texts"]) >= {c[2] for c in clips}:
            continue
        start = time.time(), os.times()
        texts = run(args, clips, setting)
        end = time.time(), os.times()
        cpu = sum(end[1][:4]) - sum(start[1][:4])
        results[name] = {"texts": texts, "wall": end[0] - start[0], "cpu": cpu}
        with open(args.out, "w") as f:
            json.dump(results, f, ensure_ascii=False, indent=0)
    groups = sorted({c[1] for c in clips})
    print("| |" + "|".join(f"{g} ({sum(c[1] == g for c in clips)})" for g in groups) + f"|all ({len(clips)})|CPU s|")
    print("|---" * (len(groups) + 3) + "|")
    for name, r in results.items():
        if not set(r["texts"]) >= {c[2] for c in clips}:
            continue
        rates = []
        for g in groups + [None]:
            some = [c for c in clips if g in (c[1], None)]
            wrong = sum(edits(c[3], normal(r["texts"][c[2]], c[0])) for c in some)
            rates.append(f"{100 * wrong / sum(len(c[3]) for c in some):.2f}")
        print(f"| {name} |" + "|".join(rates) + f"| {r['cpu']:.0f} |")
    if len(results) > 1:
        names = list(results)
        for other in names[1:]:
            same = np.mean([normal(results[names[0]]["texts"].get(c[2], ""), c[0]) == normal(results[other]["texts"].get(c[2], ""), c[0]) for c in clips])
            print(f"{names[0]} and {other}: {100 * same:.1f} % of texts alike", file=sys.stderr)


main()
