"""The referee: runs contenders in turns and says what a quiet machine would have shown.

A contender is a process that prints one line of JSON when it is ready and then measures once for each line it is sent. All live through
a case, so that A B C D, B C D A, ... share whatever else the machine does, and what they pack or compile at first is not timed. A turn
during which anybody else took more than a share of the machine does not count, nor does a pair that it belongs to.
"""
import json
import os
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ON_LINUX = os.path.exists("/proc/stat")
SPIN = """import os, select
os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
print("{}", flush=True)
while os.read(0, 1):
    while not select.select([0], [], [], 0)[0]:
        for _ in range(10000): pass
    if not os.read(0, 1): break
"""


class Absent(Exception):
    """A contender does not run here; the text says why."""


class Process:
    def __init__(self, command, env=None):
        self.errors = tempfile.TemporaryFile("w+")
        self.p = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True, env={**os.environ, **(env or {})})

    def read(self, limit=float("inf")):
        """The next answer, for which the process may take so many seconds of processor time."""
        begin = self.seconds() if ON_LINUX else 0
        while ON_LINUX and not select.select([self.p.stdout], [], [], 1)[0]:
            if self.seconds() - begin > limit:
                raise Absent(f"slow: no answer within {limit:g} s of processor time")
        line = self.p.stdout.readline()
        if not line:
            status = self.p.wait()
            self.errors.seek(0)
            last = self.errors.read().strip().splitlines()[-1:] or [f"ended with status {status}"]
            raise Absent(last[0])
        return json.loads(line)

    def ask(self, limit=float("inf")):
        try:
            self.p.stdin.write("\n")
            self.p.stdin.flush()
        except BrokenPipeError:
            pass  # read says why
        return self.read(limit)

    def seconds(self):
        """Processor time so far, that of children it has waited for included."""
        with open(f"/proc/{self.p.pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")

    def end(self):
        self.p.kill()
        self.p.communicate()


class Neighbour(Process):
    """Another busy program, pinned to one core, that works only inside of a with. It ends when the referee does."""

    def __init__(self):
        super().__init__([sys.executable, "-c", SPIN])
        self.read()

    def __enter__(self):
        self.toggle()

    def __exit__(self, *_):
        self.toggle()

    def toggle(self):
        self.p.stdin.write("\n")
        self.p.stdin.flush()


