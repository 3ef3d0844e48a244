"""Makes a tiny random EmbeddingGemma 2 under model/embeddinggemma/testdata, in the layout that transformers and sentence-transformers save
it in, with every stage's output; and which frames its video processor picks, under media/video/testdata. Needs transformers >= 5.24 with
torchvision (for its video processor) and Pillow."""
import json
import os
import shutil

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from tokenizers import AddedToken, processors
from transformers import (EmbeddingGemma2Config, EmbeddingGemma2Model, EmbeddingGemma2Processor, EmbeddingGemma2VideoProcessor,
                          Gemma4AudioFeatureExtractor, PreTrainedTokenizerFast)
from transformers.models.gemma4.image_processing_pil_gemma4 import Gemma4ImageProcessorPil
from transformers.video_utils import VideoMetadata

from gemma_bpe import gemma_bpe

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
OUT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../model/embeddinggemma/testdata"))
TEXTS = ["A cat sits on the mat.", "", "two dogs", "It's 3 o'clock:  naïve façades … 日本!",
         "a long sentence that goes on and on about cats and dogs and mats until nobody looks as far as its other end"]
PROMPTS = {"query": "task: search result | query: ", "document": "title: none | text: "}
MIXED = "Shoes <|image|> that sound like <|audio|> and <|image|> move so: <|video|>"
SPECIAL = dict(boi_token="<|image>", image_token="<|image|>", eoi_token="<image|>", boa_token="<|audio>", audio_token="<|audio|>", eoa_token="<audio|>")


def tokenizer():
    t = gemma_bpe(TEXTS[:3] + list(PROMPTS.values()), 330)
    t.add_special_tokens([AddedToken(s, normalized=False, special=True) for s in [*SPECIAL.values(), "<|video|>"]])
    t.post_processor = processors.TemplateProcessing(single="<bos> $A <eos>", special_tokens=[("<bos>", 2), ("<eos>", 1)])
    return t


def write(folder, name, data):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "w") as f:
        json.dump(data, f, indent=1)


def picture(w, h, seed):
    y, x = np.mgrid[0:h, 0:w].astype(np.float64)
    r = np.random.default_rng(seed)
    planes = [127 + 90 * np.sin(x / (3 + 9 * r.random()) + y / (4 + 5 * r.random()) + c) + 20 * r.standard_normal((h, w)) for c in range(3)]
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)


def bytes_of(pixels):
    """Pixel values are whole numbers over 255: kept so, they take a quarter."""
    whole = (pixels.double() * 255).round()
    assert (whole / 255 - pixels).abs().max() < 1e-7
    return whole.to(torch.uint8)


def randomise(m):
    for n, p in list(m.named_parameters()) + list(m.named_buffers()):
        if "norm" in n and n.endswith("weight"):
            p.data = 1 + 0.3 * torch.randn(p.shape)
        elif n.endswith("layer_scalar"):
            p.data = 0.7 + 0.2 * torch.rand(p.shape)
        elif n.endswith(("put_min", "put_max")):
            # Some bounds are out of reach, some bite.
            size = {"in": 2.0, "ou": 0.8}[n.split(".")[-1][:2]] * (1 + torch.rand(()))
            size = torch.tensor(float("inf")) if torch.rand(()) < 0.3 else size
            p.data = (-size if n.endswith("min") else size).reshape(p.shape)
        elif n.endswith("std_scale"):
            p.data = 0.5 + torch.rand(p.shape)
        elif n.endswith("embed_tokens.weight"):
            p.data = torch.randn(p.shape) * 0.4
        elif n in dict(m.named_parameters()) or n.endswith("std_bias"):
            p.data = torch.randn(p.shape) * (0.3 if p.dim() < 2 else 0.9 / p[0].numel() ** 0.5)


def caught(module, store, name, pick=lambda o: o[0] if isinstance(o, tuple) else o):
    return module.register_forward_hook(lambda _, __, out: store.__setitem__(name, pick(out).detach().clone()))


def mean(out, mask):
    h = out.last_hidden_state
    return (h * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)


shutil.rmtree(OUT, ignore_errors=True)
os.makedirs(OUT)
t = tokenizer()
fast = PreTrainedTokenizerFast(tokenizer_object=t, bos_token="<bos>", eos_token="<eos>", pad_token="<pad>", unk_token="<unk>", padding_side="right",
                               extra_special_tokens=SPECIAL)
