"""Times chiasm beside OpenVINO, ONNX Runtime and PyTorch in f32, taking turns, and prints ratios and fractions of the processor's peak.

    python tools/peers/bench.py --chiasm bin/chiasm --threads 2
    python tools/peers/bench.py --peers openvino,onnxruntime          # without chiasm
    python tools/peers/bench.py --cases image-b32/16,text-10/1 --rounds 15

Models have the published shapes and random weights; speed does not depend on the values. Every contender is a process of its own that
lives through a case and measures once for each line it is sent (chiasm: `bench --repeat-on-stdin`), so that A B C D A B C D ... share
whatever else the machine does. A turn during which other processes took more than --foreign of the machine does not count. Reported are
the median over a contender's turns of the turn's median, and the median over rounds of the ratio of two turns of one round.

Weights are the same for all peers, and their embeddings must agree, so that none computes in less than f32 unnoticed.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

# This folder holds scripts named after packages (tokenizers.py); they must not be found instead of them.
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path = [p for p in sys.path if os.path.abspath(p or ".") != HERE]

PEERS = ["openvino", "onnxruntime", "torch"]
SHAPES = {  # name: chiasm's name for it, tokens, layers, width, hidden width, dimension of the space, tokens of text
    "image-b32": ("clip-vit-base-patch32", 50, 12, 768, 3072, 512, 0),
    "image-l14": ("clip-vit-large-patch14", 257, 24, 1024, 4096, 768, 0),
    "text-77": ("clip-text", 77, 12, 512, 2048, 512, 77),
    "text-10": ("clip-text", 10, 12, 512, 2048, 512, 10),
}
CASES = ["image-b32/1", "image-b32/16", "text-77/1", "text-10/1", "image-l14/1"]


def flops(shape):
    """Floating-point operations of one input through the whole tower, as the peers run it: every token through every layer."""
    _, tokens, layers, width, hidden, space, text = SHAPES[shape]
    work = layers * (2 * tokens * (4 * width * width + 2 * width * hidden) + 4 * tokens * tokens * width) + 2 * width * space
    if not text:
        pixels = 224 * 224 // (tokens - 1) * 3
        work += 2 * (tokens - 1) * pixels * width
    return work


# --- what a worker does ---

def build(shape):
    """The tower with its projection as a module from the one input to the embedding, and a batch of inputs."""
    import torch
    from transformers import CLIPTextConfig, CLIPTextModelWithProjection, CLIPVisionConfig, CLIPVisionModelWithProjection
    _, tokens, layers, width, hidden, space, text = SHAPES[shape]
    torch.manual_seed(1)
    common = dict(hidden_size=width, intermediate_size=hidden, num_hidden_layers=layers, num_attention_heads=width // 64, projection_dim=space)
    if text:
        model = CLIPTextModelWithProjection(CLIPTextConfig(eos_token_id=2, **common))
    else:
        patch = {50: 32, 257: 14}[tokens]
        model = CLIPVisionModelWithProjection(CLIPVisionConfig(image_size=224, patch_size=patch, **common))

    class Tower(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, x):
            return self.model(x)[0]
    return Tower().eval()


def inputs(shape, batch):
    import numpy as np
    rng = np.random.default_rng(2)
    text = SHAPES[shape][6]
    if text:
        ids = rng.integers(0, 49406, (batch, text), dtype=np.int64)
        ids[:, 0], ids[:, -1] = 49406, 49407
        return ids
    return rng.standard_normal((batch, 3, 224, 224), dtype=np.float32)


def export(shape, batch, path):
    import torch
    with torch.no_grad():
        torch.onnx.export(build(shape), (torch.from_numpy(inputs(shape, batch)),), path, input_names=["x"], output_names=["y"], opset_version=18, dynamo=False)


def contender(peer, shape, batch, threads, onnx):
    """A function that runs the model once and returns the embeddings."""
    x = inputs(shape, batch)
    if peer == "torch":
        import torch
        torch.set_num_threads(threads)
        torch.set_float32_matmul_precision("highest")
        model, t = build(shape), torch.from_numpy(x)

        def run():
            with torch.inference_mode():
                return model(t).numpy()
        return run
    if peer == "onnxruntime":
        import onnxruntime as ort
        options = ort.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        session = ort.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
        return lambda: session.run(None, {"x": x})[0]
    if peer == "openvino":
        import openvino as ov
        model = ov.Core().compile_model(onnx, "CPU", {
            "INFERENCE_PRECISION_HINT": "f32",  # with AMX, or on ARM, the default is less
            "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"})
        request = model.create_infer_request()

        def run():
            request.infer({0: x}, share_inputs=True)
            return request.get_output_tensor(0).data
        return run
    raise SystemExit(f"unknown peer {peer!r}, want one of {', '.join(PEERS)}")


def worker(args):
    import warnings
    warnings.filterwarnings("ignore")
    if args.worker == "export":
        return export(args.shape, args.batch, args.onnx)
    run = contender(args.worker, args.shape, args.batch, args.threads, args.onnx)
    y = run()
    y = y / (y ** 2).sum(axis=1, keepdims=True) ** 0.5
    print(json.dumps({"embedding": y[0].tolist()}), flush=True)
    for _ in sys.stdin:
        for _ in range(2):
            run()
        times, begin = [], time.perf_counter()
        while time.perf_counter() - begin < args.time or len(times) < 3:
            start = time.perf_counter()
            run()
            times.append(1e3 * (time.perf_counter() - start))
        print(json.dumps({"ms_median": statistics.median(times), "ms_min": min(times), "runs": len(times)}), flush=True)


# --- what the referee does ---

class Process:
    """A contender in a process of its own, asked with a line and answering with one."""

    def __init__(self, command):
        self.p = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.command = command

    def read(self):
        line = self.p.stdout.readline()
        if not line:
            raise SystemExit(f"{' '.join(self.command)}: ended with status {self.p.wait()}")
        return json.loads(line)

    def ask(self):
        self.p.stdin.write("\n")
        self.p.stdin.flush()
        return self.read()

    def seconds(self):
        """Processor time so far."""
        with open(f"/proc/{self.p.pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self):
        self.p.stdin.close()
        self.p.wait()


def busy():
    """Processor time that the whole machine has spent, in seconds, waiting for the hypervisor included."""
    with open("/proc/stat") as f:
        user, nice, system, _, _, irq, softirq, steal = map(int, f.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def turn(process):
    """One measurement, with the share of the machine that others took meanwhile."""
    on_linux = os.path.exists("/proc/stat")
    start = time.monotonic()
    before = (busy() - process.seconds()) if on_linux else 0
    result = process.ask()
    others = (busy() - process.seconds()) - before if on_linux else 0
    result["foreign"] = max(0.0, others / (time.monotonic() - start) / os.cpu_count())
    time.sleep(0.03)  # lets the threads of this one, which may spin for a while, go to sleep
    return result


def wait_for_quiet(args):
    """Returns when the machine has been left alone for a second, or after --patience seconds."""
    end = time.monotonic() + args.patience
    while os.path.exists("/proc/stat") and time.monotonic() < end:
        before, start = busy(), time.monotonic()
        time.sleep(1)
        if (busy() - before) / (time.monotonic() - start) / os.cpu_count() <= args.foreign:
            return


def machine_peak(threads, folder):
    """GFLOP/s of f32 multiply-adds in registers, by a C loop; None without a compiler."""
    cc = shutil.which(os.environ.get("CC", "cc"))
    if not cc:
        return None
    binary = os.path.join(folder, "peak")
    if not os.path.exists(binary):
        subprocess.run([cc, "-O3", "-march=native", "-ffp-contract=fast", "-pthread", os.path.join(HERE, "peak.c"), "-o", binary], check=True)
    return float(subprocess.run([binary, str(threads)], check=True, capture_output=True, text=True).stdout.split()[0])


def case(name, args, folder):
    shape, batch = name.split("/")
    batch = int(batch)
    if shape not in SHAPES:
        raise SystemExit(f"unknown case {name!r}, want SHAPE/BATCH with a shape of {', '.join(SHAPES)}")
    onnx = os.path.join(folder, shape + ".onnx")
    me = [sys.executable, os.path.abspath(__file__), "--shape", shape, "--batch", str(batch), "--threads", str(args.threads), "--time", str(args.time), "--onnx", onnx]
    if set(args.peers) - {"torch"}:
        subprocess.run(me + ["--worker", "export"], check=True, stderr=subprocess.DEVNULL)
    entries, embeddings = {}, {}
    if args.chiasm:
        ours, text = SHAPES[shape][0], SHAPES[shape][6]
        command = [args.chiasm, "bench", "--shape", ours, "--batch", str(batch), "--precision", "f32", "--threads", str(args.threads), "--time", str(args.time), "--json", "--repeat-on-stdin"]
        entries["chiasm"] = Process(command + (["--tokens", str(text)] if text else []))
    for peer in args.peers:
        entries[peer] = Process(me + ["--worker", peer])
        embeddings[peer] = entries[peer].read()["embedding"]
    apart = 0.0
    for e in embeddings.values():
        first = next(iter(embeddings.values()))
        apart = max(apart, max(abs(a - b) for a, b in zip(e, first)))
    if apart > 1e-4:
        raise SystemExit(f"{name}: the peers' embeddings are {apart:.1e} apart: not all of them compute in f32")

    rounds, peaks, names = [], [], list(entries)
    for n in range(args.rounds + 1):
        wait_for_quiet(args)
        peak = machine_peak(args.threads, folder)
        if peak:
            peaks.append(peak)
        results = {}
        for who in names[n % len(names):] + names[:n % len(names)]:  # another one begins each round
            results[who] = turn(entries[who])
        if n > 0:  # the first round warms up
            rounds.append(results)
            print(f"{name} round {n}: " + ", ".join(f"{w} {results[w]['ms_median']:.2f} ms" + (f" ({100 * results[w]['foreign']:.0f} % foreign)" if results[w]["foreign"] > args.foreign else "")
                                                  for w in names), file=sys.stderr)
    for e in entries.values():
        e.end()
    if os.path.exists(onnx):
        os.remove(onnx)

    peak = statistics.median(peaks) if peaks else None

    def good(r, w):
        return r[w]["foreign"] <= args.foreign

    out = {"case": name, "shape": SHAPES[shape][0], "batch": batch, "tokens": SHAPES[shape][6], "threads": args.threads, "precision": "f32", "peak_gflops": peak,
           "peers_apart": apart, "contenders": {}}
    for w in names:
        own = [r[w] for r in rounds if good(r, w)]
        quiet = len(own)
        own = own or [r[w] for r in rounds]
        ms = statistics.median(r["ms_median"] for r in own)
        row = {"ms_median": ms, "ms_min": min(r["ms_min"] for r in own), "quiet_rounds": quiet, "rounds": len(rounds)}
        if w == "chiasm":  # says itself how much work it does
            row |= {"path": own[0]["path"], "gflops": statistics.median(r["gflops"] for r in own), "own_peak_gflops": statistics.median(r["peak_gflops"] for r in own)}
            if peak and not 0.8 < row["own_peak_gflops"] / peak < 1.25:
                print(f"{name}: chiasm reports a peak of {row['own_peak_gflops']:.0f} GFLOP/s, {peak:.0f} was measured here: the fraction is of the latter", file=sys.stderr)
            row["fraction"] = row["gflops"] / (peak or row["own_peak_gflops"])
        else:
            row["gflops"] = flops(shape) * batch / ms / 1e6
            row["fraction"] = row["gflops"] / peak if peak else None
            if "chiasm" in names:
                pairs = [r for r in rounds if good(r, w) and good(r, "chiasm")]
                row["ratio_rounds"] = len(pairs)
                row["chiasm_over_peer"] = statistics.median(r["chiasm"]["ms_median"] / r[w]["ms_median"] for r in pairs or rounds)
        out["contenders"][w] = row
    return out


def markdown(report):
    names = list(report["cases"][0]["contenders"])
    lines = [f"{report['cpu']}, {report['threads']} threads, f32, median ms (min), per call; {report['rounds']} rounds in turns. In brackets the fraction of the register-loop peak.",
             "", "| | " + " | ".join(names) + (" | chiasm's time / best peer's" if "chiasm" in names else "") + " | peak GFLOP/s |",
             "|---|" + "---|" * (len(names) + 1 + ("chiasm" in names))]
    unquiet = False
    for c in report["cases"]:
        cells = []
        for n in names:
            r = c["contenders"][n]
            mark = "" if r["quiet_rounds"] else " *"
            unquiet |= not r["quiet_rounds"]
            cells.append(f"{r['ms_median']:.2f} ({r['ms_min']:.2f})" + (f" [{r['fraction']:.2f}]" if r["fraction"] else "") + mark)
        if "chiasm" in names:
            ratios = {n: c["contenders"][n]["chiasm_over_peer"] for n in names if n != "chiasm"}
            best = max(ratios, key=ratios.get, default=None)
            cells.append(f"{ratios[best]:.2f} ({best})" if best else "")
        peak = c["peak_gflops"] or c["contenders"].get("chiasm", {}).get("own_peak_gflops")
        lines.append("| " + " | ".join([c["case"], *cells, f"{peak:.0f}" if peak else "?"]) + " |")
    by = {c["case"]: c["contenders"] for c in report["cases"]}
    if "text-10/1" in by and "text-77/1" in by and "chiasm" in names:
        for n in names[1:]:
            lines.append(f"\nA prompt of ten tokens: chiasm is {by['text-77/1'][n]['ms_median'] / by['text-10/1']['chiasm']['ms_median']:.1f} times as fast as {n} at the usual 77.")
    if unquiet:
        lines.append("\n\\* no round was quiet: other processes took part of the machine all the time.")
    return "\n".join(lines) + "\n"


def cpu_name():
    try:
        with open("/proc/cpuinfo") as f:
            text = f.read()
    except OSError:
        return "unknown processor"
    name = next((l.split(":")[1].strip() for l in text.splitlines() if l.startswith("model name")), "unknown processor")
    flags = next((l.split() for l in text.splitlines() if l.startswith("flags")), [])
    return name + " with " + ", ".join(f for f in ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16") if f in flags)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--chiasm", help="the binary; without it only peers run")
    p.add_argument("--peers", default=",".join(PEERS), help="of " + ", ".join(PEERS) + "; may be empty")
    p.add_argument("--cases", default=",".join(CASES), help="SHAPE/BATCH,...; shapes: " + ", ".join(SHAPES))
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--rounds", type=int, default=9)
    p.add_argument("--time", type=float, default=0.5, help="seconds of a turn")
    p.add_argument("--foreign", type=float, default=0.03, help="share of the machine that others may take during a turn that counts")
    p.add_argument("--patience", type=float, default=10, help="seconds to wait before a round for the machine to be quiet")
    p.add_argument("--out", help="write OUT.json and OUT.md too")
    for hidden in ("--worker", "--shape", "--onnx"):
        p.add_argument(hidden, help=argparse.SUPPRESS)
    p.add_argument("--batch", type=int, help=argparse.SUPPRESS)
    args = p.parse_args()
    if args.worker:
        return worker(args)
    args.peers = [x for x in args.peers.split(",") if x]
    if unknown := set(args.peers) - set(PEERS):
        p.error(f"unknown peers {sorted(unknown)}")
    if not args.peers and not args.chiasm:
        p.error("nothing to time: give --chiasm or --peers")
    if args.chiasm:
        args.chiasm = os.path.abspath(args.chiasm)
    report = {"cpu": cpu_name(), "threads": args.threads, "rounds": args.rounds, "turn_seconds": args.time, "versions": versions(args.peers), "cases": []}
    with tempfile.TemporaryDirectory() as folder:
        for name in args.cases.split(","):
            report["cases"].append(case(name, args, folder))
    table = markdown(report)
    print(table)
    print(json.dumps(report))
    if args.out:
        with open(args.out + ".json", "w") as f:
            json.dump(report, f, indent=1)
        with open(args.out + ".md", "w") as f:
            f.write(table)


def versions(peers):
    from importlib.metadata import version
    return {p: version(p) for p in peers}


if __name__ == "__main__":
    main()
