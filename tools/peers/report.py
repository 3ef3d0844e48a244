"""Turns what was measured into a table for docs/performance.md."""
import math
import statistics

HEADS = {
    "models": "Models", "products": "Matrix products", "transcripts": "Transcripts", "training": "Steps of training", "pictures": "Pictures", "forks": "Fork and join", "contention": "Beside a busy program pinned to one core",
}
LEGEND = """Median ms of a call, for forks and beside a busy program the mean (minimum) [fraction of what the machine could do, measured in the same run: of the register loop, or, with *m*, of reading
memory, whichever is nearer]. Accuracy of peers after ±: 1 - cosine to f32 for models, the largest difference to Pillow's pixels for pictures (the mean for
thumbnails), for training the largest difference of losses, averaged over ten steps, from those of PyTorch in f32, as a share of the first loss. MB: the most memory that the process has had. Ratios are medians over
rounds of chiasm's time divided by the peer's in the same round, against the peer with the largest ratio, so below 1 chiasm is faster than all.
"CPU": no round was quiet, and the figure is processor time on one thread, the median of all rounds; the ratio then is too.
"""


def number(x):
    return f"{x:.3g}" if x < 100 else f"{x:.0f}"


def cell(row):
    text = f"{number(row['ms'])} ({number(row['ms_min'])})" if row["by"] == "clock" else f"{number(row['cpu_ms'])} CPU"
    compute, read = row.get("fraction") or 0, row.get("read_fraction") or 0
    if compute or read:
        text += f" [{compute:.2f}]" if compute >= read else f" [{read:.2f} m]"
    if row.get("kept"):
        text += f" → {number(row['beside_ms'])}: keeps {row['kept']:.2f}"
    if row.get("peak_mb"):
        text += f" {row['peak_mb']:.0f} MB"
    if row.get("distance") is not None:
        text += f" ±{row['distance']:.1g}"
    return text + ("" if row["quiet_rounds"] or row["by"] == "cpu" else " \\*")


def ratio(row):
    """chiasm's time / this peer's: by the clock if a round was quiet, else, on one thread, by processor time."""
    return row.get("cpu_ratio") if not row.get("ratio_rounds") and row["by"] == "cpu" else row.get("ratio")


def table(cases):
    names = list(dict.fromkeys(w for c in cases for w in c["contenders"]))
    kinds = list(dict.fromkeys(k for c in cases for k in c["rates"]))
    ours = "chiasm" in names
    head = ["", *names] + (["chiasm / best peer"] if ours else []) + [f"{k} {'GB/s' if k == 'read' else 'GFLOP/s'}" for k in kinds]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for c in cases:
        row = [c["case"]] + [cell(c["contenders"][n]) if n in c["contenders"] else "" for n in names]
        if ours:
            ratios = {w: ratio(r) for w, r in c["contenders"].items() if ratio(r)}
            best = max(ratios, key=ratios.get, default=None)
            row.append(f"**{ratios[best]:.2f}** ({best})" if best else "")
        lines.append("| " + " | ".join(row + [number(c["rates"][k]) if k in c["rates"] else "" for k in kinds]) + " |")
    return lines


def means(cases):
    """The geometric mean over cases of chiasm's time / the peer's, and the worst case, for each peer."""
    lines = []
    for who in dict.fromkeys(w for c in cases for w in c["contenders"]):
        ratios = {c["case"]: ratio(c["contenders"][who]) for c in cases if who in c["contenders"] and ratio(c["contenders"][who])}
        if len(ratios) > 1:
            worst = max(ratios, key=ratios.get)
            mean = math.exp(statistics.mean(math.log(r) for r in ratios.values()))
            lines.append(f"- {who}: geometric mean {mean:.2f}, worst {ratios[worst]:.2f} ({worst})")
    return lines


def markdown(report):
    """The whole report as text."""
    out = [f"{report['cpu']}; {report['rounds']} rounds of {report['turn_seconds']}-second turns; " + ", ".join(f"{p} {v}" for p, v in report["versions"].items()) + ".", "", LEGEND]
    groups = list(dict.fromkeys((c["group"], c["threads"], c["precision"]) for c in report["cases"]))
    notes, unquiet = {}, False
    for key in groups:
        cases = [c for c in report["cases"] if (c["group"], c["threads"], c["precision"]) == key]
        group, threads, precision = key
        lines = table(cases)
        out += [f"**{HEADS[group]}{', ' + precision if precision else ''}, {threads} thread{'s' if threads > 1 else ''}**", "", *lines, ""]
        out += [*means(cases), ""]
        by = {f"{k}: {i}" for c in cases for k, i in c["reached_by"].items() if k != "read"}
        out += ["Register loop: " + "; ".join(sorted(by)) + ".", ""] if by else []
        for c in cases:
            unquiet |= any(not r["quiet_rounds"] and r["by"] == "clock" for r in c["contenders"].values())
            for who, why in c["absent"].items():
                notes.setdefault(f"{who}: not there, {why}", []).append(c["case"])
            for who, r in c["contenders"].items():
                if r["note"]:
                    notes.setdefault(f"{who}: {r['note']}", []).append(c["case"])
    by = {c["case"]: c["contenders"] for c in report["cases"] if c["threads"] == max(x["threads"] for x in report["cases"])}
    for p in ("f32", "bf16", "w8", "int8"):
        short, long = by.get(f"text-10/1/{p}", {}), by.get(f"text-77/1/{p}", {})
        if "chiasm" in short:
            out += [f"A prompt of ten tokens in {p}: chiasm is {r['ms'] / short['chiasm']['ms']:.1f} times as fast as {w} at the usual 77." for w, r in long.items() if w != "chiasm"]
    if unquiet:
        out += ["", "\\* No round was quiet: other processes took part of the machine all the time, and the figure says nothing."]
    out += ["", "What contenders said of themselves:", ""] + [f"- {n} ({', '.join(c[:3])}{' …' if len(c) > 3 else ''})" for n, c in notes.items()]
    return "\n".join(out) + "\n"
