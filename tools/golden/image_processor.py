"""Writes media/image/testdata/processor.json: what transformers' Pillow processors and open_clip's transform make of
pictures by formula, over many configurations; and what the processor makes of raw pictures with alpha (From).

For each case: the configuration's JSON, the picture's size and style, the result's shape, 10 of its values and the sum of
each channel. Values are float32 in the shortest form that reads back the same.
"""
import base64
import json
import os
import tempfile
import warnings

import numpy as np
from open_clip.transform import PreprocessCfg, image_transform_v2, merge_preprocess_dict
from PIL import Image
from transformers import AutoImageProcessor
from transformers.image_transforms import convert_to_rgb

from image_pixels import pixels

warnings.simplefilter("ignore")
OUT = os.path.join(os.path.dirname(__file__), "../../media/image/testdata/processor.json")

CLIP = {"image_processor_type": "CLIPImageProcessor"}
MEAN, STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
HF = [
    {"crop_size": 224, "do_center_crop": True, "do_normalize": True, "do_resize": True, "feature_extractor_type": "CLIPFeatureExtractor",
     "image_mean": MEAN, "image_std": STD, "resample": 3, "size": 224},
    {"image_processor_type": "CLIPImageProcessorFast", "size": {"shortest_edge": 224}, "crop_size": {"height": 224, "width": 224}},
    CLIP,
    {**CLIP, "size": {"shortest_edge": 32}, "crop_size": 32, "resample": 2},
    {**CLIP, "size": {"shortest_edge": 32}, "crop_size": {"height": 40, "width": 24}, "resample": 1},
    {**CLIP, "size": {"shortest_edge": 33}, "crop_size": {"height": 32, "width": 47}, "resample": 0},
    {**CLIP, "size": {"shortest_edge": 31}, "crop_size": [20, 26], "resample": 4},
    {**CLIP, "size": {"height": 30, "width": 44}, "crop_size": 25, "resample": 5},
    {**CLIP, "size": [30, 44], "do_center_crop": False},
    {**CLIP, "size": {"height": 30, "width": 30}, "do_center_crop": False, "do_normalize": False},
    {**CLIP, "size": 32, "do_center_crop": False, "default_to_square": True},
    {**CLIP, "size": 32, "crop_size": 32, "do_rescale": False},
    {**CLIP, "size": 32, "crop_size": 32, "do_rescale": False, "do_normalize": False},
    {**CLIP, "size": 32, "crop_size": 32, "rescale_factor": 0.00784313725490196, "image_mean": [1, 1, 1], "image_std": [1, 1, 1]},
    {**CLIP, "size": 32, "crop_size": 32, "image_mean": 0.5, "image_std": 0.25},
    {**CLIP, "do_resize": False, "crop_size": 50},
    {**CLIP, "do_resize": False, "do_center_crop": False},
    {**CLIP, "size": {"shortest_edge": 40, "longest_edge": 50}, "crop_size": 40},
    {**CLIP, "size": {"shortest_edge": 40, "longest_edge": 50}, "do_center_crop": False},
    {**CLIP, "size": {"max_height": 40, "max_width": 30}, "do_center_crop": False},
    {**CLIP, "size": 40, "do_center_crop": None, "crop_size": None, "do_convert_rgb": None},
    {**CLIP, "do_resize": None, "size": None, "resample": None, "crop_size": 40},
    {**CLIP, "size": 40, "crop_size": 40, "do_rescale": None, "rescale_factor": None, "do_normalize": None, "image_mean": None},
    {**CLIP, "size": 40, "crop_size": 44, "default_to_square": None},
    {"image_processor_type": "ViTImageProcessor"},
    {"feature_extractor_type": "ViTFeatureExtractor", "size": 48, "resample": 2, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]},
    {"image_processor_type": "SiglipImageProcessor", "size": {"height": 56, "width": 56}, "resample": 3, "do_convert_rgb": None},
    {"image_processor_type": "SiglipImageProcessor"},
    {"image_processor_type": "ChineseCLIPImageProcessor", "size": {"height": 48, "width": 48}, "do_center_crop": False},
    {"feature_extractor_type": "ChineseCLIPFeatureExtractor"},
    {"image_processor_type": "DeiTImageProcessor"},
    {"image_processor_type": "BlipImageProcessor"},
    {"image_processor_type": "BitImageProcessor", "size": {"shortest_edge": 64}, "crop_size": {"height": 64, "width": 64}},
    {"image_processor_type": "Siglip2ImageProcessor", "do_convert_rgb": None, "max_num_patches": 256, "patch_size": 16, "resample": 2},
    {"image_processor_type": "Siglip2ImageProcessorFast", "max_num_patches": 50, "patch_size": 7, "resample": 3},
    {"image_processor_type": "Siglip2ImageProcessor"},
]
OPEN = [
    ({}, 64), ({"resize_mode": "squash", "interpolation": "bicubic", "mean": [0.5] * 3, "std": [0.5] * 3}, 64),
    ({"resize_mode": "squash", "interpolation": "bilinear"}, [40, 56]), ({"resize_mode": "longest", "fill_color": 127}, 64),
    ({"resize_mode": "longest", "interpolation": "bilinear"}, [40, 57]), ({"resize_mode": "shortest", "interpolation": "bilinear"}, 33),
    ({"resize_mode": "shortest", "interpolation": "bilinear"}, [40, 57]), ({"resize_mode": "shortest"}, [57, 40]),
    ({"size": [48, 48], "mode": "RGB", "mean": 0.5, "std": 0.5}, None), ({"size": 31}, None),
]
SIZES = [(64, 48), (48, 64), (50, 50), (37, 90), (91, 33), (20, 15), (33, 32), (300, 70), (224, 224), (101, 67)]
EXTREME = [(1, 1), (5, 3), (2, 900), (1500, 30), (1000, 750)]  # for processors that obey a picture's shape


