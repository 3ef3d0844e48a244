"""Races chiasm's index against FAISS, USearch and hnswlib, in turns, on the same vectors.

    python tools/peers/search.py --vectors 100000 --cache /tmp/vectors
    python tools/peers/search.py --vectors 1000000 --cache /tmp/vectors --only 'exact' --out search

vectors.py says what the vectors are. Indexes are made once into --cache: at 10⁶ vectors 2.8 GB for chiasm, 2.2 for hnswlib and 1.2 for USearch, which take
some ten minutes each of two cores; the vectors themselves lie in --data, 2 GB. The figures of a turn are those of one thread, or of --threads.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

import numpy as np

import race
import vectors

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
EXACT, NEAR = ["faiss-flat", "usearch-exact"], ["hnswlib", "usearch-bf16", "faiss-ivf"]
CASES = {  # name: queries at once, recall, share of ids let through as 1/n, peers
    "exact/1": (1, 0, 0, EXACT),
    "exact/64": (64, 0, 0, EXACT),
    "exact/1, half filtered away": (1, 0, 2, []),
    "exact/1, 99 % filtered away": (1, 0, 100, []),
    "recall 0.95/1": (1, 0.95, 0, NEAR),
    "recall 0.95/64": (64, 0.95, 0, NEAR),
    "recall 0.95/1, half filtered away": (1, 0.95, 2, []),
}


def truth(folder, n):
    """The ten nearest of every query, by products in float64 of what float32 finds."""
    path = os.path.join(folder, f"clustered-{n}.truth")
    all_vectors, queries = vectors.load(folder, n)
    if not os.path.exists(path):
        best, score = np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0))
        for first in range(0, n, 50000):
            part = np.ascontiguousarray(all_vectors[first:first + 50000])
            rough = queries @ part.T
            some = np.argpartition(-rough, 20, axis=1)[:, :20]
            exact = np.einsum("qd,qkd->qk", queries.astype(np.float64), part[some].astype(np.float64))
            best, score = np.concatenate([best, some + first], 1), np.concatenate([score, exact], 1)
            keep = np.lexsort((best, -score), axis=1)[:, :20]
            best, score = np.take_along_axis(best, keep, 1), np.take_along_axis(score, keep, 1)
        best[:, :vectors.K].astype(np.int64).tofile(path)
    return np.fromfile(path, np.int64).reshape(-1, vectors.K)


def commands(args, turns, batch, least, every, peers):
    """The contenders of a case, as race.start wants them."""
    threads = str(args.threads)
    env = {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads, "GOMAXPROCS": threads}
    files = vectors.files(args.data, args.vectors)
    found = {"chiasm": ([turns, str(args.time), "search", os.path.join(args.cache, f"chiasm-{args.vectors}"), *files, str(batch), str(least), str(every)], env, True)}
    for peer in peers:
        if re.search(args.who, peer):
            job = {"peer": peer, "n": args.vectors, "cache": args.cache, "data": args.data, "threads": args.threads, "building": os.cpu_count(), "time": args.time, "batch": batch, "recall": least}
            found[peer] = ([sys.executable, os.path.join(ROOT, "tools/peers/vectors.py"), json.dumps(job)], env, True)
    return found


def right(answer, nearest, every):
    """What chiasm answered: which share of the nearest, and of the queries with all ids in order."""
    got = np.array(answer, np.int64).reshape(-1, vectors.K)
    if every:
        return None, None
    return vectors.recall(got, nearest[:len(got)]), float((got == nearest[:len(got)]).all(1).mean())


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--vectors", type=int, default=100000)
    p.add_argument("--cache", default=os.path.expanduser("~/.cache/chiasm-peers/search"), help="folder for indexes")
    p.add_argument("--data", default="/dev/shm" if os.path.isdir("/dev/shm") else tempfile.gettempdir(), help="folder for the vectors, best in memory")
    p.add_argument("--only", default="", help="cases whose name this regular expression finds")
    p.add_argument("--who", default="", help="peers whose name this regular expression finds")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--time", type=float, default=0.5, help="seconds of a turn")
    p.add_argument("--foreign", type=float, default=0.03, help="share of the machine that others may take during a turn that counts")
    p.add_argument("--patience", type=float, default=2, help="seconds to wait before a round for the machine to be quiet")
    p.add_argument("--limit", type=float, default=float("inf"), help="seconds of processor time that a contender may take to get ready, its index included")
    p.add_argument("--out", help="write OUT.json and OUT.md too")
    args = p.parse_args()
    os.makedirs(args.cache, exist_ok=True)
    nearest = truth(args.data, args.vectors)
    lines, result = [], []
    with tempfile.TemporaryDirectory() as folder:
        turns = os.path.join(folder, "turns")
        subprocess.run(["go", "build", "-o", turns, "./tools/peers/turns"], cwd=ROOT, check=True, env={**os.environ, "CGO_ENABLED": "0"})
        machine = race.Machine(folder, args.foreign, args.patience)
        for name, (batch, least, every, peers) in CASES.items():
            if not re.search(args.only, name):
                continue
            print(name, file=sys.stderr)
            rounds, ready, absent = race.run(commands(args, turns, batch, least, every, peers), machine, args.rounds, args.threads, [], "ms_median", False, args.limit)
            summary = race.summarise(rounds, args.foreign, "ms_median")
            for who, row in summary.items():
                row["p99"] = float(np.median([r["turns"][who]["ms_p99"] for r in rounds]))
                row |= {k: ready[who][k] for k in ("recall", "breadth", "build_s", "build_cpu_s", "mb") if k in ready[who]}
                if who == "chiasm":
                    row["recall"], row["same"] = right(ready[who]["answer"], nearest, every)
                    row["note"] = ready[who]["note"]
                elif "answer" in ready[who]:
                    row["recall"] = vectors.recall(np.array(ready[who]["answer"]), nearest[:64])
                lines.append(line(name, batch, who, row))
            lines += [f"| {name} | {who} | not there: {why} |" for who, why in absent.items()]
            result.append({"case": name, "contenders": summary, "absent": absent})
            text = "\n".join([head(args), *lines]) + "\n"
            if args.out:
                with open(args.out + ".json", "w") as f:
                    json.dump({"vectors": args.vectors, "threads": args.threads, "cases": result}, f, indent=1)
                with open(args.out + ".md", "w") as f:
                    f.write(text)
    print(text)


def head(args):
    return (f"{args.vectors} vectors of {vectors.D}, {args.threads} thread{'s' if args.threads > 1 else ''}; milliseconds of a query. \"quiet\" says in how many rounds others left the machine alone: where it "
            "is 0 of them, only processor time says something. The ratio is the peer's time by ours: by the clock where rounds were quiet, else of processor time.\n\n"
            "| case | who | p50 | p99 of a call | processor time | quiet | peer / ours | recall@10 | breadth | MB | built in s (processor) |\n|---|---|---|---|---|---|---|---|---|---|---|")


def line(name, batch, who, row):
    show = lambda x, digits=3: "" if x is None else f"{x:.{digits}g}"  # noqa: E731
    quiet = row.get("ratio_rounds") if "ratio" in row else None
    ratio = None if quiet is None else 1 / (row["ratio"] if quiet else row["cpu_ratio"])
    memory = row.get("mb") or row.get("peak_mb")
    return "| " + " | ".join([
        name, who, show(row["ms"] / batch), show(row["p99"]), show(row.get("cpu_ms", 0) / batch), f"{row['quiet_rounds']} of {row['rounds']}", f"**{show(ratio)}**" if ratio else "", show(row.get("recall"), 4) + (
            f" (same ids in order: {row['same']:.3f})" if row.get("same") is not None else ""), str(row.get("breadth", "")), show(memory, 4),
        f"{row['build_s']:.0f} ({row['build_cpu_s']:.0f})" if "build_s" in row else row.get("note", "")]) + " |"


if __name__ == "__main__":
    main()
