"""The models of the race: published shapes, random weights, made once for all peers and kept outside of the tree.

A tower is a module from pixels or token ids to embeddings. files() gives its form for a peer at a precision, and makes it first where the
cache lacks it; the cache is keyed by the versions of the packages that wrote it. Nothing here is timed.
"""
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version

import lite


@dataclass(frozen=True)
class Shape:
    ours: str      # what `chiasm bench --shape` calls it
    kind: str      # vision, siglip, text, sentence, clap, whisper or lite
    tokens: int
    layers: int
    width: int
    hidden: int
    space: int = 0  # dimension of the embedding, 0 where there is no projection
    patch: int = 0
    heads: int = 0  # 0: of 64


SHAPES = {
    "image-b32": Shape("clip-vit-base-patch32", "vision", 50, 12, 768, 3072, 512, patch=32),
    "image-l14": Shape("clip-vit-large-patch14", "vision", 257, 24, 1024, 4096, 768, patch=14),
    "siglip-b16": Shape("siglip-base-patch16", "siglip", 196, 12, 768, 3072, patch=16),
    "text-77": Shape("clip-text", "text", 77, 12, 512, 2048, 512),
    "text-10": Shape("clip-text", "text", 10, 12, 512, 2048, 512),
    "minilm-20": Shape("minilm-l6", "sentence", 20, 6, 384, 1536, heads=12),
    "clap-htsat": Shape("clap-htsat", "clap", 4096, 2, 96, 384, 512, patch=4),  # of the first stage
    "whisper-base": Shape("whisper-base-encoder", "whisper", 1500, 6, 512, 2048),
    "efficientnet-lite0": Shape("efficientnet-lite0", "lite", 0, 0, 0, 0),
}
LEARNERS = {"vit-ti16": dict(width=192, layers=12, heads=3, patch=16), "efficientnet-lite0": dict(width=lite.HEAD)}
CLAP_DEPTHS, CLAP_WINDOW = (2, 2, 6, 2), 64


def layer(s):
    """Weights of one layer."""
    return 4 * s.width * s.width + 2 * s.width * s.hidden


