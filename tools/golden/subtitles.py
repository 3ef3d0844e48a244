"""Writes testdata/subtitles.json: made-up transcripts and what openai/whisper's writers make of them."""
import io
import json
import os
import random

from whisper.utils import get_writer

OUT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../testdata/subtitles.json"))
WORDS = "the quick brown fox, jumps over a lazy dog -- and so on. Привет мир! naïve café ... 日本 語 extraordinarily --> x".split()


def transcript(seed, words):
    r = random.Random(seed)
    at, segments = r.random() * 4, []
    for i in range(9):
        said, start = [], at
        for _ in range(r.randrange(1, 14)):
            length = round(r.random() * 0.6, 2)
            said.append({"word": " " + r.choice(WORDS), "start": round(at, 2), "end": round(at + length, 2), "probability": 0.5})
            at += length + (r.random() * 0.2 if r.random() < 0.4 else 0)
        segments.append({"id": i, "start": round(start, 2), "end": round(at, 2), "text": "".join(w["word"] for w in said), "words": said})
        if not words:
            del segments[-1]["words"]
        at += r.choice([0, 0.5, 4, 1800 if i == 6 else 1])
    segments[3]["text"] += " \ttab "
    return {"text": "", "segments": segments, "language": "en"}


def main():
    cases = []
    for seed, words in [(1, False), (2, True), (3, True)]:
        t = transcript(seed, words)
        layouts = [dict()]
        if words:
            layouts += [dict(max_line_width=20), dict(max_line_width=16, max_line_count=2), dict(max_words_per_line=3), dict(highlight_words=True),
                        dict(max_line_width=30, max_line_count=1, highlight_words=True), dict(max_line_count=2)]
        outputs = []
        for options in layouts:
            for form in ["txt", "vtt", "srt", "tsv"]:
                if options and form in ("txt", "tsv"):
                    continue
                f = io.StringIO()
                get_writer(form, ".").write_result(json.loads(json.dumps(t)), file=f, options=options)
                outputs.append({"format": form, "options": options, "output": f.getvalue()})
        cases.append({"segments": t["segments"], "outputs": outputs})
    os.makedirs(os.path.dirname(OUT), exist_ok=True)
    with open(OUT, "w") as f:
        json.dump(cases, f, ensure_ascii=False, indent=0)
        f.write("\n")


main()
