"""Data sets in CLIP_benchmark's layout and the figures that CLIP_benchmark itself finds on them with the tiny CLIP of model/clip."""

import io
import json
import logging
import os
import pathlib
import tarfile
import types

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import torch
import webdataset
from clip_benchmark.metrics import zeroshot_classification, zeroshot_retrieval
from PIL import Image, ImageDraw
from transformers import AutoTokenizer, CLIPModel
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "study/testdata/benchmark"
MODEL = ROOT / "model/clip/testdata/transformers"
COLOURS = {"red": (220, 40, 30), "green": (30, 160, 60), "blue": (40, 70, 210), "yellow": (235, 210, 50)}
SHAPES = ["circle", "square", "triangle"]


def picture(rng, colour, shape):
    w, h = rng.integers(24, 44, 2)
    img = Image.new("RGB", (int(w), int(h)), tuple(int(x) for x in rng.integers(150, 255, 3)))
    draw = ImageDraw.Draw(img)
    r = int(min(w, h) * rng.uniform(0.25, 0.42))
    x, y = int(rng.integers(r, w - r)), int(rng.integers(r, h - r))
    box = [x - r, y - r, x + r, y + r]
    if shape == "circle":
        draw.ellipse(box, COLOURS[colour])
    elif shape == "square":
        draw.rectangle(box, COLOURS[colour])
    else:
        draw.polygon([x, y - r, x - r, y + r, x + r, y + r], COLOURS[colour])
    buffer = io.BytesIO()
    img.save(buffer, "png")
    return buffer.getvalue()


def write(name, members, shards, files):
    """members is a list of {extension: bytes}, spread over the shards in turn."""
    folder = OUT / name / "test"
    folder.mkdir(parents=True, exist_ok=True)
    per = -(-len(members) // shards)
    for shard in range(shards):
        with tarfile.open(folder / f"{shard}.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
            for i, member in enumerate(members[shard * per:(shard + 1) * per]):
                for ext, data in member.items():
                    info = tarfile.TarInfo(f"s{shard * per + i:07d}.{ext}")
                    info.size = len(data)
                    tar.addfile(info, io.BytesIO(data))
    (folder / "nshards.txt").write_text(f"{shards}\n")
    for file, lines in files.items():
        (OUT / name / file).write_text("\n".join(lines) + "\n")


class Reference:
    def __init__(self):
        self.model = CLIPModel.from_pretrained(MODEL).eval()
        self.tok = AutoTokenizer.from_pretrained(MODEL)
        self.processor = CLIPImageProcessorPil.from_pretrained(MODEL)

    def encode_image(self, x):
        return self.model.get_image_features(pixel_values=x).pooler_output

    def encode_text(self, ids):
        return self.model.get_text_features(**ids).pooler_output

    def tokenizer(self, texts):
        return self.tok(list(texts), padding=True, truncation=True, return_tensors="pt")

    def transform(self, img):
        return self.processor(img.convert("RGB"), return_tensors="pt")["pixel_values"][0]

    def loader(self, name, answer, collate):
        """The items as CLIP_benchmark's builder reads them; the builder itself wants torchvision."""
        shards = int((OUT / name / "test/nshards.txt").read_text())
        urls = [str(OUT / name / f"test/{i}.tar") for i in range(shards)]
        data = webdataset.WebDataset(urls, shardshuffle=False, nodesplitter=lambda src: src)
        data = data.decode(webdataset.autodecode.ImageHandler("pil", extensions=["png"])).to_tuple("png", answer)
        items = [(self.transform(img), y.splitlines() if isinstance(y, str) else y) for img, y in data]
        for first in range(0, len(items), 7):
            yield collate(items[first:first + 7])


class Batches(list):
    """What CLIP_benchmark asks of a DataLoader."""

    def __init__(self, batches, classes):
        super().__init__(batches)
        self.dataset = types.SimpleNamespace(classes=classes)


class Tokens(dict):
    def to(self, _):
        return self


def accuracy(output, target, topk=(1,)):
    """CLIP_benchmark's own, whose last line this numpy does not take."""
    best = output.topk(max(topk), 1).indices
    return [(best[:, :k] == target[:, None]).any(1).float().mean().item() for k in topk]


def main():
    zeroshot_classification.accuracy = accuracy
    logging.disable(logging.CRITICAL)
    rng = np.random.default_rng(11)
    kinds = [(c, s) for c in COLOURS for s in SHAPES]
    names = [f"{c} {s}" for c, s in kinds]
    templates = ["a photo of a {c}.", "a drawing of one {c}", "{c}"]
    labels = rng.permutation(np.repeat(np.arange(len(kinds)), 3))
    images = [picture(rng, *kinds[k]) for k in labels]
    write("classes", [{"png": img, "cls": str(k).encode()} for img, k in zip(images, labels)], 2,
          {"classnames.txt": names, "zeroshot_classification_templates.txt": templates, "dataset_type.txt": ["classification"]})

    words = list(COLOURS) + SHAPES
    both = []
    for img, k in zip(images[:24], labels):
        hot = np.array([w in kinds[k] for w in words], dtype=np.int64)
        buffer = io.BytesIO()
        np.save(buffer, hot)
        both.append({"png": img, "npy": buffer.getvalue()})
    write("parts", both, 1, {"classnames.txt": words, "zeroshot_classification_templates.txt": templates[:1], "dataset_type.txt": ["multilabel"]})

    captions = [[f"a {names[k]} number {i}", f"picture {i} shows one {names[k]}"][: 1 + i % 2] + [f"{i} {kinds[k][1]}"] for i, k in enumerate(labels[:30])]
    write("captions", [{"png": img, "txt": "\n".join(t).encode()} for img, t in zip(images, captions)], 3, {"dataset_type.txt": ["retrieval"]})

    ref = Reference()
    tokenizer = lambda texts: Tokens(ref.tokenizer(texts))
    stack = lambda items: (torch.stack([x for x, _ in items]), torch.tensor(np.array([y for _, y in items])))
    golden = {}
    for name, answer, cls, tpl in (("classes", "cls", names, templates), ("parts", "npy", words, templates[:1])):
        golden[name] = zeroshot_classification.evaluate(ref, Batches(ref.loader(name, answer, stack), cls), tokenizer, cls, tpl, "cpu", amp=False)
    lists = lambda items: (torch.stack([x for x, _ in items]), [y for _, y in items])
    golden["captions"] = zeroshot_retrieval.evaluate(ref, list(ref.loader("captions", "txt", lists)), tokenizer, "cpu", amp=False, recall_k_list=[1, 5, 10])
    clean = {k: {m: float(v) for m, v in figures.items() if v == v} for k, figures in golden.items()}
    (OUT / "golden.json").write_text(json.dumps(clean, indent=1) + "\n")
    print(clean)


if __name__ == "__main__":
    main()