def flops(name):
    """Floating-point operations of one input through the whole tower as the peers run it: every token through every layer."""
    s = SHAPES[name]
    if s.kind == "lite":
        return 2 * lite.count()[1]
    if s.kind == "clap":  # each stage has a quarter of the tokens, twice as wide, and sees windows
        work = 2 * s.tokens * s.patch ** 2 * s.width + 2 * 8 * s.width * s.space + 2 * s.space ** 2
        for i, depth in enumerate(CLAP_DEPTHS):
            tokens, width = s.tokens >> 2 * i, s.width << i
            work += depth * tokens * (24 * width * width + 4 * CLAP_WINDOW * width) + (4 * tokens * width * width if i < 3 else 0)
        return work
    work = s.layers * (s.tokens * 2 * layer(s) + 4 * s.tokens * s.tokens * s.width)
    if s.kind == "whisper":
        work += 2 * 3 * (2 * s.tokens * 80 * s.width + s.tokens * s.width * s.width)
    if s.patch:
        work += 2 * (224 // s.patch) ** 2 * 3 * s.patch ** 2 * s.width
    if s.kind == "siglip":  # keys and values of all tokens, the rest of a layer for the one that asks
        work += 4 * s.tokens * s.width * s.width + 4 * s.tokens * s.width + 2 * layer(s) - 4 * s.width * s.width
    return work + 2 * s.width * s.space


def step_flops(name):
    """Floating-point operations of a step of training for one picture: products forward, and twice as many back, but none by the pixels."""
    s = LEARNERS[name]
    if "patch" not in s:
        return 3 * 2 * lite.count()[1] - 2 * 27 * lite.STEM * (lite.SIDE // 2) ** 2
    tokens, c = (224 // s["patch"]) ** 2 + 1, s["width"]
    layer = 24 * tokens * c * c + 4 * tokens * tokens * c
    return 3 * s["layers"] * layer + 2 * 2 * (tokens - 1) * 3 * s["patch"] ** 2 * c


def weights(name):
    """How many weights one run must read."""
    s = SHAPES[name]
    if s.kind == "lite":
        return lite.count()[0]
    if s.kind == "clap":
        stages = sum(depth * 12 * (s.width << i) ** 2 for i, depth in enumerate(CLAP_DEPTHS)) + sum(8 * (s.width << i) ** 2 for i in range(3))
        return stages + 8 * s.width * s.space + s.space ** 2
    first = {"whisper": 3 * (80 + s.width) * s.width, "siglip": layer(s)}.get(s.kind, 0)
    return s.layers * layer(s) + 3 * s.patch ** 2 * s.width + first + s.width * s.space


def module(name):
    """The tower as a torch module with one input and one output. Always the same weights."""
    import torch
    import transformers as hf
    s = SHAPES[name]
    torch.manual_seed(1)
    common = dict(hidden_size=s.width, intermediate_size=s.hidden, num_hidden_layers=s.layers, num_attention_heads=s.heads or s.width // 64)
    forward = None
    if s.kind == "text":
        model, field = hf.CLIPTextModelWithProjection(hf.CLIPTextConfig(eos_token_id=2, projection_dim=s.space, **common)), "text_embeds"
    elif s.kind == "siglip":
        model, field = hf.SiglipVisionModel(hf.SiglipVisionConfig(image_size=224, patch_size=s.patch, **common)), "pooler_output"
    elif s.kind == "vision":
        model, field = hf.CLIPVisionModelWithProjection(hf.CLIPVisionConfig(image_size=224, patch_size=s.patch, projection_dim=s.space, **common)), "image_embeds"
    elif s.kind == "sentence":
        model = hf.BertModel(hf.BertConfig(**common), add_pooling_layer=False)
        forward = lambda x: torch.nn.functional.normalize(model(x).last_hidden_state.mean(1))  # noqa: E731
    elif s.kind == "lite":
        model = lite.make()
        forward = model
    elif s.kind == "clap":
        model, field = hf.ClapAudioModelWithProjection(hf.ClapAudioConfig(projection_dim=s.space, enable_fusion=False)), "audio_embeds"
    else:
        model = hf.WhisperModel(hf.WhisperConfig(vocab_size=51865, num_mel_bins=80, d_model=s.width, encoder_layers=s.layers, decoder_layers=1, encoder_attention_heads=8,
                                                 decoder_attention_heads=8, encoder_ffn_dim=s.hidden, decoder_ffn_dim=8)).encoder
        field = "last_hidden_state"

    class Tower(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, x):
            return forward(x) if forward else self.model(x)[field]
    return Tower().eval()


def inputs(name, batch, seed=2):
    import numpy as np
    s, rng = SHAPES[name], np.random.default_rng(seed)
    if s.kind in ("vision", "siglip", "lite"):
        return rng.standard_normal((batch, 3, 224, 224), dtype=np.float32)
    if s.kind == "clap":
        return 20 * rng.standard_normal((batch, 1, 1001, 64), dtype=np.float32) - 40  # decibels
    if s.kind == "whisper":
        return rng.standard_normal((batch, 80, 2 * s.tokens), dtype=np.float32) / 2
    if s.kind == "sentence":
        return rng.integers(999, 30521, (batch, s.tokens), dtype=np.int64)
    ids = rng.integers(0, 49406, (batch, s.tokens), dtype=np.int64)
    ids[:, 0], ids[:, -1] = 49406, 49407
    return ids


def first(y):
    """What of a model's output is compared: of its first input, as many numbers as an embedding may have."""
    return y[0].reshape(-1)[:2048].tolist()


def products(name):
    """The sizes M, N, K that a case such as gemm-50x2304x768 names."""
    return tuple(int(x) for x in name.removeprefix("gemm-").split("x"))


def product(name):
    """One linear layer with a bias, as a module, always with the same weights."""
    import torch
    _, n, k = products(name)
    torch.manual_seed(1)
    return torch.nn.Linear(k, n).eval()


def example(name, batch, seed=2):
    """What to give the model of this name, of that many inputs."""
    if name.startswith("gemm-"):
        import numpy as np
        m, _, k = products(name)
        return np.random.default_rng(seed).standard_normal((m, k), dtype=np.float32)
    return inputs(name, batch, seed)


def model(name):
    return product(name) if name.startswith("gemm-") else module(name)


# --- the cache ---

def saturates():
    """Whether this processor adds two products of int8 in 16 bits, so that ONNX Runtime asks for weights of 7 bits there, or is inexact."""
    try:
        with open("/proc/cpuinfo") as f:
            text = f.read()
    except OSError:
        return False
    return "avx2" in text and "vnni" not in text


def place(name, batch, cache):
    versions = "-".join(version(p) for p in ("torch", "transformers", "onnx", "onnxruntime", "openvino", "nncf"))
    return os.path.join(cache, versions, f"{name}-{batch}")


def answer(name, batch, cache):
    """What torch gives for the first input in f32."""
    files("openvino", "f32", name, batch, cache)
    with open(os.path.join(place(name, batch, cache), "answer.json")) as f:
        return json.load(f)


def files(peer, precision, name, batch, cache):
    """The file that the peer reads at this precision, made by a process of its own if it is not there yet; None where it reads none."""
    if peer == "torch":
        return None
    folder = place(name, batch, cache)
    path = os.path.join(folder, {"onnxruntime": {"f32": "f32.onnx", "int8": "dynamic7.onnx" if saturates() else "dynamic.onnx"},
                                 "openvino": {"f32": "f32.onnx", "bf16": "f32.onnx", "w8": "w8.xml", "int8": "int8.xml"}}[peer][precision])
    for target in (os.path.join(folder, "f32.onnx"), path):
        if not os.path.exists(target):
            print(f"making {target}", file=sys.stderr)
            part = os.path.join(folder, "part")
            shutil.rmtree(part, ignore_errors=True)
            os.makedirs(part)
            command = [sys.executable, os.path.abspath(__file__), json.dumps([name, batch, os.path.join(folder, "f32.onnx"), os.path.join(part, os.path.basename(target))])]
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if done.returncode:
                raise SystemExit(f"{target} could not be made:\n{done.stdout[-3000:]}")
            for f in sorted(os.listdir(part)):  # in this order what names others comes after them
                os.replace(os.path.join(part, f), os.path.join(folder, f))
            os.rmdir(part)
    return path


def make(name, batch, source, target):
    """Writes target, and for all but f32.onnx reads source, which is f32.onnx."""
    kind = os.path.basename(target)
    if kind == "f32.onnx":
        import torch
        with torch.no_grad():
            m, x = model(name), torch.from_numpy(example(name, batch))
            with open(os.path.join(os.path.dirname(target), "answer.json"), "w") as f:
                json.dump(first(m(x)), f)
            torch.onnx.export(m, (x,), target, input_names=["x"], output_names=["y"], opset_version=18, dynamo=False)
    elif kind.startswith("dynamic"):
        from onnxruntime.quantization import QuantType, quantize_dynamic
        quantize_dynamic(source, target, op_types_to_quantize=["MatMul", "Gemm"], per_channel=True, reduce_range=kind == "dynamic7.onnx", weight_type=QuantType.QInt8)
    else:
        import nncf
        import openvino as ov
        m = ov.Core().read_model(source)
        if kind == "w8.xml":
            m = nncf.compress_weights(m)
        else:
            data = nncf.Dataset([{"x": example(name, batch, seed)} for seed in range(3, 7)])
            kind = {} if SHAPES.get(name) and SHAPES[name].kind == "lite" else {"model_type": nncf.ModelType.TRANSFORMER}
            m = nncf.quantize(m, data, **kind, preset=nncf.QuantizationPreset.MIXED, subset_size=4, fast_bias_correction=True)
        ov.save_model(m, target, compress_to_fp16=False)


if __name__ == "__main__":
    make(*json.loads(sys.argv[1]))
