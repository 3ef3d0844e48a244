"""Writes token/unicode.tab.gz: the character classes that the reference tokenizers use.

The reference is made of libraries with Unicode tables of different ages (normal forms from
Unicode 9, punctuation from 8, regular expressions from 16 ...), so every class is read off the
reference itself, by showing it each code point, rather than copied from one Unicode version.

Format, one record a line: "name first last [value]", numbers in hex, after a line of comment.
"""
import gzip
import os
import unicodedata

import regex
import tokenizers
from tokenizers import Regex, normalizers, pre_tokenizers

OUT = os.path.join(os.path.dirname(__file__), "..", "..", "token", "unicode.tab.gz")
SEP = "\u3042"  # no normalizer makes or changes it
ALL = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]


def ranges(points):
    points = sorted(points)
    out = []
    for p in points:
        if out and out[-1][1] == p - 1:
            out[-1][1] = p
        else:
            out.append([p, p])
    return out


def splits(pre, sep="\u4e00"):
    """Code points that the pre-tokenizer isolates as pieces of their own (it removes the rest)."""
    got = set()
    for i in range(0, len(ALL), 4096):
        text = "".join(chr(c) for c in ALL[i:i + 4096])
        for piece, (a, b) in pre.pre_tokenize_str(text):
            got.update(ord(c) for c in text[a:b])
    return got


def matched(pattern):
    return splits(pre_tokenizers.Split(Regex(pattern), "removed", invert=True))


def normal(n, cs):
    """n.normalize_str of each string of cs, batched with a separator that no normalizer touches."""
    out = []
    for i in range(0, len(cs), 4096):
        part = cs[i:i + 4096]
        got = n.normalize_str(SEP.join(part)).split(SEP)
        assert len(got) == len(part), (len(got), len(part), hex(ord(part[0][0])))
        out += got
    return out


chars = [c for c in ALL if chr(c) != SEP]
strs = [chr(c) for c in chars]
classes = {}
classes["letter"] = matched(r"\p{L}")
classes["number"] = matched(r"\p{N}")
classes["space"] = matched(r"\s")
classes["alpha"] = matched(r"[[:alpha:]]")
classes["wordy"] = matched(r"\w")
word, other = set(), set()
for i in range(0, len(ALL), 4096):  # \w of the regex crate: a word character joins the letters beside it
    part = ALL[i:i + 4096]
    text = "".join("a" + chr(c) + "a " for c in part)
    for piece, _ in pre_tokenizers.Whitespace().pre_tokenize_str(text):
        if len(piece) == 3:
            word.add(ord(piece[1]))
classes["word"] = word
def alone(pre):
    got = set()
    for i in range(0, len(ALL), 4096):
        part = ALL[i:i + 4096]
        text = "".join("a" + chr(c) + "a " for c in part)
        for piece, _ in pre.pre_tokenize_str(text):
            if len(piece) == 1 and piece not in " a":
                got.add(ord(piece))
    return got
classes["numeric"] = alone(pre_tokenizers.Digits(individual_digits=True))
classes["punct"] = alone(pre_tokenizers.Punctuation("isolated"))
kept = normal(normalizers.StripAccents(), ["a" + s for s in strs])
classes["mark"] = {c for c, k in zip(chars, kept) if k == "a"}
bert = normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=False, strip_accents=False, lowercase=False)
kept = normal(bert, ["a" + s for s in strs])
classes["control"] = {c for c, k in zip(chars, kept) if k == "a"}
classes["blank"] = {c for c, k in zip(chars, kept) if k == "a "}
bert = normalizers.BertNormalizer(clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=False)
kept = normal(bert, ["a" + s for s in strs])
classes["nonspacing"] = {c for c, k in zip(chars, kept) if k == "a"}

# Normal forms: what has a decomposition or a combining class now, but not in the reference's older tables.
nfkd = normal(normalizers.NFKD(), strs)
moved1 = normal(normalizers.NFD(), ["a" + s + "\u0334" for s in strs])
moved2 = normal(normalizers.NFD(), ["a\u0300" + s for s in strs])
ours = set()
for c, s, k, m1, m2 in zip(chars, strs, nfkd, moved1, moved2):
    if k != s or m1 == "a\u0334" + s or m2 == "a" + s + "\u0300":
        ours.add(c)
now = {c for c, s in zip(chars, strs) if not regex.match(r"\p{ccc=0}", s) or not regex.match(r"\p{dt=none}", s)}
classes["inert"] = now - ours - set(range(0xAC00, 0xD7A4))

# The regex module, which open_clip's own tokenizer uses, without regard to case.
for name, pattern in (("pyletter", r"[\p{L}]"), ("pynumber", r"[\p{N}]"), ("pyspace", r"\s")):
    find = regex.compile(pattern, regex.IGNORECASE).match
    classes[name] = {c for c in ALL if find(chr(c))}
rest = regex.compile(r"[^\s\p{L}\p{N}]", regex.IGNORECASE).match
classes["pyspace"] = set(ALL) - classes["pyletter"] - classes["pynumber"] - {c for c in ALL if rest(chr(c))}  # and U+0345, which nothing matches
# What Python's own tables have no normal form for.
classes["pyinert"] = {c for c in now if not unicodedata.combining(chr(c)) and not unicodedata.decomposition(chr(c))} - set(range(0xAC00, 0xD7A4))

