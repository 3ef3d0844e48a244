"""Makes tiny random CLAP models under model/clap/testdata, in the layout of transformers, with samples of every stage's output for
sounds that are each alone in their batch. Where the reference takes stretches of a long sound at random, these are the first of the first
third of places, the middle of the second, the last of the last; without fusion the first ten seconds."""
import json
import os
import shutil

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import ClapConfig, ClapFeatureExtractor, ClapModel

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
OUT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../model/clap/testdata"))
TEXTS = ["a dog barks", "", "It's raining on a tin roof while a distant train whistles; somebody hums: naïve!"]
SOUNDS = [(62400, 3), (480000, 1), (700001, 2)]  # samples and pitch


def sound(samples, pitch):
    """In steps of 1/512, so that every language makes the same numbers."""
    i = np.arange(samples, dtype=np.int64)
    return ((((i * i) >> 11) * pitch + 31 * i) % 1009 - 504).astype(np.float32) / np.float32(512)


def choose(places):
    """In place of np.random.choice, which the extractor calls once for each third."""
    choose.calls += 1
    return [places[0], places[len(places) // 2], places[-1]][choose.calls % 3]


np.random.choice = choose
np.random.randint = lambda low, high: low


def tokenizer():
    t = Tokenizer(models.BPE())
    t.pre_tokenizer, t.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    t.train_from_iterator(TEXTS, trainers.BpeTrainer(vocab_size=290, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    t.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    return t


def sample(x):
    """About 1000 values, evenly spread, with how far apart they are."""
    x = x.detach().float().flatten()
    step = max(1, x.numel() // 1000) | 1
    return {"": x[::step].contiguous(), ".step": torch.tensor([step], dtype=torch.int32)}


def make(name, dtype, low, nested, audio):
    folder = os.path.join(OUT, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    t = tokenizer()
    t.save(os.path.join(folder, "tokenizer.json"))
    length = 24
    config = ClapConfig(
        text_config=dict(vocab_size=t.get_vocab_size(), hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=40,
                         max_position_embeddings=length + 2),
        audio_config=audio, projection_dim=20)
    torch.manual_seed(5)
    m = ClapModel(config).eval()
    for n, p in m.named_parameters():
        size = 1.0 if "bias_table" in n else 1.2 / (p[0].numel() ** 0.5) if p.dim() > 1 else 0.2
        p.data = torch.randn(p.shape) * size + (1.0 if "norm" in n.lower() and n.endswith("weight") else 0.0)
    for n, b in m.named_buffers():
        if n.endswith("running_mean"):
            b.copy_(torch.randn(b.shape) * 0.3 - (20 if "encoder.batch_norm" in n else 0))
        elif n.endswith("running_var"):
            b.copy_(torch.rand(b.shape) + 0.5 + (200 if "encoder.batch_norm" in n else 0))
    m.logit_scale_a.data.fill_(2.2)
    m.logit_scale_t.data.fill_(1.9)
    m = m.to(dtype).float()  # the values that the file holds
    m.config.architectures = ["ClapModel"]
    m.config.save_pretrained(folder)
    state = {k: (v.to(dtype) if v.is_floating_point() else v).contiguous() for k, v in m.state_dict().items()}
    if not nested:  # buffers that old files have and that are as large as the weights here
        state = {k: v for k, v in state.items() if not k.endswith("relative_position_index")}
    save_file(state, os.path.join(folder, "model.safetensors"))
    fusion = audio.get("enable_fusion", False)
    extract = ClapFeatureExtractor(truncation="fusion" if fusion else "rand_trunc", frequency_min=low)
    kept = extract.to_dict()
    file, data = ("processor_config.json", {"feature_extractor": kept, "processor_class": "ClapProcessor"}) if nested else ("preprocessor_config.json", kept)
    with open(os.path.join(folder, file), "w") as f:
        json.dump(data, f, indent=1)

    golden, embeds = {}, []
    images = []
    reshape = m.audio_model.audio_encoder.reshape_mel2img
    m.audio_model.audio_encoder.reshape_mel2img = lambda x: images.append(reshape(x)) or images[-1]
    patches = []
    m.audio_model.audio_encoder.patch_embed.register_forward_hook(lambda _, inputs, out: patches.append(out))
    with torch.no_grad():
        for i, (samples, pitch) in enumerate(SOUNDS):
            choose.calls = -1
            inputs = extract(sound(samples, pitch), sampling_rate=48000, return_tensors="pt")
            assert inputs["is_longer"].item() == (fusion or samples > 480000)
            out = m.audio_model(**inputs, output_hidden_states=True)
            stages = {"features": inputs["input_features"], "image": images[-1], "patches": patches[-1]}
            for j, h in enumerate(out.hidden_states[1:]):
                stages[f"stage{j}"] = h.flatten(2).transpose(1, 2)  # [1, T, C]
            stages["pooled"] = out.pooler_output
            stages["vector"] = m.audio_projection(out.pooler_output)
            embeds.append(stages["vector"])
            for stage, x in stages.items():
                golden |= {f"{i}.{stage}{k}": v for k, v in sample(x).items()}
        words = []
        for i, text in enumerate(TEXTS):
            ids = t.encode(text).ids
            if len(ids) > length:
                ids = ids[: length - 1] + ids[-1:]
            out = m.text_model(input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long))
            words.append(m.text_projection(out.pooler_output))
            golden |= {f"text{i}.ids": torch.tensor(ids, dtype=torch.int32), f"text{i}.pooled": out.pooler_output[0], f"text{i}.vector": words[-1][0]}
    a, w = (torch.nn.functional.normalize(torch.cat(x), dim=-1) for x in (embeds, words))
    with torch.no_grad():
        golden |= {"logits_per_audio": m.logit_scale_a.exp() * a @ w.T, "logits_per_text": m.logit_scale_t.exp() * w @ a.T}
    save_file({k: v.contiguous() for k, v in golden.items()}, os.path.join(folder, "golden.safetensors"))
    print(name, {k: round(float(v.abs().max()), 3) for k, v in golden.items() if "step" not in k and "ids" not in k})


make("unfused", torch.bfloat16, 50, False, dict(
    spec_size=256, patch_size=8, patch_stride=[8, 8], patch_embeds_hidden_size=16, depths=[2, 3, 1], num_attention_heads=[2, 4, 4], hidden_size=64,
    mlp_ratio=2.5))
# Its second stage, 20 x 20 tokens, does not consist of whole windows.
make("fused", torch.float16, 0, True, dict(
    spec_size=320, patch_size=8, patch_stride=8, patch_embeds_hidden_size=18, depths=[1, 2], num_attention_heads=[3, 2], hidden_size=36, mlp_ratio=2.0,
    enable_fusion=True, qkv_bias=False))
