"""Makes a tiny random SigLIP 2 NaFlex under model/siglip/testdata/naflex, in the layout of transformers, with every stage's output for
pictures of several shapes in one batch. The tokenizer's files are as those of the published models: Gemma's, which transformers turns into
its Siglip2Tokenizer."""
import json
import os
import shutil

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from tokenizers import pre_tokenizers, processors
from transformers import AutoImageProcessor, AutoTokenizer, Siglip2Config, Siglip2Model, Siglip2Processor

from gemma_bpe import gemma_bpe
from token_strings import strings

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
OUT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../model/siglip/testdata/naflex"))
TEXTS = ["a photo of two cats", "", "A Photo of TWO  Cats in \u0130stanbul: \u00c9T\u00c9, \u03a3\u03a3 <EOS> <eos> \u65e5\u672c!", "A sunset over the Mountains, " * 20]
SHAPES = [(23, 61), (90, 31), (2, 3), (700, 420), (160, 4)]  # portrait, landscape, tiny, huge, a strip
PATCH, GRID, MOST = 4, 5, 38


def picture(w, h, seed):
    y, x = np.mgrid[0:h, 0:w].astype(np.float64)
    r = np.random.default_rng(seed)
    planes = [127 + 120 * np.sin(x * (2 + 9 * r.random()) / w + y * (2 + 9 * r.random()) / h + c) for c in range(3)]
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8) // 16 * 16  # in steps: its file stays small


def write(name, data):
    with open(os.path.join(OUT, name), "w") as f:
        json.dump(data, f, indent=1)


shutil.rmtree(OUT, ignore_errors=True)
os.makedirs(OUT)
t = gemma_bpe([s.lower() for s in TEXTS[:3]], 300, ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>"))
t.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
t.post_processor = processors.TemplateProcessing(single="$A <eos>", special_tokens=[("<eos>", 1)])
t.save(os.path.join(OUT, "tokenizer.json"))
write("tokenizer_config.json", {"add_bos_token": False, "add_eos_token": True, "bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>", "unk_token": "<unk>",
                                "model_input_names": ["input_ids"], "padding_side": "right", "tokenizer_class": "GemmaTokenizer"})
write("preprocessor_config.json", {"do_convert_rgb": None, "do_normalize": True, "do_rescale": True, "do_resize": True, "image_mean": [0.5] * 3, "image_std": [0.5] * 3,
                                   "image_processor_type": "Siglip2ImageProcessor", "max_num_patches": MOST, "patch_size": PATCH, "resample": 2, "rescale_factor": 1 / 255})
config = Siglip2Config(
    text_config=dict(vocab_size=t.get_vocab_size(), hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=3),
    vision_config=dict(hidden_size=24, intermediate_size=36, num_hidden_layers=2, num_attention_heads=2, patch_size=PATCH, num_patches=GRID * GRID))
torch.manual_seed(5)
m = Siglip2Model(config).eval()
for n, p in m.named_parameters():
    p.data = torch.randn(p.shape) * (0.8 if "position" in n else 0.2) + (1.0 if "norm" in n and n.endswith("weight") else 0.0)
m.logit_scale.data.fill_(1.5)
m.logit_bias.data.fill_(-2.5)
m.config.architectures = ["Siglip2Model"]
m.config.save_pretrained(OUT)
save_file({k: v.contiguous() for k, v in m.state_dict().items()}, os.path.join(OUT, "model.safetensors"))

proc = Siglip2Processor(AutoImageProcessor.from_pretrained(OUT, backend="pil"), AutoTokenizer.from_pretrained(OUT))
assert type(proc.tokenizer).__name__ == "Siglip2Tokenizer", type(proc.tokenizer)
images = []
for i, (w, h) in enumerate(SHAPES):
    images.append(Image.fromarray(picture(w, h, i)))
    images[-1].save(os.path.join(OUT, f"picture{i}.png"), optimize=True)
# Without these the processor takes 256 patches of 16 pixels, whatever preprocessor_config.json says.
inputs = proc(text=TEXTS, images=images, return_tensors="pt", max_num_patches=MOST, patch_size=PATCH)
assert set(inputs) == {"input_ids", "pixel_values", "pixel_attention_mask", "spatial_shapes"}, set(inputs)
with torch.no_grad():
    out = m(**inputs, output_hidden_states=True)
golden = {"ids": inputs["input_ids"].int(), "shapes": inputs["spatial_shapes"].int(), "text.pooled": out.text_model_output.pooler_output,
          "vision.pooled": out.vision_model_output.pooler_output, "logits_per_image": out.logits_per_image, "probs": torch.sigmoid(out.logits_per_image)}
torture = [proc.tokenizer(x).input_ids for x in strings()]
golden["torture.ids"] = torch.tensor([i for row in torture for i in row], dtype=torch.int16)
golden["torture.lengths"] = torch.tensor([len(row) for row in torture], dtype=torch.int32)
for i, (rows, cols) in enumerate(inputs["spatial_shapes"].tolist()):
    n = rows * cols
    assert inputs["pixel_attention_mask"][i].sum() == n
    squares = inputs["pixel_values"][i, :n].reshape(rows, cols, PATCH, PATCH, 3)
    whole = ((squares.double() * 0.5 + 0.5) * 255).round()
    assert (whole / 127.5 - 1 - squares).abs().max() < 1e-6
    golden[f"pixels.{i}"] = whole.permute(4, 0, 2, 1, 3).reshape(3, rows * PATCH, cols * PATCH).to(torch.uint8)
    for k, h in enumerate(out.vision_model_output.hidden_states):
        golden[f"vision.{i}.layer{k}"] = h[i, :n]
    golden[f"vision.{i}.last"] = out.vision_model_output.last_hidden_state[i, :n]
    print((rows, cols))
save_file({k: v.contiguous() for k, v in golden.items()}, os.path.join(OUT, "golden.safetensors"))
