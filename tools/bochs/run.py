"""Runs a Go test whose AVX-512 kernels are executed by the core of Bochs, on any amd64 machine with Linux.

    run.py [--timeout SECONDS] PACKAGE [flags of the test binary]

The test binary is built to believe that its processor has AVX-512, VNNI and BF16. It runs natively under ptrace, with a breakpoint at each
function whose name says that it is for AVX-512. There the core takes over until the function returns, with the memory of the process, which
it reads page by page and writes back where it differs. It has no page tables or devices of a system: pages of 1 GB map every address.
"""
import argparse
import ctypes
import glob
import json
import os
import signal
import struct
import subprocess
import sys
import sysconfig
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
DETECT = """//go:build amd64 && !purego

package cpu

func detect() []Tier { return []Tier{Generic, AVX2, AVX512, AVX512VNNI, AVX512BF16} }
"""
PAGE, GIGABYTE = 4096, 1 << 30
TABLES = 128  # the physical gigabyte of the page tables
REGISTERS = ("r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss fs_base gs_base ds es fs gs").split()
TRACEME, CONT, GETREGS, SETREGS, SETOPTIONS = 0, 7, 12, 13, 0x4200
TRACECLONE, EXITKILL, WALL = 0x8, 0x100000, 0x40000000


class Registers(ctypes.Structure):
    _fields_ = [(name, ctypes.c_ulonglong) for name in REGISTERS]


libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes, libc.ptrace.restype = [ctypes.c_long] * 4, ctypes.c_long


def ptrace(request, pid, address=0, data=0):
    ctypes.set_errno(0)
    if libc.ptrace(request, pid, address, data) == -1 and ctypes.get_errno():
        raise OSError(ctypes.get_errno(), f"ptrace {request}")


def build(package, folder):
    """Makes the test binary, and finds its functions for AVX-512 by address."""
    detect, overlay, binary = (os.path.join(folder, name) for name in ("detect.go", "overlay.json", "test"))
    with open(detect, "w") as f:
        f.write(DETECT)
    with open(overlay, "w") as f:
        json.dump({"Replace": {os.path.join(ROOT, "internal/cpu/cpu_amd64.go"): detect}}, f)
    subprocess.run(["go", "test", "-c", "-overlay", overlay, "-o", binary, package], cwd=ROOT, check=True)
    functions = {}
    for line in subprocess.run(["go", "tool", "nm", binary], capture_output=True, text=True, check=True).stdout.splitlines():
        fields = line.split()
        if len(fields) == 3 and fields[1] == "T" and "chiasm" in fields[2] and "AVX512" in fields[2] and fields[2].endswith(".abi0"):
            functions[int(fields[0], 16)] = fields[2].split(".")[-2]
    if not functions:
        sys.exit("bochs: no function for AVX-512 in " + package)
    return binary, functions