def busy():
    """Processor time that the whole machine has spent, in seconds, waiting for the hypervisor included."""
    with open("/proc/stat") as f:
        user, nice, system, _, _, irq, softirq, steal = map(int, f.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def turn(process, neighbour=None):
    """One measurement, with the share of the machine that others took meanwhile, and the processor time of one run in ms."""
    known = [process] + ([neighbour] if neighbour else [])
    if not ON_LINUX:
        return process.ask() | {"foreign": 0.0}
    start, before, own = time.monotonic(), busy() - sum(p.seconds() for p in known), process.seconds()
    result = process.ask()
    others = busy() - sum(p.seconds() for p in known) - before
    result["foreign"] = max(0.0, others / (time.monotonic() - start) / os.cpu_count())
    result["cpu_ms"] = 1e3 * (process.seconds() - own) / result["runs"] if "runs" in result else None
    return result


class Machine:
    """What a case is measured against: the machine's rates, and whether it is quiet."""

    def __init__(self, folder, foreign, patience):
        self.folder, self.foreign, self.patience = folder, foreign, patience
        self.cc = shutil.which(os.environ.get("CC", "cc"))

    def compile(self, name, *flags):
        """The C program of that name, compiled for this machine; None without a compiler."""
        binary = os.path.join(self.folder, name)
        if self.cc and not os.path.exists(binary):
            native = "-mcpu=native" if os.uname().machine == "aarch64" else "-march=native"
            subprocess.run([self.cc, "-O3", native, "-pthread", *flags, os.path.join(HERE, name + ".c"), "-o", binary], check=True)
        return binary if self.cc else None

    def rate(self, kind, threads):
        """G operations, or GB, a second, and the instruction that reaches it; None without a compiler."""
        binary = self.compile("peak")
        if not binary:
            return None, ""
        out = subprocess.run([binary, kind, str(threads)], check=True, capture_output=True, text=True).stdout
        rate, instruction = out.strip().split(" ", 1)
        return float(rate), instruction

    def wait_until_quiet(self):
        """Returns when the machine has been left alone for half a second, or when patience ends."""
        end = time.monotonic() + self.patience
        while ON_LINUX and time.monotonic() < end:
            before, start = busy(), time.monotonic()
            time.sleep(0.5)
            if (busy() - before) / (time.monotonic() - start) / os.cpu_count() <= self.foreign:
                return


def start(commands, limit):
    """The contenders that run, what they said when ready, and why the others do not run. Each has a command, additions to the environment,
    and whether it says that it is ready; limit is the processor time to get ready in, and again for the first turn."""
    running, ready, absent = {}, {}, {}
    for who, (command, env, speaks) in commands.items():
        try:
            p = Process(command, env)
            ready[who] = p.read(limit) if speaks else {}
            p.ask(limit)  # warms up, and shows whether it can
            running[who] = p
        except Absent as e:
            absent[who] = str(e)
            p.end()
            print(f"  without {who}: {e}", file=sys.stderr)
    return running, ready, absent


def run(commands, machine, rounds, threads, probes, figure, contention, limit):
    """Races the contenders of one case. Gives the rounds, each a turn for each contender and the machine's rates; what contenders said when
    ready; and who is absent and why."""
    running, ready, absent = start(commands, limit)
    neighbour = Neighbour() if contention else None
    names, all_rounds = list(running), []
    try:
        for n in range(rounds):
            machine.wait_until_quiet()
            rates = {kind: machine.rate(kind, threads) for kind in probes}
            turns = {}
            for who in names[n % len(names):] + names[:n % len(names)]:  # another one begins each round
                turns[who] = turn(running[who])
                if neighbour:
                    with neighbour:
                        beside = turn(running[who], neighbour)
                    turns[who] |= {"beside_ms": beside["ms_mean"], "foreign": max(turns[who]["foreign"], beside["foreign"])}
                time.sleep(0.03)  # its threads may spin a while before they sleep
            all_rounds.append({"turns": turns, "rates": rates})
            print(f"  round {n + 1}: " + ", ".join(f"{w} {t[figure]:.4g} ms" + (f" ({100 * t['foreign']:.0f} % foreign)" if t["foreign"] > machine.foreign else "")
                                                  for w, t in turns.items()), file=sys.stderr)
    finally:
        for p in [*running.values(), *([neighbour] if neighbour else [])]:
            p.end()
    return all_rounds, ready, absent


def summarise(rounds, foreign, figure, ours="chiasm"):
    """For each contender the median of a turn's figure (ms_median, ms_mean) over its quiet turns, or over all if none was quiet; and the median
    ratio of ours to it over quiet pairs."""
    summary = {}
    for who in (rounds[0]["turns"] if rounds else ()):
        turns = [r["turns"][who] for r in rounds]
        quiet = [t for t in turns if t["foreign"] <= foreign]
        row = {"quiet_rounds": len(quiet), "rounds": len(turns), "foreign": statistics.median(t["foreign"] for t in turns)}
        used = quiet or turns
        row["ms"] = statistics.median(t[figure] for t in used)
        row["ms_min"] = min(t["ms_min"] for t in used)
        if all(t.get("cpu_ms") for t in turns):
            row["cpu_ms"] = statistics.median(t["cpu_ms"] for t in turns)
        if all("peak_mb" in t for t in turns):
            row["peak_mb"] = max(t["peak_mb"] for t in turns)
        if "gflops" in used[0]:  # ours says how much work it does
            row |= {"gflop": used[0]["gflops"] * used[0]["ms_median"] / 1e3, "path": used[0]["path"]}
        if "beside_ms" in used[0]:
            row["beside_ms"] = statistics.median(t["beside_ms"] for t in used)
            row["kept"] = statistics.median(t[figure] / t["beside_ms"] for t in used)
        if ours in rounds[0]["turns"] and not who.startswith(ours):
            pairs = [(r["turns"][ours], r["turns"][who]) for r in rounds]
            good = [p for p in pairs if max(p[0]["foreign"], p[1]["foreign"]) <= foreign]
            row["ratio"] = statistics.median(a[figure] / b[figure] for a, b in good or pairs)
            row["ratio_rounds"] = len(good)
            if all(t.get("cpu_ms") for p in pairs for t in p):
                row["cpu_ratio"] = statistics.median(a["cpu_ms"] / b["cpu_ms"] for a, b in pairs)
        summary[who] = row
    return summary
