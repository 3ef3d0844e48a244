"""Makes a tiny random sound tower of mini under model/mini/testdata, and what its parts give: log-mel by transformers' Whisper front end,
blocks by transformers' CLIP encoder, the rest in plain numpy."""
import os

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import CLIPTextConfig, WhisperFeatureExtractor
from transformers.models.clip.modeling_clip import CLIPEncoder

torch.set_num_threads(1)
OUT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../model/mini/testdata"))
WIDTH, LAYERS, HEADS, HIDDEN, KEY, WORDS, BANDS = 12, 2, 3, 20, 10, 40, 64


def frames_of(sound):
    """Levels relative to the loudest, from 2 frames before the first that is within 4 orders of magnitude of it to 2 after the last."""
    extractor = WhisperFeatureExtractor(feature_size=BANDS)
    mel = extractor(sound, sampling_rate=16000, truncation=False, padding="longest", return_tensors="np").input_features[0].T.astype(np.float64)
    level = 4 * (mel - mel.max())
    loud = np.flatnonzero(level.max(axis=1) >= -4)
    return np.maximum(level[max(loud[0] - 2, 0):loud[-1] + 3], -6)


def patches_of(frames):
    mean = frames.mean(axis=0)
    count = (len(frames) + 3) // 4
    padded = np.full((4 * count + 8, BANDS), -6.0)
    padded[2:2 + len(frames)] = frames
    wide = np.pad(padded - mean, ((0, 0), (2, 2)), mode="edge")
    smooth = sum(w * wide[:, i:i + BANDS] for i, w in enumerate([1, 2, 3, 2, 1])) / 9 / 1.5
    return np.stack([np.concatenate([smooth[4 * i:4 * i + 8].ravel(), mean / 1.5 + 2]) for i in range(count)])


rng = np.random.default_rng(5)
sounds = []
for n, f in [(9000, 0.05), (5300, 0.21)]:
    t = np.arange(n)
    x = 0.4 * np.sin(f * t + 3 * np.sin(t / 900)) * np.exp(-t / 3000) + 0.003 * rng.standard_normal(n)
    sounds.append(np.concatenate([np.zeros(1600), x, np.zeros(800)]).astype(np.float32))

torch.manual_seed(3)
config = CLIPTextConfig(hidden_size=WIDTH, intermediate_size=HIDDEN, num_hidden_layers=LAYERS, num_attention_heads=HEADS, hidden_act="gelu_pytorch_tanh", layer_norm_eps=1e-5)
encoder = CLIPEncoder(config).eval()
weights = {
    "ear.patch.weight": torch.randn(WIDTH, 9 * BANDS) * 0.05, "ear.patch.bias": torch.randn(WIDTH) * 0.1, "ear.position": torch.randn(100, WIDTH) * 0.1,
    "ear.norm.weight": 1 + torch.randn(WIDTH) * 0.1, "ear.norm.bias": torch.randn(WIDTH) * 0.1,
    "ear.key.weight": torch.randn(KEY, WIDTH) * 0.3, "ear.key.bias": torch.randn(KEY) * 0.1, "lexicon.keys.weight": torch.randn(WORDS, KEY) * 2,
}
for name, p in encoder.named_parameters():
    p.data = torch.randn(p.shape) * 0.2 + (1.0 if "norm" in name and name.endswith("weight") else 0.0)
    weights["ear." + name.replace("layers.", "blocks.")] = p.data
meanings = torch.nn.functional.normalize(torch.randn(WORDS, 7), dim=1)
golden = {"meanings": meanings}
for i, sound in enumerate(sounds):
    frames = frames_of(sound)
    with torch.no_grad():
        x = torch.tensor(patches_of(frames), dtype=torch.float32)
        x = x @ weights["ear.patch.weight"].T + weights["ear.patch.bias"]
        x = x + weights["ear.position"][:len(x)]
        x = encoder(inputs_embeds=x[None]).last_hidden_state[0]
        x = torch.nn.functional.layer_norm(x, (WIDTH,), weights["ear.norm.weight"], weights["ear.norm.bias"], 1e-5)
        key = torch.nn.functional.normalize(x.mean(0) @ weights["ear.key.weight"].T + weights["ear.key.bias"], dim=0)
        likely = torch.softmax(key @ weights["lexicon.keys.weight"].T, dim=0)
        best = likely.topk(32)
        vector = (best.values[:, None] * meanings[best.indices]).sum(0)
        vector[-1] = 0  # sounds have no doubt
        vector = torch.nn.functional.normalize(vector, dim=0)
    golden |= {f"sound.{i}": torch.tensor(sound), f"frames.{i}": torch.tensor(frames, dtype=torch.float32), f"patches.{i}": x, f"key.{i}": key, f"vector.{i}": vector}
os.makedirs(OUT, exist_ok=True)
save_file({k: v.contiguous() for k, v in weights.items()}, os.path.join(OUT, "sound.safetensors"))
save_file({k: v.contiguous() for k, v in golden.items()}, os.path.join(OUT, "sound_golden.safetensors"))