class Memory:
    """The pages of a process that the core has asked for, and page tables that map the gigabytes in which it has any."""

    def __init__(self, pid, clean):
        self.pid, self.clean, self.pages, self.free = pid, clean, {}, []
        self.file = os.open(f"/proc/{pid}/mem", os.O_RDWR)
        self.tables, self.physical, self.virtual = {}, {}, {}
        self.root = self.page(TABLES * GIGABYTE)
        self.add(0)
        self.add(TABLES)

    def page(self, address):
        host = memory.allocate_host_page()
        ctypes.memset(host, 0, PAGE)
        memory.page_insert(address, host)
        return host

    def add(self, gigabyte):
        if gigabyte in self.physical:
            return
        at = gigabyte if gigabyte in (0, TABLES) else TABLES + len(self.physical)
        if at >= 1024:
            sys.exit("bochs: the process has memory in more places than the core can address")
        self.physical[gigabyte], self.virtual[at] = at, gigabyte
        upper = gigabyte >> 9
        if upper not in self.tables:
            address = TABLES * GIGABYTE + PAGE * (1 + len(self.tables))
            self.tables[upper] = self.page(address)
            ctypes.memmove(self.root + 8 * upper, struct.pack("<Q", address | 3), 8)
        ctypes.memmove(self.tables[upper] + 8 * (gigabyte & 511), struct.pack("<Q", at * GIGABYTE | 0x83), 8)

    def survey(self):
        with open(f"/proc/{self.pid}/maps") as f:
            for line in f:
                span, rights = line.split()[:2]
                low, high = (int(x, 16) for x in span.split("-"))
                if rights[0] == "r" and high < 1 << 47:
                    for gigabyte in range(low // GIGABYTE, (high - 1) // GIGABYTE + 1):
                        self.add(gigabyte)

    def load(self, address):
        """The host's page of a physical address, and what the process had there."""
        address &= ~(PAGE - 1)
        if address not in self.pages:
            at = self.virtual[address // GIGABYTE] * GIGABYTE + address % GIGABYTE
            content = self.clean(at, os.pread(self.file, PAGE, at))
            host = self.free.pop() if self.free else memory.allocate_host_page()
            ctypes.memmove(host, content, PAGE)
            memory.page_insert(address, host)
            self.pages[address] = [host, content, at]
        return self.pages[address]

    def swap(self, address, value):
        """Puts eight bytes at a virtual address, which are not written back, and returns those that were there."""
        page = self.load(self.physical[address // GIGABYTE] * GIGABYTE + address % GIGABYTE)
        o = address % PAGE
        (before,) = struct.unpack("<Q", page[1][o : o + 8])
        page[1] = page[1][:o] + struct.pack("<Q", value) + page[1][o + 8 :]
        ctypes.memmove(page[0] + o, page[1][o : o + 8], 8)
        return before

    def back(self):
        """Gives the process what has changed."""
        for address, (host, before, at) in self.pages.items():
            now = ctypes.string_at(host, PAGE)
            for i in range(0, PAGE, 8) if now != before else ():
                for j in range(i, i + 8) if now[i : i + 8] != before[i : i + 8] else ():
                    if now[j] != before[j]:
                        os.pwrite(self.file, now[j : j + 1], at + j)
            memory.page_remove(address)
            self.free.append(host)
        self.pages.clear()


class Core:
    """Bochs' core in 64-bit mode, which runs a function of the process from its entry to its return."""

    STUB = TABLES * GIGABYTE + (1 << 20)
    HALT = STUB + 0x800

    def __init__(self, mem):
        self.memory, self.session, self.hook, self.trouble = mem, bochscpu.Session(), bochscpu.Hook(), []
        host = mem.page(self.STUB)
        enter = bytes.fromhex("31c9 b8e7000000 31d2 0f01d1 ffe3")  # XSETBV: the registers of AVX-512; JMP RBX
        ctypes.memmove(host, enter, len(enter))
        ctypes.memmove(host + 0x800, b"\xf4", 1)  # HLT
        self.session.missing_page_handler = self.missing
        self.hook.hlt = lambda session, *_: session.stop()
        self.hook.exception = self.exception
        self.code, self.data = self.segment(0xA09B, 0x10), self.segment(0xC093, 0x18)

    def missing(self, address):
        try:
            self.memory.load(address)
        except BaseException as e:  # none may pass through the core
            print(f"bochs: physical address {address:#x} at {self.session.cpu.rip:#x}: {e!r}", flush=True)
            os._exit(2)

    def exception(self, session, _, vector, error):
        self.trouble.append(f"exception {vector} ({error}) at {session.cpu.rip:#x}, address {session.cpu.cr2:#x}")
        session.stop()

    @staticmethod
    def segment(attributes, selector):
        s = bochscpu.Segment()
        s.present, s.selector, s.base, s.limit, s.attr = True, selector, 0, 0xFFFFFFFF, attributes
        return s

    def run(self, function, name, r):
        self.memory.survey()
        back = self.memory.swap(r.rsp, self.HALT)
        s = bochscpu.State()
        s.cr0, s.cr3, s.cr4, s.efer, s.rflags = 0x80050033, TABLES * GIGABYTE, 0x406F8, 0x501, 2
        s.mxcsr, s.mxcsr_mask = 0x1F80, 0xFFFF
        s.cs, s.ds, s.es, s.ss, s.fs, s.gs = self.code, self.data, self.data, self.data, self.data, self.data
        s.rip, s.rbx, s.rsp, s.rbp, s.r14 = self.STUB, function, r.rsp, r.rbp, r.r14
        self.session.cpu.set_state(s)
        self.session.run([self.hook])
        if self.trouble or self.session.cpu.rsp != r.rsp + 8:
            sys.exit(f"bochs: {name}: {self.trouble or 'did not return'}")
        self.memory.back()
        r.rip, r.rsp = back, r.rsp + 8


def trace(binary, functions, folder, flags, timeout):
    """Runs the binary, and returns its exit status and how often each function was called."""
    pid = os.fork()
    if pid == 0:
        os.chdir(folder)
        libc.ptrace(TRACEME, 0, 0, 0)
        env = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"}
        os.execve(binary, [binary, *flags], env | {"GOMAXPROCS": "1", "GODEBUG": "asyncpreemptoff=1"})
    os.waitpid(pid, 0)
    ptrace(SETOPTIONS, pid, 0, TRACECLONE | EXITKILL)

    def clean(at, content):  # without the breakpoints
        for f in functions:
            if at <= f < at + PAGE:
                content = content[: f - at] + first[f] + content[f - at + 1 :]
        return content

    mem = Memory(pid, clean)
    first = {f: os.pread(mem.file, 1, f) for f in functions}
    for f in functions:
        os.pwrite(mem.file, b"\xcc", f)
    core, calls, started, end = Core(mem), dict.fromkeys(functions.values(), 0), {pid}, time.time() + timeout
    ptrace(CONT, pid)
    while time.time() < end:
        thread, status = os.waitpid(-1, WALL)
        if not os.WIFSTOPPED(status):
            if thread == pid:
                return os.waitstatus_to_exitcode(status), calls
            continue
        deliver = os.WSTOPSIG(status)
        if deliver == signal.SIGTRAP:
            deliver, r = 0, Registers()
            ptrace(GETREGS, thread, 0, ctypes.addressof(r))
            if not status >> 16 and r.rip - 1 in functions:
                name = functions[r.rip - 1]
                core.run(r.rip - 1, name, r)
                ptrace(SETREGS, thread, 0, ctypes.addressof(r))
                calls[name] += 1
        elif deliver == signal.SIGSTOP and thread not in started:
            started.add(thread)
            deliver = 0
        ptrace(CONT, thread, 0, deliver)
    return "timeout", calls


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--timeout", type=float, default=7200)
    p.add_argument("package")
    p.add_argument("flags", nargs=argparse.REMAINDER)
    a = p.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        binary, functions = build(a.package, folder)
        status, calls = trace(binary, functions, os.path.join(ROOT, a.package), a.flags, a.timeout)
    print(f"bochs: {sum(calls.values())} calls of {sum(c > 0 for c in calls.values())} functions; not called:",
          " ".join(sorted(f for f, c in calls.items() if not c)) or "none", flush=True)
    os._exit(0 if status == 0 else print(f"bochs: the test ended with {status}", flush=True) or 1)


if __name__ == "__main__":
    if "BOCHS_CORE" not in os.environ:  # once more, behind processor.c
        core = glob.glob(os.path.join(sysconfig.get_path("platlib"), "bochscpu", "_bochscpu*.so"))
        library = os.path.join(HERE, ".venv", "processor.so")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, os.path.join(HERE, "processor.c"), "-ldl"], check=True)
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | {"BOCHS_CORE": core[0], "LD_PRELOAD": library})
    import bochscpu
    from bochscpu._bochscpu import memory

    main()
