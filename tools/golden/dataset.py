"""Writes dataset/testdata with the programs that people write such data with: webdataset, CLIP_benchmark's converter, Hugging Face's
datasets and pyarrow; expected.json says what is in them. Needs webdataset, clip-benchmark, datasets and pyarrow besides requirements.txt."""
import hashlib
import io
import json
import os
import shutil
import wave

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import webdataset
from PIL import Image

try:
    from clip_benchmark import webdataset_builder
except ImportError as e:
    raise SystemExit(f"clip-benchmark is needed: {e}")

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../dataset/testdata")
rng = np.random.default_rng(11)
expected = {}


def picture(kind="png"):
    b = io.BytesIO()
    Image.fromarray(rng.integers(0, 255, (5, 6, 3), np.uint8)).save(b, kind)
    return b.getvalue()


def sound():
    b = io.BytesIO()
    with wave.open(b, "wb") as w:
        w.setnchannels(1), w.setsampwidth(2), w.setframerate(8000)
        w.writeframes(rng.integers(-9999, 9999, 50, np.int16).tobytes())
    return b.getvalue()


def item(key="", image=None, sound=None, texts=(), labels=(), cls="", extra=None):
    sha = lambda b: hashlib.sha256(b).hexdigest() if b else ""
    return {"key": key, "image": sha(image), "sound": sha(sound), "texts": [list(t) for t in texts], "labels": list(labels), "class": cls, "extra": extra or {}}


def shards():
    items = []
    with webdataset.ShardWriter(os.path.join(OUT, "pairs-%02d.tar"), maxcount=3, verbose=0) as w:
        for i in range(5):
            jpg, wav = picture("jpeg"), sound() if i % 2 else None
            sample = {"__key__": f"d/{i:04d}", "jpg": jpg, "txt": f"thing {i}", "zh.txt": f"东西 {i}", "json": {"url": f"u{i}", "width": 6}}
            if wav:
                sample["wav"] = wav
            w.write(sample)
            items.append(item(f"d/{i:04d}", jpg, wav, [("", f"thing {i}"), ("zh", f"东西 {i}")], extra={"url": f"u{i}", "width": "6"}))
    with webdataset.ShardWriter(os.path.join(OUT, "packed-%d.tar.gz"), maxcount=3, compress=True, verbose=0) as w:
        png = picture()
        w.write({"__key__": "one", "png": png, "cls": 4})
    expected["pairs-{00..01}.tar"] = items
    expected["packed-0.tar.gz"] = [item("one", png, labels=[4])]


class Labelled(list):
    classes, templates = ["ant", "big cat", "dog"], ["a photo of a {c}.", "{c}"]


def benchmarks():
    pictures = [picture("webp") for _ in range(7)]
    folder = lambda name: os.path.join(OUT, name)
    one = Labelled((p, i % 3) for i, p in enumerate(pictures))
    webdataset_builder.convert_dataset(one, "test", folder("wds_class"), max_count=4, verbose=False)
    webdataset_builder.convert_dataset(Labelled(one[:2]), "train", folder("wds_class"), verbose=False)
    expected["wds_class"] = [item(f"s{i:07d}", p, labels=[i % 3], cls=Labelled.classes[i % 3]) for i, p in enumerate(pictures)]
    many = [np.array([i % 2, 1, 0], np.int64) for i in range(3)]
    webdataset_builder.convert_dataset(Labelled(zip(pictures, map(__import__("torch").from_numpy, many))), "test", folder("wds_multi"), multilabel=True, verbose=False)
    expected["wds_multi"] = [item(f"s{i:07d}", p, labels=np.flatnonzero(m).tolist()) for i, (p, m) in enumerate(zip(pictures, many))]
    captions = [[f"caption {k} of {i}" for k in range(i + 1)] for i in range(3)]
    webdataset_builder.convert_retrieval_dataset(list(zip(pictures, captions)), "test", folder("wds_flickr"), verbose=False)
    expected["wds_flickr"] = [item(f"s{i:07d}", p, texts=[("", c) for c in cs]) for i, (p, cs) in enumerate(zip(pictures, captions))]


def parquet():
    n = 9
    rows = [{"image": {"bytes": picture(), "path": f"{i}.png"}, "text": f"thing {i}" if i != 4 else None, "captions": [f"c{k}" for k in range(i % 3)], "label": i % 3,
             "caption": {"en": f"t{i}", "zh": None if i % 2 else f"东{i}"}, "audio": {"bytes": sound(), "path": None} if i % 2 else None, "score": i / 2} for i in range(n)]
    features = datasets.Features({"image": datasets.Image(), "text": datasets.Value("string"), "captions": datasets.Sequence(datasets.Value("string")),
                                  "label": datasets.ClassLabel(names=["ant", "big cat", "dog"]), "caption": datasets.Translation(["en", "zh"]),
                                  "audio": {"bytes": datasets.Value("binary"), "path": datasets.Value("string")}, "score": datasets.Value("float32")})
    table = pa.Table.from_pylist(rows, schema=features.arrow_schema)
    want = []
    for i, r in enumerate(rows):
        texts = [("en", f"t{i}")] + ([] if i % 2 else [("zh", f"东{i}")]) + [("", f"c{k}") for k in range(i % 3)] + ([] if i == 4 else [("", f"thing {i}")])
        want.append(item(str(i), r["image"]["bytes"], r["audio"]["bytes"] if r["audio"] else None, texts, [i % 3], ["ant", "big cat", "dog"][i % 3], {"score": f"{i / 2:g}"}))
    for codec in ["snappy", "zstd", "gzip", "none", "brotli"]:
        version = "2.0" if codec in ("zstd", "gzip") else "1.0"
        os.makedirs(os.path.join(OUT, codec, "data"))
        name = os.path.join(codec, "data/train-00000-of-00001.parquet")
        pq.write_table(table, os.path.join(OUT, name), row_group_size=4, compression=codec, data_page_version=version, data_page_size=200, write_page_index=codec == "zstd")
        expected[name] = want
    pq.write_table(table, os.path.join(OUT, "lz4.parquet"), compression="lz4")  # which is refused
    dataset = datasets.Dataset.from_list([{k: r[k] for k in ("image", "label")} for r in rows[:3]], features=datasets.Features({k: features[k] for k in ("image", "label")}))
    dataset.to_parquet(os.path.join(OUT, "hf.parquet"))
    expected["hf.parquet"] = [item(str(i), rows[i]["image"]["bytes"], labels=[i % 3], cls=["ant", "big cat", "dog"][i % 3]) for i in range(3)]


if __name__ == "__main__":
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    shards(), benchmarks(), parquet()
    with open(os.path.join(OUT, "expected.json"), "w") as f:
        json.dump(expected, f, ensure_ascii=False, indent=0)
