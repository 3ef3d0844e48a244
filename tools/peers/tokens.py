"""Times chiasm's tokenizers beside Hugging Face's Python package, on one core and the same texts, and prints ratios.

Run it with the interpreter of tools/golden/.venv. The texts are short captions and about a megabyte of the
interpreter's own library. Names of families as arguments choose some. "ids" compares AppendIDs with encode_batch_fast, "encode" Encode with encode; the time of
either is the best of several rounds.
"""
import glob
import gzip
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tools", "golden"))
from tokenizers import Tokenizer

DATA = os.path.join(ROOT, "token", "testdata")


NAMES = ["clip", "open_clip", "gpt2", "llama3", "llama2", "gemma", "bert_uncased", "t5", "xlmr"]
ROUNDS = 3


def texts():
    things = "cat dog horse bicycle mountain river city street child woman man car train boat tree flower bird house bridge sky".split()
    places = "in the snow,on a beach,at night,under the bridge,in front of a red house,with a blue umbrella,on a wooden table,in the style of van Gogh".split(",")
    short = [f"a {k} of a {t} {p}" for k in ("photo", "painting", "close-up picture") for t in things for p in places]
    lib = sysconfig.get_paths()["stdlib"]
    long = ""
    for f in sorted(glob.glob(lib + "/[a-m]*.py")):
        long += open(f, encoding="utf-8", errors="replace").read()
        if len(long) > 1_000_000:
            break
    return short, long[:1_000_000]


def tokenizer(name, tmp):
    if name == "clip":
        from transformers import CLIPTokenizer
        from token_golden import clip_files
        clip_files(tmp)
        import json
        open(tmp + "/tokenizer_config.json", "w").write(json.dumps({"tokenizer_class": "CLIPTokenizer"}))
        return CLIPTokenizer.from_pretrained(tmp).backend_tokenizer
    data = gzip.open(os.path.join(DATA, name + ".tokenizer.json.gz")).read().decode()
    import base64
    cmap = base64.b64encode(gzip.open(os.path.join(DATA, "nmt_nfkc.gz")).read()).decode()
    return Tokenizer.from_str(data.replace('"nmt_nfkc"', f'"{cmap}"'))


def best(f, seconds=1.5):
    low, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        t = time.perf_counter()
        f()
        low = min(low, time.perf_counter() - t)
    return low


def main():
    tmp = tempfile.mkdtemp()
    short, long = texts()
    path = tmp + "/text"
    open(path, "w", encoding="utf-8", newline="").write("\n".join(short) + "\n\f\n" + long)
    env = {**os.environ, "CHIASM_TOKEN_TEXT": path, "GOMAXPROCS": "1"}
    subprocess.run(["go", "test", "-run", "^$", "-c", "-o", tmp + "/bench", "./token"], cwd=ROOT, check=True)
    n_short, n_long = sum(len(s.encode()) for s in short), len(long.encode())
    families = {}
    for name in sys.argv[1:] or NAMES:
        if name == "open_clip":
            from open_clip.tokenizer import SimpleTokenizer
            oc = SimpleTokenizer()
            families[name] = {"short/ids": lambda oc=oc: [oc.encode(s) for s in short]}
        else:
            t = tokenizer(name, tmp)
            families[name] = {"short/ids": lambda t=t: t.encode_batch_fast(short), "short/encode": lambda t=t: [t.encode(s) for s in short],
                              "long/ids": lambda t=t: t.encode_batch_fast([long]), "long/encode": lambda t=t: t.encode(long)}
    ours, theirs = {}, {}
    for _ in range(ROUNDS):  # turn and turn about, so that a busy machine slows both
        for name, cases in families.items():
            out = subprocess.run([tmp + "/bench", "-test.run", "^$", "-test.bench", f"Tokenize/^{name}$", "-test.benchtime", "100ms"],
                                 cwd=os.path.join(ROOT, "token"), env=env, check=True, capture_output=True, text=True).stdout
            for m in re.finditer(r"BenchmarkTokenize/(\S+?)(?:-\d+)?\s+\d+\s+([\d.]+) ns/op", out):
                ours[m[1]] = min(ours.get(m[1], float("inf")), float(m[2]) / 1e9)
            for case, f in cases.items():
                key = name + "/" + case
                theirs[key] = min(theirs.get(key, float("inf")), best(f, 0.2))
    print(f"{'':28}{'chiasm':>12}{'reference':>12}{'ratio':>8}   (MB/s, one core; ratio: times faster)")
    for key, t in theirs.items():
        size = n_short if "/short/" in key else n_long
        print(f"{key:28}{size / ours[key] / 1e6:12.1f}{size / t / 1e6:12.1f}{t / ours[key]:8.1f}")


if __name__ == "__main__":
    main()
