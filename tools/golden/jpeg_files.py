"""JPEG files of every kind that media/image decodes, and what Pillow makes of them.

    python jpeg_files.py ../../media/image/testdata/jpeg          the small set that is committed
    python jpeg_files.py --again ../../media/image/testdata/jpeg  only what Pillow makes of the files that are there
    python jpeg_files.py --large N FOLDER [SEED]                  N random files, for a long comparison

Writes the files and golden.json: for each the size, the SHA-256 of the RGB pixels, those of the picture decoded at a half,
a quarter and an eighth, and what Pillow says without being told to put up with truncated files ("" if it is content).
cjpeg of libjpeg-turbo makes what Pillow cannot; the large set is also held against djpeg -scale where that is installed.
CHIASM_JPEG_FOLDER=FOLDER go test -run JPEGGolden ./media/image compares a large set.
"""

import hashlib, io, json, pathlib, random, struct, subprocess, sys, tempfile

import numpy as np
from PIL import Image, ImageFile

ZIGZAG = sorted(range(64), key=lambda i: (i // 8 + i % 8, (i // 8 if (i // 8 + i % 8) % 2 else i % 8)))


def picture(rng, w, h, channels=3, style="photo"):
    """Smooth shapes, edges, texture and noise, in about the proportions of photographs."""
    y, x = np.mgrid[0:h, 0:w].astype(np.float64)
    out = []
    for _ in range(channels):
        a = rng.uniform(0.5, 9, 4)
        v = 128 + 70 * np.sin(x / max(w, 8) * a[0] + a[1]) * np.cos(y / max(h, 8) * a[2] + a[3])
        if style != "smooth":
            v += 50 * (((x * a[0] + y * a[1]) % (w * 0.7 + 3)) < w * 0.2)
            v += rng.normal(0, 40 if style == "rough" else 5, v.shape) * (np.sin(x / 17 + a[2]) > -0.3)
        if style == "hard":
            v = 255.0 * (v > 128)
        out.append(np.clip(v, 0, 255).astype(np.uint8))
    return np.stack(out, -1) if channels > 1 else out[0]


def cjpeg(pixels, *args, scans=None):
    mode = b"P6" if pixels.ndim == 3 else b"P5"
    ppm = mode + b"\n%d %d\n255\n" % (pixels.shape[1], pixels.shape[0]) + pixels.tobytes()
    if scans:
        path = pathlib.Path(tempfile.gettempdir(), "jpeg_files.scans")
        path.write_text(scans)
        args += ("-scans", str(path))
    return subprocess.run(["cjpeg", *map(str, args)], input=ppm, capture_output=True, check=True).stdout


class Writer:
    """Entropy-coded bits of a sequential file with arbitrary coefficients: DC sizes in 5 bits, AC symbols in 9."""

    def __init__(self):
        self.out, self.bits, self.n = bytearray(), 0, 0

    def put(self, v, n):
        self.bits, self.n = self.bits << n | v & (1 << n) - 1, self.n + n
        while self.n >= 8:
            b = self.bits >> self.n - 8 & 255
            self.out.append(b)
            if b == 255:
                self.out.append(0)
            self.n -= 8
        self.bits &= (1 << self.n) - 1

    def flush(self):
        if self.n:
            self.put((1 << 8 - self.n) - 1, 8 - self.n)

    def value(self, v, n):
        self.put(v if v >= 0 else v + (1 << n) - 1, n)

    def block(self, coefs, before):
        d = int(coefs[0]) - before
        n = abs(d).bit_length()
        self.put(n, 5)
        if n:
            self.value(d, n)
        run = 0
        for k in range(1, 64):
            v = int(coefs[ZIGZAG[k]])
            if not v:
                run += 1
                continue
            while run > 15:
                self.put(0xF0, 9)
                run -= 16
            n = abs(v).bit_length()
            self.put(run << 4 | n, 9)
            self.value(v, n)
            run = 0
        if run:
            self.put(0, 9)
        return int(coefs[0])


def segment(marker, body):
    return struct.pack(">BBH", 255, marker, len(body) + 2) + body


def own(rng, w, h, factors, ids=None, jfif=False, adobe=None, restart=0, scans=None, loud=30, wide=False, shift=False, flat=0.0):
    """A sequential file with random coefficients of any sampling, decreasing with frequency; loud is how large they are."""
    n = len(factors)
    ids = ids or list(range(1, n + 1))
    scans = scans or [list(range(n))]
    mh, mv = max(f[0] for f in factors), max(f[1] for f in factors)
    out = b"\xff\xd8"
    if jfif:
        out += segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0")
    if adobe is not None:
        out += segment(0xEE, b"Adobe\0\x64\0\0\0\0" + bytes([adobe]))
    q = [rng.integers(1, 400 if wide else 40, 64) for _ in range(2)]
    for i in range(2):
        out += segment(0xDB, bytes([i | (16 if wide else 0)]) + b"".join(struct.pack(">H" if wide else "B", int(v)) for v in q[i]))
    frame = struct.pack(">BHHB", 8, h, w, n) + b"".join(bytes([ids[i], f[0] << 4 | f[1], i % 2]) for i, f in enumerate(factors))
    out += segment(0xC1 if wide else 0xC0, frame)
    out += segment(0xC4, b"\0" + bytes([0, 0, 0, 0, 16] + [0] * 11) + bytes(range(16)))
    out += segment(0xC4, b"\x10" + bytes([0] * 8 + [255] + [0] * 7) + bytes(range(255)))
    if restart:
        out += segment(0xDD, struct.pack(">H", restart))
    blocks = []
    u, v = np.mgrid[0:8, 0:8]
    for i, f in enumerate(factors):
        by, bx = -(-h // (8 * mv)) * f[1], -(-w // (8 * mh)) * f[0]
        c = rng.laplace(0, 1, (by, bx, 8, 8)) * loud * 6 / (1 + u + v) ** 1.7
        c[..., 0, 0] *= 1 if loud > 100 else 4
        c[rng.random((by, bx)) < flat, 1:, :] = 0
        qz = np.zeros(64)
        qz[ZIGZAG] = q[i % 2]
        c = np.round(c.reshape(by, bx, 64) / (1 if loud > 300 else qz)).astype(int)
        blocks.append(np.clip(c, -1023, 1023))
    for scan in scans:
        out += segment(0xDA, bytes([len(scan)]) + b"".join(bytes([ids[i], 0]) for i in scan) + b"\0\x3f\0")
        wr, before, left, number = Writer(), [0] * n, restart, 0
        if len(scan) == 1:
            f = factors[scan[0]] if n > 1 else (1, 1)
            mx, my = -(-w * f[0] // (8 * mh)), -(-h * f[1] // (8 * mv))
            if n == 1:
                mx, my = -(-w // 8), -(-h // 8)
        else:
            mx, my = -(-w // (8 * mh)), -(-h // (8 * mv))
        for y in range(my):
            for x in range(mx):
                if restart and left == 0:
                    wr.flush()
                    wr.out += bytes([255, 0xD0 + number])
                    number, left, before = (number + 1) & 7, restart, [0] * n
                left -= 1
                for i in scan:
                    f = (1, 1) if len(scan) == 1 else factors[i]
                    for dy in range(f[1]):
                        for dx in range(f[0]):
                            before[i] = wr.block(blocks[i][y * f[1] + dy, x * f[0] + dx], before[i])
        wr.flush()
        out += bytes(wr.out)
    return out + b"\xff\xd9"


def pillow(pixels, **kw):
    f = io.BytesIO()
    Image.fromarray(pixels, kw.pop("mode", None)).save(f, "JPEG", **kw)
    return f.getvalue()


# Scans that a progressive file may have: all, or so few that libjpeg guesses the rest.
SCRIPTS = [
    None,
    "0;1;2;",  # sequential, one channel each
    "0 1 2: 0-0, 0, 1; 0: 1-5, 0, 2; 2: 1-63, 0, 1; 1: 1-63, 0, 1; 0: 6-63, 0, 2; 0: 1-63, 2, 1; 0 1 2: 0-0, 1, 0; 2: 1-63, 1, 0; 1: 1-63, 1, 0; 0: 1-63, 1, 0;",
    "0: 0-0, 0, 3; 1 2: 0-0, 0, 0; 0: 0-0, 3, 2; 0: 0-0, 2, 1; 0: 0-0, 1, 0; 0: 1-63, 0, 0; 1: 1-63, 0, 0; 2: 1-63, 0, 0;",
    "0 1 2: 0-0, 0, 0;",
    "0 1 2: 0-0, 0, 1; 0: 1-5, 0, 2;",
    "0 1 2: 0-0, 0, 0; 0: 1-2, 0, 1; 1: 1-63, 0, 0; 2: 1-9, 0, 3;",
]
SAMPLINGS = ["1x1", "2x1", "2x2", "1x2", "4x1", "1x4", "4x2", "2x4", "3x1", "1x3", "2x2,1x2,2x1", "2x1,1x1,2x1", "1x1,2x2,1x1"]
FACTORS = [
    [(1, 1)] * 3, [(2, 1), (1, 1), (1, 1)], [(2, 2), (1, 1), (1, 1)], [(1, 2), (1, 1), (1, 1)], [(4, 1), (1, 1), (1, 1)],
    [(2, 2), (2, 1), (1, 2)], [(2, 2), (1, 2), (1, 1)], [(1, 1), (2, 2), (1, 1)], [(3, 1), (1, 1), (1, 1)], [(2, 4), (1, 1), (1, 1)],
    [(1, 1)] * 4, [(2, 2), (1, 1), (1, 1), (2, 2)], [(2, 1), (1, 1), (1, 1), (2, 1)], [(1, 2), (1, 1), (1, 1), (1, 2)], [(1, 1)], [(2, 2)],
]  # fmt: skip


def any_file(r):
    """One file of a random kind."""
    rng = np.random.default_rng(r.getrandbits(60))
    side = lambda: r.choice([r.randint(1, 20), r.randint(1, 70), r.randint(1, 300)])
    w, h = side(), side()
    style = r.choice(["photo", "photo", "smooth", "rough", "hard"])
    quality = r.choice([5, 10, 25, 50, 75, 85, 90, 95, 98, 100])
    kind = r.choice(["pillow", "pillow", "gray", "cmyk", "cjpeg", "cjpeg", "rgb", "own", "own"])
    if kind in ("pillow", "gray", "cmyk"):
        channels = {"pillow": 3, "gray": 1, "cmyk": 4}[kind]
        kw = dict(quality=quality, optimize=r.random() < 0.4, progressive=r.random() < 0.4, subsampling=r.choice([0, 1, 2]))
        if r.random() < 0.3:
            kw[r.choice(["restart_marker_blocks", "restart_marker_rows"])] = r.randint(1, 5)
        if kind == "cmyk":
            kw["mode"] = "CMYK"
        data = pillow(picture(rng, w, h, channels, style), **kw)
        if kind == "cmyk":
            data = r.choice([lambda d: d, lambda d: d.replace(b"Adobe\0d\0\0\0\0\0", b"Adobe\0d\0\0\0\0\2"), lambda d: d.replace(b"Adobe", b"Obeda")])(data)
        return data, f"{kind}-{w}x{h}-" + "-".join(f"{k[:4]}{v}" for k, v in kw.items())
    if kind in ("cjpeg", "rgb"):
        args = ["-quality", quality, "-sample", r.choice(SAMPLINGS)]
        args += r.choice([[], [], ["-optimize"], ["-restart", r.randint(1, 9)], ["-restart", f"{r.randint(1, 40)}B"]])
        if kind == "rgb":
            args += ["-rgb"]
        scans = r.choice(SCRIPTS)
        data = cjpeg(picture(rng, w, h, 3, style), *args, scans=scans)
        return data, f"{kind}-{w}x{h}-" + "-".join(map(str, args)) + f"-s{SCRIPTS.index(scans)}"
    factors = r.choice(FACTORS)
    n = len(factors)
    kw = dict(restart=r.choice([0, 0, 1, 7]), loud=r.choice([5, 30, 80, 200, 3000]), wide=r.random() < 0.2, flat=r.choice([0, 0.5]))
    kw["adobe"] = r.choice([None, 0, 1, 2])
    kw["jfif"] = r.random() < 0.3
    if n == 3:
        kw["ids"] = r.choice([None, [82, 71, 66], [0, 1, 2], [7, 7, 7]])
    if n > 1 and r.random() < 0.3:
        kw["scans"] = r.choice([[[i] for i in range(n)], [[0], list(range(1, n))]])
    data = own(rng, w, h, factors, **kw)
    return data, f"own-{w}x{h}-{FACTORS.index(factors)}-" + "-".join(f"{k}{v}" for k, v in kw.items()).replace(" ", "")


def scaled(data, by):
    """The RGB pixels of a file decoded at 1/by of its size, as Image.draft would have it."""
    m = Image.open(io.BytesIO(data))
    d, _, o, a = m.tile[0]
    m._size = (-(-m.width // by), -(-m.height // by))
    m.tile = [ImageFile._Tile(d, (0, 0) + m._size, o, a)]
    m.decoderconfig = (by, 0)
    m.load()
    return m.convert("RGB")


def djpeg_agrees(data, by, want):
    """Whether djpeg makes the same of a file; None if it refuses it (2: it only warned) or makes no RGB or gray picture of it."""
    try:
        p = subprocess.run(["djpeg", "-scale", f"1/{by}"], input=data, capture_output=True)
    except FileNotFoundError:
        return None
    if p.returncode not in (0, 2) or p.stdout[:2] not in (b"P5", b"P6"):
        return None
    return Image.open(io.BytesIO(p.stdout)).convert("RGB").tobytes() == want


def golden(data, djpeg=None):
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    said = ""
    try:
        Image.open(io.BytesIO(data)).load()
    except (OSError, SyntaxError) as e:
        said = str(e)
        if "truncated" not in said:  # that switch makes Pillow show what it got before an error, too
            return {"refused": said}
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        m = Image.open(io.BytesIO(data))
        m.load()
        if said and not m.getbbox():
            return {"refused": said}  # the file ends in a header, which Pillow does not survive
        m = m.convert("RGB")
    except (OSError, SyntaxError):
        return {"refused": said}
    found = {"w": m.width, "h": m.height, "sha256": hashlib.sha256(m.tobytes()).hexdigest(), "said": said, "scaled": {}}
    for by in (2, 4, 8):
        pixels = scaled(data, by).tobytes()
        found["scaled"][by] = hashlib.sha256(pixels).hexdigest()
        if djpeg is not None:
            djpeg.append(djpeg_agrees(data, by, pixels))
    return found


def hurt(r, data):
    """Damage of one kind or another behind the frame header."""
    data = bytearray(data)
    at = data.find(b"\xff\xda")
    for _ in range(r.choice([1, 1, 3, 20])):
        if len(data) <= at:
            break
        kind, i = r.random(), r.randrange(at, len(data))
        if kind < 0.3:
            del data[max(i, at + 20) :]
            break
        elif kind < 0.7:
            data[i] = r.randrange(256)
        elif kind < 0.85:
            data[i:i] = bytes([255, r.choice([0xD0, 0xD3, 0xD7, 0, 1, 255])])
        else:
            del data[i : i + r.randint(1, 30)]
    return bytes(data)


def large(count, folder, seed):
    r, all, djpeg = random.Random(seed), {}, []
    for i in range(count):
        try:
            data, name = any_file(r)
        except (subprocess.CalledProcessError, OSError):  # what the encoders cannot do
            continue
        for hurts in range(3 if i % 2 else 1):
            name = f"{i:05}-{name}"[:120] + ("" if not hurts else f"-hurt{hurts}")
            d = hurt(r, data) if hurts else data
            all[name] = golden(d, djpeg)
            if "identify" in all[name].get("refused", ""):
                del all[name]  # Pillow's own look at the header, not libjpeg's
                continue
            (folder / (name + ".jpg")).write_bytes(d)
    print(f"djpeg -scale made the same picture {djpeg.count(True)} times, another {djpeg.count(False)}, none {djpeg.count(None)}")
    return all


def small(folder):
    rng, all = np.random.default_rng(7), {}

    def add(name, data):
        all[name] = golden(data)
        (folder / (name + ".jpg")).write_bytes(data)
        return data

    sub = {0: "444", 1: "422", 2: "420"}
    for q in (5, 30, 75, 95, 100):
        for s in sub:
            for kw in ({}, {"progressive": True}, {"optimize": True}):
                w, h = [int(v) for v in rng.integers(17, 75, 2)]
                add(f"{sub[s]}-q{q}" + "".join("-" + k for k in kw), pillow(picture(rng, w, h), quality=q, subsampling=s, **kw))
    for w in (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33):
        h = [1, 2, 3, 5, 8, 9, 16, 17, 18, 33, 4, 7, 32][w % 13]
        for s in (1, 2):
            add(f"size-{w}x{h}-{sub[s]}", pillow(picture(rng, w, h), quality=80, subsampling=s, optimize=True))
    for s in SAMPLINGS[3:]:
        for scans in (0, 3):
            add(f"sample-{s}-{scans}", cjpeg(picture(rng, 45, 43), "-quality", 85, "-optimize", "-sample", s, scans=SCRIPTS[scans]))
    for i, scans in enumerate(SCRIPTS):
        add(f"scans-{i}", cjpeg(picture(rng, 90, 61, style="rough"), "-quality", 60, "-sample", "2x2", scans=scans))
    for blocks in (1, 5):
        add(f"restart-{blocks}", pillow(picture(rng, 120, 70), quality=75, restart_marker_blocks=blocks))
        add(f"restart-progressive-{blocks}", pillow(picture(rng, 70, 70), quality=75, progressive=True, restart_marker_blocks=blocks))
    for kw in ({}, {"progressive": True}):
        for s, w, h in (("gray", 61, 47), ("gray", 9, 1)):
            add(f"{s}-{w}x{h}" + "".join("-" + k for k in kw), pillow(picture(rng, w, h, 1), quality=85, optimize=True, **kw))
        ink = add("cmyk" + "".join("-" + k for k in kw), pillow(picture(rng, 45, 37, 4), quality=85, mode="CMYK", **kw))
        add("ycck" + "".join("-" + k for k in kw), ink.replace(b"Adobe\0d\0\0\0\0\0", b"Adobe\0d\0\0\0\0\2"))
        add("cmyk-unmarked" + "".join("-" + k for k in kw), ink.replace(b"Adobe", b"Obeda"))
    add("rgb", cjpeg(picture(rng, 45, 37), "-rgb", "-quality", 90))
    for i, f in enumerate(FACTORS):
        add(f"own-{i}", own(rng, 37, 35, f, adobe=[None, 0, 1, 2][i % 4], loud=[5, 80, 3000][i % 3], flat=0.3))
    add("own-wide", own(rng, 37, 35, FACTORS[2], wide=True, jfif=True, restart=2))
    add("own-scans", own(rng, 37, 35, FACTORS[5], scans=[[0], [1, 2]], restart=3))
    add("own-ids", own(rng, 37, 35, FACTORS[2], ids=[82, 71, 66]))
    add("own-loud", own(rng, 64, 64, FACTORS[0], loud=9000))
    plain = pillow(picture(rng, 200, 150), quality=75, restart_marker_blocks=0)
    steps = pillow(picture(rng, 120, 150), quality=75, progressive=True)
    for i, part in enumerate((0.2, 0.5, 0.9)):
        add(f"cut-{i}", plain[: int(len(plain) * part)] if i else plain[: plain.find(b"\xff\xda") + 100])
        add(f"cut-progressive-{i}", steps[: int(len(steps) * part)])
    add("cut-end", plain[:-2])
    r = random.Random(3)
    hurting = pillow(picture(rng, 150, 100), quality=70, restart_marker_blocks=7)
    for i in range(12):
        add(f"hurt-{i}", hurt(r, [plain, steps, hurting][i % 3]))
    add("motion", b"".join(plain[a:b] for a, b in unlabelled(plain)))
    add("own-same-ids", own(np.random.default_rng(8), 37, 35, FACTORS[3], ids=[7, 7, 7], scans=[[0], [1], [2]]))  # one channel, three times
    print(sum(f.stat().st_size for f in folder.glob("*.jpg")), "bytes in", len(all), "files")
    return all


def unlabelled(data):
    """The parts of a file that are not Huffman tables."""
    i, start = 2, 0
    while data[i + 1] != 0xDA:
        n = 2 + struct.unpack(">H", data[i + 2 : i + 4])[0]
        if data[i + 1] == 0xC4:
            yield start, i
            start = i + n
        i += n
    yield start, len(data)


if __name__ == "__main__":
    if sys.argv[1] == "--large":
        folder = pathlib.Path(sys.argv[3])
        folder.mkdir(parents=True, exist_ok=True)
        found = large(int(sys.argv[2]), folder, int(sys.argv[4]) if len(sys.argv) > 4 else 1)
    elif sys.argv[1] == "--again":
        folder = pathlib.Path(sys.argv[2])
        found = {f.stem: golden(f.read_bytes()) for f in folder.glob("*.jpg")}
    else:
        folder = pathlib.Path(sys.argv[1])
        folder.mkdir(parents=True, exist_ok=True)
        found = small(folder)
    (folder / "golden.json").write_text(json.dumps(found, indent=0, sort_keys=True) + "\n")
