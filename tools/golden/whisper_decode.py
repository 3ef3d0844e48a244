"""Runs openai/whisper's decoding, alignment and transcription on the tiny models that whisper.py made: model/whisper/testdata/decode.json.

Without timestamps a random model would write them all the same, and the reference never comes to an end: no sequence is without."""
import json
import os
import zlib

from whisper_common import build, sequence, transcribe  # first: see there
import numpy as np
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer as HF
from whisper import decoding, timing
from whisper.model import ModelDimensions, Whisper
from whisper.tokenizer import Tokenizer

OUT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../model/whisper/testdata"))


class Tiny(Tokenizer):
    """The reference's tokenizer over a tokenizer.json, whose timestamps have no names."""

    def __init__(self, folder, multilingual, language, task):
        self.hf = HF.from_file(os.path.join(folder, "tokenizer.json"))
        self.hints = json.load(open(os.path.join(folder, "generation_config.json")))
        self.language, self.task = (language or "en", task or "transcribe") if multilingual else (None, None)
        one = lambda s: self.hf.token_to_id(f"<|{s}|>")
        self.__dict__.update(eot=one("endoftext"), sot=one("startoftranscript"), sot_lm=one("startoflm"), sot_prev=one("startofprev"),
                             transcribe=one("transcribe"), translate=one("translate"), no_speech=one("nocaptions"), no_timestamps=one("notimestamps"),
                             timestamp_begin=one("notimestamps") + 1, non_speech_tokens=tuple(self.hints["suppress_tokens"]))
        self.sot_sequence = (self.sot,) + ((one(self.language), one(self.task)) if multilingual else ())
        self.special_tokens = self.hints.get("lang_to_id", {})
        self.all_language_codes = tuple(c[2:-2] for c in self.hints.get("lang_to_id", {}))
        self.all_language_tokens = tuple(self.hints.get("lang_to_id", {}).values())

    def encode(self, text):
        return [220] if text == " " else self.hf.encode(text, add_special_tokens=False).ids  # 220 is what the file forbids at the start

    def decode(self, ids):
        return self.hf.decode([int(i) for i in ids if i < self.timestamp_begin], skip_special_tokens=False)

    decode_with_timestamps = decode


def load(name):
    folder = os.path.join(OUT, name)
    c = json.load(open(os.path.join(folder, "config.json")))
    hints = json.load(open(os.path.join(folder, "generation_config.json")))
    m = build(c, load_file(os.path.join(folder, "model.safetensors")), hints["alignment_heads"])
    multilingual = name == "tiny"
    Whisper.is_multilingual, Whisper.num_languages = multilingual, 3
    frames = 2 * c["max_source_positions"]
    make = lambda known, *, num_languages=0, language=None, task=None: Tiny(folder, known, language, task)
    decoding.get_tokenizer = transcribe.get_tokenizer = make
    decoding.CHUNK_LENGTH = frames / 100
    transcribe.N_FRAMES, transcribe.N_SAMPLES = frames, frames * 160
    golden = load_file(os.path.join(folder, "golden.safetensors"))
    return m, make, golden["mel"], frames


def decodes(m, mel, multilingual):
    out = []
    sets = [{}, {"without_timestamps": True}, {"beam_size": 3}, {"beam_size": 5, "patience": 2.0}, {"beam_size": 2, "without_timestamps": True},
            {"beam_size": 4, "patience": 0.5, "suppress_blank": False}, {"prompt": [40, 41, 42, 43]}, {"prompt": list(range(30, 60)), "beam_size": 2},
            {"suppress_tokens": [3]}, {"max_initial_timestamp": 0.06}, {"sample_len": 4, "beam_size": 3}, {"without_timestamps": True, "prefix": [77, 78]}]
    for options in sets:
        for language in ["en", "zh"] if multilingual else ["en"]:
            kw = dict(options, language=language, fp16=False)
            for i, r in enumerate(m.decode(window, decoding.DecodingOptions(**kw)) for window in mel):
                out.append(dict(options=dict(options, language=language), window=i, ids=r.tokens, text=r.text, avg=r.avg_logprob, no_speech=r.no_speech_prob))
    return out