proc = EmbeddingGemma2Processor(
    feature_extractor=Gemma4AudioFeatureExtractor(),
    image_processor=Gemma4ImageProcessorPil(patch_size=4, pooling_kernel_size=2, max_soft_tokens=70),
    tokenizer=fast, video_processor=EmbeddingGemma2VideoProcessor(patch_size=4, pooling_kernel_size=2, max_soft_tokens=70, max_frames=3))
ids = {k: t.token_to_id(v) for k, v in SPECIAL.items()}
config = EmbeddingGemma2Config(
    text_config=dict(vocab_size=t.get_vocab_size(), hidden_size=20, intermediate_size=36, num_hidden_layers=4, num_attention_heads=4,
                     num_key_value_heads=2, head_dim=6, sliding_window=5, sliding_window_pattern=2, global_head_dim=10,
                     num_global_key_value_heads=1, hidden_size_per_layer_input=12, embedding_dim=144),
    vision_config=dict(model_type="gemma4_vision", hidden_size=24, intermediate_size=28, num_hidden_layers=2, num_attention_heads=3,
                       num_key_value_heads=3, head_dim=12, patch_size=4, pooling_kernel_size=2, position_embedding_size=150, standardize=True,
                       use_clipped_linears=True),
    audio_config=dict(model_type="gemma4_audio", hidden_size=16, num_hidden_layers=2, num_attention_heads=2, subsampling_conv_channels=[128, 3],
                      output_proj_dims=18, conv_kernel_size=3, attention_chunk_size=7, attention_context_left=5, attention_context_right=2),
    boi_token_id=ids["boi_token"], eoi_token_id=ids["eoi_token"], image_token_id=ids["image_token"], boa_token_id=ids["boa_token"],
    eoa_token_index=ids["eoa_token"], audio_token_id=ids["audio_token"], video_token_id=t.token_to_id("<|video|>"))
config._attn_implementation = "eager"
torch.manual_seed(11)
m = EmbeddingGemma2Model(config).eval()
randomise(m)
m.bfloat16().save_pretrained(OUT)  # as the released files are
m = EmbeddingGemma2Model.from_pretrained(OUT, dtype=torch.float32, attn_implementation="eager").eval()
t.save(os.path.join(OUT, "tokenizer.json"))
proc.save_pretrained(OUT)
for name in os.listdir(OUT):
    if name not in ("config.json", "model.safetensors", "tokenizer.json", "processor_config.json"):
        os.remove(os.path.join(OUT, name))
st = "sentence_transformers."
write(OUT, "modules.json", [
    {"idx": 0, "name": "0", "path": "", "type": st + "base.modules.transformer.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": st + "sentence_transformer.modules.pooling.Pooling"},
    {"idx": 2, "name": "2", "path": "2_Normalize", "type": st + "base.modules.normalize.Normalize"}])
write(os.path.join(OUT, "1_Pooling"), "config.json", {"embedding_dimension": 144, "pooling_mode": "mean", "include_prompt": True})
write(OUT, "config_sentence_transformers.json", {"prompts": PROMPTS, "default_prompt_name": None, "similarity_fn_name": "cosine"})