def describe(a):
    a = np.asarray(a, dtype=np.float32)
    assert a.ndim == 3 and a.shape[0] == 3
    flat = a.reshape(-1)
    where = (np.arange(10) * 2654435761 % flat.size).tolist()
    return {"h": a.shape[1], "w": a.shape[2], "at": where, "values": [float(str(v)) for v in flat[where]],
            "sums": [round(v, 3) for v in a.astype(np.float64).sum((1, 2)).tolist()]}


def hf(config, nested):
    with tempfile.TemporaryDirectory() as d:
        if nested:
            name, config = "processor_config.json", {"image_processor": config, "processor_class": "CLIPProcessor"}
        else:
            name = "preprocessor_config.json"
        with open(os.path.join(d, name), "w") as f:
            json.dump(config, f)
        return config, AutoImageProcessor.from_pretrained(d, backend="pil")


def unpatched(out, size):
    """The picture [3, H, W] whose patches a Siglip2ImageProcessor gives."""
    rows, cols = out["spatial_shapes"][0]
    squares = out["pixel_values"][0][: rows * cols].reshape(rows, cols, size, size, 3)
    return squares.transpose(4, 0, 2, 1, 3).reshape(3, rows * size, cols * size)


cases = []
for n, config in enumerate(HF):
    text, p = hf(config, nested=n % 3 == 2)
    patches = hasattr(p, "max_num_patches")
    for k, (w, h) in enumerate(SIZES + EXTREME if patches else SIZES):
        style = ("photo", "noise", "hard")[(n + k) % 3]
        im = Image.fromarray(pixels(w, h, 3, style))
        out = p(im, return_tensors="np")
        out = unpatched(out, p.patch_size) if patches else out["pixel_values"][0]
        cases.append({"config": text, "sw": w, "sh": h, "style": style, **describe(out)})
for n, (config, size) in enumerate(OPEN):
    merged = merge_preprocess_dict(PreprocessCfg(), config)
    if size is not None:
        merged["size"] = size
    t = image_transform_v2(PreprocessCfg(**merged), is_train=False)
    for k, (w, h) in enumerate(SIZES):
        style = ("photo", "noise", "hard")[(n + k) % 3]
        out = t(Image.fromarray(pixels(w, h, 3, style))).numpy()
        side = size if isinstance(size, list) else [size or 0, size or 0]
        cases.append({"openclip": config, "size": [side[1], side[0]], "sw": w, "sh": h, "style": style, **describe(out)})

# From: RGBA and gray with alpha as the processor composites them
alpha = []
for style in ("noise", "photo"):
    a = pixels(16, 16, 4, style)
    a[0, :, 3], a[1, :, 3] = 0, 255
    out = convert_to_rgb(Image.fromarray(a, "RGBA"), return_numpy=True)
    alpha.append({"style": style, "mode": "RGBA", "want": base64.b64encode(out.tobytes()).decode()})
with open(OUT, "w") as f:
    f.write('{"cases": [\n' + ",\n".join(json.dumps(c) for c in cases) + '\n], "alpha": [\n' + ",\n".join(json.dumps(c) for c in alpha) + "\n]}\n")
print(len(cases))
