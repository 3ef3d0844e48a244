"""Races chiasm against OpenVINO, ONNX Runtime, PyTorch, Pillow, libjpeg-turbo and libvips, in turns, on models, products, pictures and threads.

    python tools/peers/bench.py --list
    python tools/peers/bench.py --only '^image-b32/1/' --threads 2 --rounds 5
    python tools/peers/bench.py --chiasm '' --only 'text-77.*int8'         # peers alone

README.md beside this file says what is measured and how. Models have the published shapes and random weights: speed does not depend on the values.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from importlib.metadata import version

import cases
import race
import report

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
PEERS = ["openvino", "nncf", "onnxruntime", "torch", "transformers", "ctranslate2", "faster-whisper", "pillow", "simplejpeg", "pyvips-binary"]


def cpu():
    try:
        with open("/proc/cpuinfo") as f:
            text = f.read()
    except OSError:
        return "unknown processor"
    name = re.search(r"model name\s*: (.*)", text)
    family = re.search(r"cpu family\s*: (\d+)\nmodel\s*: (\d+)", text)
    flags = (re.search(r"flags\s*: (.*)", text) or [""])[0].split()
    return ((name[1] if name else "unknown processor") + (f" (family {family[1]}, model {family[2]})" if family else "") + ", " +
            f"{os.cpu_count()} cores, with " + ", ".join(f for f in ("avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8", "asimd", "bf16", "i8mm") if f in flags))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--chiasm", default="bin/chiasm", help="the binary; empty: only peers run")
    p.add_argument("--only", default="", help="cases whose name this regular expression finds")
    p.add_argument("--who", default="", help="peers whose name this regular expression finds")
    p.add_argument("--threads", default="2,1", help="numbers of threads")
    p.add_argument("--rounds", type=int, default=7)
    p.add_argument("--time", type=float, default=0.8, help="seconds of a turn")
    p.add_argument("--foreign", type=float, default=0.03, help="share of the machine that others may take during a turn that counts")
    p.add_argument("--patience", type=float, default=10, help="seconds to wait before a round for the machine to be quiet")
    p.add_argument("--cache", default=os.path.expanduser("~/.cache/chiasm-peers"), help="folder for models and pictures, several GB")
    p.add_argument("--real", default=os.environ.get("CHIASM_REALMODELS", os.path.expanduser("~/.cache/chiasm/realmodels")), help="folder of what tools/realmodels fetched")
    p.add_argument("--out", help="write OUT.json and OUT.md too, after every case")
    p.add_argument("--list", action="store_true", help="name the cases and end")
    args = p.parse_args()
    chosen = [n for n in cases.names() if re.search(args.only, n)]
    if args.list:
        return print("\n".join(chosen))
    if not chosen:
        p.error(f"--only {args.only!r} finds no case; --list names them")
    args.chiasm = args.chiasm and os.path.abspath(args.chiasm)
    os.makedirs(args.cache, exist_ok=True)
    result = {"cpu": cpu(), "rounds": args.rounds, "turn_seconds": args.time, "versions": {p: version(p) for p in PEERS}, "cases": []}
    with tempfile.TemporaryDirectory() as folder:
        machine = race.Machine(folder, args.foreign, args.patience)
        args.turns = args.chiasm and os.path.join(folder, "turns")
        if args.turns:
            subprocess.run(["go", "build", "-o", args.turns, "./tools/peers/turns"], cwd=ROOT, check=True, env={**os.environ, "CGO_ENABLED": "0"})
        for threads in map(int, args.threads.split(",")):
            for name in chosen:
                case = cases.build(name, threads, args, machine)
                if not case:
                    continue
                print(f"{name}, {threads} threads", file=sys.stderr)
                result["cases"].append(cases.measure(case, args, machine))
                if args.out:
                    with open(args.out + ".json", "w") as f:
                        json.dump(result, f, indent=1)
                    with open(args.out + ".md", "w") as f:
                        f.write(report.markdown(result))
    print(report.markdown(result))


if __name__ == "__main__":
    main()