rows = []
for name in classes:
    rows += [f"{name} {a:x} {b:x}" for a, b in ranges(classes[name])]

# Lower case, where it is not the simple mapping of Unicode 14.
low = normal(normalizers.Lowercase(), strs)
for c, s, l in zip(chars, strs, low):
    if l != s:
        rows.append(f"lower {c:x} {c:x} " + ",".join(f"{ord(x):x}" for x in l))
# Python's str.lower, for open_clip, where it differs from the reference's.
for c, s, l in zip(chars, strs, low):
    if s.lower() != l and s != "Σ":
        rows.append(f"pylower {c:x} {c:x} " + ",".join(f"{ord(x):x}" for x in s.lower()))

# Code points whose general category in the reference's regular expressions is newer than Unicode 14 (Go may know it).
for cat in "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cf".split():
    got = matched(r"\p{%s}" % cat)
    new = {c for c in got if unicodedata.category(chr(c)) != cat}
    rows += [f"newer {a:x} {b:x} {cat}" for a, b in ranges(new)]

# Grapheme clusters.
for i, name in enumerate("CR LF Control Extend ZWJ Regional_Indicator Prepend SpacingMark L V T LV LVT".split()):
    pts = {c for c in ALL if regex.match(r"\p{GCB=%s}" % name, chr(c))}
    rows += [f"cluster {a:x} {b:x} {i + 1:x}" for a, b in ranges(pts)]
pts = {c for c in ALL if regex.match(r"\p{Extended_Pictographic}", chr(c))}
rows += [f"cluster {a:x} {b:x} e" for a, b in ranges(pts)]
for i, name in enumerate(["Consonant", "Linker"]):
    pts = {c for c in ALL if regex.match(r"\p{InCB=%s}" % name, chr(c))}
    rows += [f"conjunct {a:x} {b:x} {i + 1:x}" for a, b in ranges(pts)]

# Scripts: two characters are of one script when the reference does not part them.
pre = pre_tokenizers.UnicodeScripts()
reps, script = {}, {}
def parted(pairs):
    """For each pair of characters: does the reference part them?"""
    out = []
    for i in range(0, len(pairs), 2048):
        part = pairs[i:i + 2048]
        for p in part:
            out.append(len(pre.pre_tokenize_str(p)) > 1)
    return out
vs_a = parted(["a" + s for s in strs])
vs_han = parted(["\u4e00" + s for s in strs])
todo = []
for c, a, h in zip(chars, vs_a, vs_han):
    if not a and not h:
        continue  # belongs to every script
    if not h:
        script[c] = "Han"
    elif not a:
        script[c] = "Latin"
    else:
        todo.append(c)
names = {}
last = None
for c in todo:
    s = chr(c)
    if last is not None and not parted([chr(reps[last]) + s])[0]:
        script[c] = last
        continue
    for n, r in reps.items():
        if not parted([chr(r) + s])[0]:
            script[c] = last = n
            break
    else:
        n = "s%d" % len(reps)
        reps[n] = c
        script[c] = last = n
ids = {n: i + 1 for i, n in enumerate(["Han", "Latin"] + list(reps))}
by = {}
for c, n in script.items():
    by.setdefault(n, set()).add(c)

by["Han"].add(ord(SEP))
for n in by:
    rows += [f"script {a:x} {b:x} {ids[n]:x}" for a, b in ranges(by[n])]

# ftfy: which characters it takes for signs of mojibake, and the code pages that it tries.
import ftfy.bad_codecs  # noqa: F401 (registers the sloppy code pages)
from ftfy.badness import MOJIBAKE_CATEGORIES
from ftfy.chardata import CHARMAP_ENCODINGS, UTF8_CLUES


def members(s):
    """The code points of the inside of a set of a regular expression."""
    return {c for c in range(0x10000) if not 0xD800 <= c < 0xE000 and regex.match("[" + s.replace("[", "\\[") + "]", chr(c))}


for name, s in {**MOJIBAKE_CATEGORIES, **UTF8_CLUES}.items():
    rows += [f"moji {a:x} {b:x} {name}" for a, b in ranges(members(s))]
for i, name in enumerate(CHARMAP_ENCODINGS):
    rows.append(f"page {i:x} {i:x} " + ",".join(f"{ord(c):x}" for c in bytes([0x1A, *range(0x80, 0x100)]).decode(name)))

head = f"# tokenizers {tokenizers.__version__}, regex {regex.__version__}; written by tools/golden/token_tables.py\n"
with open(OUT, "wb") as f:
    with gzip.GzipFile(fileobj=f, mode="wb", mtime=0, compresslevel=9, filename="") as g:
        g.write((head + "\n".join(rows) + "\n").encode())
print(len(rows), "records,", os.path.getsize(OUT), "bytes;", len(ids), "scripts")
for n in classes:
    print(n, len(classes[n]), len(ranges(classes[n])))