def languages(m, make, mel):
    return m.detect_language(mel, make(True))[1] if m.is_multilingual else []


def alignments(m, make, mel, frames):
    out = []
    for language, text in [("en", " and so, my “fellow” friends - ask not"), ("zh", "Ich heiße 你好 Ärger"), ("en", "x"), ("en", " 你")]:
        for window, n in [(0, frames), (1, frames - 21)]:
            t = make(m.is_multilingual, language=language)
            ids = t.encode(text)[: m.dims.n_text_ctx - 8]
            words = timing.find_alignment(m, t, ids, mel[window], n)
            out.append(dict(language=language, window=window, frames=n, ids=ids,
                            words=[[w.word, len(w.tokens), float(w.start), float(w.end), float(w.probability)] for w in words]))
    return out


def noise(n, seed):
    """Samples that any language can make: a linear congruential generator, louder and softer."""
    out, state = np.zeros(n, np.float32), seed
    for i in range(n):
        state = (state * 1664525 + 1013904223) % 2**32
        out[i] = ((state >> 16) - 32768) / 32768 * (0.02 + 0.1 * ((i // 3000) % 5))
    return out


def sequences(m, frames):
    cases = [(1, 1.1, {}), (2, 1.2, {"word_timestamps": True}), (3, 0.9, {"condition_on_previous_text": False}), (4, 1.0, {"initial_prompt": "fox"}),
             (5, 0.3, {"word_timestamps": True}), (6, 0.9, {"beam_size": 3, "word_timestamps": True}), (8, 1.2, {"no_speech_threshold": 0.001}),
             (9, 0.9, {"language": None})]
    return [dict(sequence(m, noise(int(seconds * 16000), seed), frames, **dict({"language": "en"}, **options)), seed=seed) for seed, seconds, options in cases]


def settled():
    """add_word_timestamps on words that find_alignment is made to find."""
    rng, out = np.random.default_rng(3), []
    texts = [" The", " quick", ".", " fox", ",", " “", "jumps", "”", " over", "!", " (", "dogs", ")", " end", "。"]

    class Plain:
        eot = 1000
    for case in range(40):
        words, at, ids = [], 0.0, 1
        for _ in range(int(rng.integers(0, 14))):
            n, length = int(rng.integers(1, 4)), float(rng.integers(0, 60)) / 50 * (4 if rng.random() < 0.15 else 0.4)
            words.append(timing.WordTiming(texts[int(rng.integers(len(texts)))], list(range(ids, ids + n)), at, at + round(length / 0.02) * 0.02, 0.5))
            at, ids = words[-1].end, ids + n
        cut = int(rng.integers(1, ids + 1))
        seek, spoken = int(rng.integers(0, 500)), float(rng.integers(0, 5))
        offset = seek * 0.01
        parts = [list(range(1, cut)), list(range(cut, ids))]
        segments = [dict(seek=seek, start=offset + float(rng.integers(0, 10)) / 5, end=offset + at * (0.4 + 0.3 * i), tokens=p) for i, p in enumerate(parts)]
        given = [[s["start"], s["end"], len(s["tokens"])] for s in segments]
        found = [[w.word, len(w.tokens), w.start, w.end] for w in words]
        timing.find_alignment, kept = (lambda *_, **__: words), timing.find_alignment
        timing.add_word_timestamps(segments=segments, model=None, tokenizer=Plain, mel=None, num_frames=0, last_speech_timestamp=spoken)
        timing.find_alignment = kept
        out.append(dict(offset=offset, spoken=spoken, segments=given, found=found,
                        want=[[s["start"], s["end"], [[w["word"], w["start"], w["end"]] for w in s["words"]]] for s in segments]))
    return out


def journeys():
    """How transcribe goes through sounds in which a model is made to hear words, likely and unlikely ones."""
    rng, out = np.random.default_rng(4), []

    class Plain:
        eot, no_timestamps, timestamp_begin = 20, 25, 26
        decode = lambda self, ids: "x" * len(ids)

    class Model:
        dims = ModelDimensions(80, 1500, 0, 0, 0, 0, 448, 0, 0, 0)
        device, is_multilingual, num_languages = torch.device("cpu"), True, 99

    def hear(model, segment, options):
        seek, frames = int(segment[0]), len(segment)
        n = min(int(rng.integers(1, 5)), frames // 4)
        at = sorted(rng.choice(np.arange(frames // 2), 2 * n, replace=False).tolist())
        ids, words = [], []
        for a, b in zip(at[::2], at[1::2]):
            ids += [26 + a, 1, 2, 26 + b]
            marks = [round(x * 0.02, 2) for x in sorted(rng.integers(a, b + 1, 4).tolist())] if rng.random() < 0.9 else []
            words.append([[str(rng.choice([" so", ",", " many"])), marks[i], marks[i + 1], float(rng.choice([0.05, 0.1, 0.9]))] for i in range(len(marks[:-1]))])
        ending = rng.random()
        ids = ids[:-1] if ending < 0.3 else ids + ids[-1:] if ending < 0.6 else ids
        if not n:
            ids, words = [1], [[]]
        visits.append(dict(seek=seek, ids=ids, words=words))
        if len(visits) > 40:
            raise RecursionError
        return decoding.DecodingResult(audio_features=None, language="en", tokens=ids, avg_logprob=-0.3, no_speech_prob=0.1, temperature=0.0, compression_ratio=1.0)

    def give(*, segments, **_):
        offset = visits[-1]["seek"] / 100
        for s, words in zip(segments, visits[-1]["words"]):
            s["words"] = [dict(word=w, start=round(offset + a, 2), end=round(offset + b, 2), probability=p) for w, a, b, p in words]
            if words:
                s["start"], s["end"] = s["words"][0]["start"], s["words"][-1]["end"]

    Model.decode = hear
    kept = transcribe.add_word_timestamps
    transcribe.N_FRAMES, transcribe.N_SAMPLES, transcribe.add_word_timestamps = 3000, 480000, give
    transcribe.get_tokenizer = lambda *_, **__: Plain()
    transcribe.pad_or_trim = lambda index, n: index[0]
    for case in range(60):
        content, visits = int(rng.integers(900, 12000)), []
        transcribe.log_mel_spectrogram = lambda *_, **__: torch.arange(content + 3000)[None]
        threshold = [None, 0.5, 2.0][case % 3]
        try:
            r = transcribe.transcribe(Model(), None, word_timestamps=True, language="en", temperature=(0.0,), fp16=False, hallucination_silence_threshold=threshold)
        except RecursionError:  # it stands still
            continue
        out.append(dict(content=content, threshold=threshold or 0, visits=visits, segments=[[s["start"], s["end"]] for s in r["segments"] if s["tokens"]]))
    transcribe.add_word_timestamps = kept
    return out


def ratios():
    texts = ["", "a", "Thank you.", " And so, my fellow Americans, ask not what your country can do for you.", "no " * 60, "ask not what " * 17,
             "He was not an ill-disposed young man. " * 3, "".join(chr(0x4E00 + 37 * i % 5000) for i in range(120))]
    return [[t, len(t.encode()) / len(zlib.compress(t.encode()))] for t in texts]


golden = {"settled": settled(), "ratios": ratios(), "journeys": journeys()}
for name in ("tiny", "english"):
    m, make, mel, frames = load(name)
    golden[name] = dict(decodes=decodes(m, mel, m.is_multilingual), languages=languages(m, make, mel), alignments=alignments(m, make, mel, frames),
                        sequences=sequences(m, frames))
with open(os.path.join(OUT, "decode.json"), "w") as f:
    json.dump(golden, f, ensure_ascii=False)
