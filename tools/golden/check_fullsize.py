"""Compares a chiasm binary with the reference on the models that fullsize.py made.

Usage: python tools/golden/check_fullsize.py CHIASM DIR [MODEL...]

Exit status 1 when any logit, probability or embedding is off by more than 1e-4, or any id differs. Needs no package.
"""
import json
import os
import subprocess
import sys

TOLERANCE = 1e-4


def run(binary, folder, *args):
    p = subprocess.run([binary, *args], cwd=folder, capture_output=True, text=True, encoding="utf-8")
    if p.returncode != 0:
        raise SystemExit(f"{binary} {' '.join(args)[:300]}: exit status {p.returncode}\n{p.stderr}")
    return p.stdout


def worst(got, want, where):
    """The largest difference of two nests of numbers; shapes must agree."""
    if isinstance(want, list):
        if not isinstance(got, list) or len(got) != len(want):
            raise SystemExit(f"{where}: another shape than the reference's")
        return max((worst(g, w, where) for g, w in zip(got, want)), default=0.0)
    return abs(got - want) if got == got else float("inf")


def check(binary, root, model, answers):
    want = json.load(open(answers, encoding="utf-8"))
    pictures = os.path.join(root, "pictures")
    texts, images = want["similarity"]["texts"], want["similarity"]["images"]
    file = os.path.join(root, "texts.json")
    with open(file, "w", encoding="utf-8") as f:
        json.dump(texts, f)
    common = ["--model", model, "--texts", file]
    off = {}

    got = json.loads(run(binary, pictures, "similarity", *common, "--precision", "f32", "--json", *images))
    for key in ("images", "texts", "per"):
        if got[key] != want["similarity"][key]:
            off[key] = float("inf")
    for key in ("logits_per_image", "probs"):
        off[key] = worst(got[key], want["similarity"][key], key)

    for kind, args in (("text", common), ("image", ["--model", model, *images])):
        rows = [json.loads(line) for line in run(binary, pictures, "embed", *args, "--precision", "f32").splitlines()]
        reference = [r for r in want["embed"] if r["kind"] == kind]
        if [(r["input"], r["kind"]) for r in rows] != [(r["input"], r["kind"]) for r in reference]:
            off["order of " + kind] = float("inf")
        off["embed " + kind] = worst([r["embedding"] for r in rows], [r["embedding"] for r in reference], kind)

    rows = [json.loads(line) for line in run(binary, pictures, "tokenize", *common, "--json").splitlines()]
    for row, reference in zip(rows, want["tokenize"], strict=True):
        for key in ("ids", "truncated"):
            if row[key] != reference[key]:
                off[f"{key} of {reference['text'][:30]!r}"] = float("inf")
    bad = {k: v for k, v in off.items() if not v <= TOLERANCE}
    print(f"{os.path.basename(model)}: {'FAILED' if bad else 'equal'}: " + ", ".join(f"{k} {v:.1e}" for k, v in off.items()))
    return not bad


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    binary, root, names = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), sys.argv[3:]
    found = []
    for name in sorted(os.listdir(root)):
        if name.endswith(".answers.json"):
            found.append((os.path.join(root, name.removesuffix(".answers.json") + ".pt"), os.path.join(root, name)))
        elif os.path.exists(os.path.join(root, name, "answers.json")):
            found.append((os.path.join(root, name), os.path.join(root, name, "answers.json")))
    found = [f for f in found if not names or os.path.basename(f[0]) in names]
    if not found:
        sys.exit(f"{root}: no models with answers, run fullsize.py first")
    sys.exit(0 if all([check(binary, root, m, a) for m, a in found]) else 1)


main()