golden = {}
with torch.no_grad():
    # Text, one by one.
    for i, text in enumerate(TEXTS + [PROMPTS["query"] + TEXTS[2]]):
        x = fast(text, return_tensors="pt")
        out = m.language_model(**{k: x[k] for k in ("input_ids", "attention_mask")}, output_hidden_states=True)
        golden[f"text.{i}.ids"] = x["input_ids"][0].int()
        if i in (0, 4):
            for j, h in enumerate(out.hidden_states):
                golden[f"text.{i}.layer{j}"] = h[0]
        golden[f"text.{i}.vector"] = mean(out, x["attention_mask"])[0]

    # Pictures, of two shapes at once.
    pictures = [picture(37, 23, 1), picture(16, 41, 2)]
    for i, p in enumerate(pictures):
        Image.fromarray(p).save(os.path.join(OUT, f"picture{i}.png"))
    x = proc(images=[[Image.fromarray(p)] for p in pictures], return_tensors="pt")
    seen = {}
    hooks = [caught(m.vision_tower.patch_embedder, seen, "embed"), caught(m.vision_tower.encoder.layers[0], seen, "layer0"),
             caught(m.vision_tower.encoder.layers[1], seen, "layer1")]
    features = m.get_image_features(x["pixel_values"], x["image_position_ids"], return_dict=True)
    for h in hooks:
        h.remove()
    out, counts = m(**x), []
    for i in range(2):
        n = int((x["image_position_ids"][i, :, 0] >= 0).sum())
        golden[f"image.{i}.pixels"] = bytes_of(x["pixel_values"][i, :n])
        for name, v in seen.items():
            golden[f"image.{i}.{name}"] = v[i, :n:7].clone()
        golden[f"image.{i}.tokens"] = features.pooler_output[i]
        golden[f"image.{i}.vector"] = mean(out, x["attention_mask"])[i]
    golden["image.sizes"] = torch.tensor([[w, h, *reversed(size_of)] for w, h in [(640, 480), (37, 23), (16, 41), (400, 2), (3, 500), (1, 1), (2000, 3000)]
                                          for size_of in [proc.image_processor.aspect_ratio_preserving_resize(np.zeros((3, h, w), np.uint8), 4, 280, 2, 3).shape[1:]]],
                                         dtype=torch.int32)

    # Sounds, of two lengths at once.
    r = np.random.default_rng(5)
    sounds = [(np.sin(np.arange(n) * f) * 8000 + 900 * r.standard_normal(n)).astype(np.int16) for n, f in [(9000, 0.21), (4321, 0.037)]]
    x = proc(audio=[s.astype(np.float32) / 32768 for s in sounds], return_tensors="pt")
    seen = {}
    hooks = [caught(m.audio_tower.subsample_conv_projection, seen, "subsampled"), caught(m.audio_tower.layers[0].feed_forward1, seen, "forward1"),
             caught(m.audio_tower.layers[0].self_attn, seen, "attention"), caught(m.audio_tower.layers[0].lconv1d, seen, "convolved"),
             caught(m.audio_tower.layers[0], seen, "layer0"), caught(m.audio_tower.layers[1], seen, "layer1")]
    features = m.get_audio_features(x["input_features"], x["input_features_mask"], return_dict=True)
    for h in hooks:
        h.remove()
    out = m(**x)
    for i, s in enumerate(sounds):
        valid = features.attention_mask[i]
        golden[f"sound.{i}"] = torch.from_numpy(s)
        for name, v in seen.items():
            golden[f"sound.{i}.{name}"] = v[i][valid]
        golden[f"sound.{i}.tokens"] = features.pooler_output[i][valid]
        golden[f"sound.{i}.vector"] = mean(out, x["attention_mask"])[i]

    # A video: every second frame of eight, of which three may stay.
    frames = np.stack([picture(30, 20, 10 + i) for i in range(8)])
    golden["video"] = torch.from_numpy(frames)
    metadata = VideoMetadata(total_num_frames=8, fps=2, duration=4.0, frames_indices=list(range(8)))
    for name, stamped in [("video", False), ("stamped", True)]:
        x = proc(videos=[frames.transpose(0, 3, 1, 2)], video_metadata=[metadata], add_timestamps=stamped, return_tensors="pt")
        out = m(**x)
        golden[f"{name}.ids"] = x["input_ids"][0].int()
        golden[f"{name}.vector"] = mean(out, x["attention_mask"])[0]
    n = int((x["video_position_ids"][0, :, 0] >= 0).sum())
    golden["video.pixels"] = bytes_of(x["pixel_values_videos"][:, :n])

    # All of it in one text.
    still = proc(text=[MIXED], images=[[Image.fromarray(p) for p in pictures]], audio=[sounds[1].astype(np.float32) / 32768],
                 videos=[frames.transpose(0, 3, 1, 2)], video_metadata=[metadata], return_tensors="pt")
    golden["mixed.ids"] = still["input_ids"][0].int()
    golden["mixed.vector"] = mean(m(**still), still["attention_mask"])[0]

cases = []
for total, fps, duration in [(8, 2.0, 4.0), (1, 30.0, 1 / 30), (300, 29.97, 10.01), (1200, 25.0, 48.0), (5000, 24.0, 208.3), (7, None, None), (60, None, None)]:
    sampler = EmbeddingGemma2VideoProcessor()
    got = sampler.sample_frames(VideoMetadata(total_num_frames=total, fps=fps, duration=duration), fps=1, max_frames=32, overflow_strategy="uniform")
    cases.append({"frames": total, "rate": fps or 0, "seconds": duration or 0, "picked": got.tolist()})
write(os.path.join(OUT, "../../../media/video/testdata"), "sampling.json", cases)
save_file({k: v.contiguous() for k, v in golden.items()}, os.path.join(OUT, "golden.safetensors"))
for root, _, files in os.walk(OUT):
    for f in sorted(files):
        print(os.path.getsize(os.path.join(root, f)), os.path.relpath(os.path.join(root, f), OUT))
