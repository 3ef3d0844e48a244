"""Tiny random CLIP models in the layouts that transformers writes and has written."""
import copy
import json
import os

import torch
from transformers import AddedToken, CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor, logging
from transformers.image_utils import load_image
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

import clip_common as c

logging.set_verbosity_error()
logging.disable_progress_bar()


def stages(model, ids, pixels):
    s = c.Stages()
    text, vision = model.text_model, model.vision_model
    s.gives("text.embed", text.embeddings)
    for i, layer in enumerate(text.encoder.layers):
        s.gives(f"text.block.{i}", layer)
    s.gives("text.final_norm", text.final_layer_norm)
    s.gives("vision.patches", vision.embeddings.patch_embedding)
    s.gives("vision.embed", vision.embeddings)
    s.gives("vision.pre_norm", vision.pre_layrnorm)
    for i, layer in enumerate(vision.encoder.layers):
        s.gives(f"vision.block.{i}", layer)
    s.gives("vision.pooled", vision.post_layernorm)
    s.gives("text.projected", model.text_projection)
    s.gets("text.pooled", model.text_projection)
    s.gives("vision.projected", model.visual_projection)
    with torch.no_grad():
        out = model(input_ids=ids, pixel_values=pixels)
    v = s.done()
    v["vision.patches"] = v["vision.patches"].flatten(2).transpose(1, 2)
    v["text.normalized"], v["vision.normalized"] = out.text_embeds, out.image_embeds
    v["logits_per_image"], v["probs"] = out.logits_per_image, out.logits_per_image.softmax(dim=1)
    v["logit_scale"] = model.logit_scale.exp()
    return v


def example(model, processor, pil, texts, names, folder):
    """The classic ten lines, pictures read by load_image, prepared by the Pillow back end."""
    images = [load_image(os.path.join(c.PICTURES, n)) for n in names]
    text = processor.tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
    pixels = pil(images=images, return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        out = model(**text, pixel_values=pixels)
    raw = [processor.tokenizer(t).input_ids for t in texts]
    limit = model.config.text_config.max_position_embeddings
    c.write_cases(folder, {
        "texts": texts, "images": names, "ids": raw, "truncated": [len(r) > limit for r in raw],
        "tokens": [processor.tokenizer.convert_ids_to_tokens(r) for r in raw],
    })
    return {
        "e2e.input_ids": text["input_ids"], "e2e.attention_mask": text["attention_mask"], "e2e.pixel_values": pixels,
        "e2e.text_embeds": out.text_embeds, "e2e.image_embeds": out.image_embeds,
        "e2e.logits_per_image": out.logits_per_image, "e2e.probs": out.logits_per_image.softmax(dim=1),
    }


def build(seed, scale, text, vision, projection):
    # initialisation is ours, so that every bias and gain matters
    config = CLIPConfig(text_config=text, vision_config=vision, projection_dim=projection)
    model = CLIPModel(config).eval()
    c.randomise(model, seed, scale)
    return model


def finish(name, folder, pil, texts, names, ids, seed):
    """Loads what was saved, as a user would, and writes its answers."""
    model = CLIPModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    processor = CLIPProcessor.from_pretrained(folder)
    v = model.config.vision_config
    pixels = torch.randn((2, 3, v.image_size, v.image_size), generator=torch.Generator().manual_seed(seed + 1))
    golden = stages(model, ids, pixels)
    c.report(name, c.deviation(golden, stages(copy.deepcopy(model).double(), ids, pixels.double())))
    golden.update(example(model, processor, pil, texts, names, folder))
    c.write_golden(folder, golden | {"input_ids": ids, "pixel_values": pixels})
    print(f"  {c.size(folder)} bytes, probabilities of the first picture {[round(p, 3) for p in golden['e2e.probs'][0].tolist()]}")


QUICK = dict(
    text=dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=77,
              hidden_act="quick_gelu", bos_token_id=0, eos_token_id=2, pad_token_id=1, projection_dim=32),
    vision=dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, image_size=32, patch_size=8,
                hidden_act="quick_gelu", projection_dim=32))


def quick():
    """The model of `small` and `old`, its tokenizer and its processor."""
    tok = c.tokenizer(c.merges(254), 77)
    model = build(1, 20, QUICK["text"] | dict(vocab_size=len(tok)), QUICK["vision"], 32)
    sizes = dict(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    return model, tok, sizes, c.stage_ids(len(tok), 16, 4, 11, len(tok) - 2, len(tok) - 1)


def small():
    """transformers 5: safetensors, tokenizer.json, nested processor_config.json; the old pooling rule."""
    folder = c.fresh("transformers")
    model, tok, sizes, ids = quick()
    model.save_pretrained(folder)
    CLIPProcessor(CLIPImageProcessor(**sizes), tok).save_pretrained(folder)
    finish("transformers", folder, CLIPImageProcessorPil(**sizes), c.TEXTS, c.PICTURE_NAMES[:4] + ["alpha.png"], ids, 1)


def old():
    """The same model in the files of 2021: torch's zip format with the position_ids buffers, sizes as bare numbers, vocab.json and
    merges.txt, text_config_dict and vision_config_dict in the config."""
    folder = c.fresh("transformers-old")
    model, tok, sizes, ids = quick()
    state = dict(model.state_dict())
    state["text_model.embeddings.position_ids"] = torch.arange(77).expand(1, -1).clone()
    state["vision_model.embeddings.position_ids"] = torch.arange(17).expand(1, -1).clone()
    torch.save(state, os.path.join(folder, "pytorch_model.bin"))
    text = QUICK["text"] | dict(vocab_size=len(tok), dropout=0.0, model_type="clip_text_model", attention_dropout=0.0)
    vision = QUICK["vision"] | dict(dropout=0.0, model_type="clip_vision_model", attention_dropout=0.0)
    common = dict(add_cross_attention=False, architectures=None, is_decoder=False, layer_norm_eps=1e-05, torch_dtype=None, transformers_version="4.16.0.dev0")
    drop = ("model_type", "bos_token_id", "pad_token_id")
    config = dict(
        _name_or_path="", architectures=["CLIPModel"], initializer_factor=1.0, logit_scale_init_value=2.6592, model_type="clip",
        projection_dim=32, text_config=text | common, text_config_dict={k: v for k, v in text.items() if k not in drop},
        torch_dtype="float32", transformers_version=None, vision_config=vision | common,
        vision_config_dict={k: v for k, v in vision.items() if k not in drop})
    special = {k: dict(content=v, single_word=False, lstrip=False, rstrip=False, normalized=True) for k, v in (
        ("bos_token", "<|startoftext|>"), ("eos_token", "<|endoftext|>"), ("unk_token", "<|endoftext|>"))}
    dump(folder, "config.json", config)
    dump(folder, "preprocessor_config.json", dict(
        crop_size=32, do_center_crop=True, do_normalize=True, do_resize=True, feature_extractor_type="CLIPFeatureExtractor",
        image_mean=[0.48145466, 0.4578275, 0.40821073], image_std=[0.26862954, 0.26130258, 0.27577711], resample=3, size=32))
    dump(folder, "special_tokens_map.json", special | {"pad_token": "<|endoftext|>"})
    dump(folder, "tokenizer_config.json", {k: v | {"__type": "AddedToken"} for k, v in special.items()} | dict(
        pad_token="<|endoftext|>", add_prefix_space=False, errors="replace", do_lower_case=True, model_max_length=77, tokenizer_class="CLIPTokenizer"))
    pairs = c.merges(254)
    dump(folder, "vocab.json", c.vocabulary(pairs), indent=None)
    with open(os.path.join(folder, "merges.txt"), "w", encoding="utf-8") as f:
        f.write("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in pairs))
    finish("transformers-old", folder, CLIPImageProcessorPil(**sizes), c.TEXTS, c.PICTURE_NAMES[:4] + ["alpha.png"], ids, 1)


def dump(folder, name, value, indent=2):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
        json.dump(value, f, indent=indent, ensure_ascii=False)
        f.write("\n")


def uneven(name, seed, dtype, processor, shard=None, legacy=False, scale=30, few=True):
    """Towers of different shapes, GELU, another eps, the pooling rule by the end token's id with tokens above it."""
    folder = c.fresh(name)
    pairs, context = c.merges(80), 20
    tok = c.tokenizer(pairs, context)
    start, end = tok.bos_token_id, tok.eos_token_id
    tok.add_tokens(["<photo>", AddedToken("chiasm", single_word=True, normalized=True), AddedToken(" <art> ", lstrip=True, rstrip=True, special=True)])
    text = dict(vocab_size=len(tok) + 3, hidden_size=24, intermediate_size=56, num_hidden_layers=1 if few else 3, num_attention_heads=3,
                max_position_embeddings=context, hidden_act="gelu", layer_norm_eps=1e-6, bos_token_id=start, eos_token_id=end,
                pad_token_id=1, projection_dim=28)
    vision = dict(hidden_size=40, intermediate_size=100, num_hidden_layers=1 if few else 2, num_attention_heads=4, image_size=20 if few else 40, patch_size=10,
                  hidden_act="gelu", layer_norm_eps=1e-6, projection_dim=28)
    model = build(seed, scale, text, vision, 28).to(dtype)
    if legacy:
        parts = [{}, {}]
        for i, (k, v) in enumerate(model.state_dict().items()):
            parts[i % 2][k] = v
        files = [f"pytorch_model-0000{i + 1}-of-00002.bin" for i in range(2)]
        for part, file in zip(parts, files):
            torch.save(part, os.path.join(folder, file), _use_new_zipfile_serialization=False)
        dump(folder, "pytorch_model.bin.index.json", dict(
            metadata=dict(total_size=sum(v.numel() * v.element_size() for p in parts for v in p.values())),
            weight_map={k: file for part, file in zip(parts, files) for k in part}))
        model.config.save_pretrained(folder)
    else:
        model.save_pretrained(folder, max_shard_size=shard or "5GB")
    CLIPProcessor(CLIPImageProcessor(**processor), tok).save_pretrained(folder)
    ids = c.stage_ids(len(tok), context, 2 if few else 5, seed, start, end, high=(end + 1, end + 2, end + 3))
    texts = c.TEXTS + ["a <photo> of chiasm, not of chiasmus", "big <art> small"]
    finish(name, folder, CLIPImageProcessorPil(**processor), texts, c.PICTURE_NAMES[::2][:2] if few else c.PICTURE_NAMES[:3], ids, seed)


HALF = dict(image_mean=[0.5, 0.5, 0.5], image_std=[0.5, 0.5, 0.5])


def uneven_f16():
    """Stored in f16; the crop is larger than the resized picture."""
    uneven("transformers-f16", 2, torch.float16, HALF | dict(size={"shortest_edge": 36}, crop_size={"height": 40, "width": 40}, resample=2),
           scale=100, few=False)


def uneven_bf16():
    """Stored in bf16; pictures are squeezed into a square without a crop."""
    uneven("transformers-bf16", 3, torch.bfloat16, HALF | dict(size={"height": 20, "width": 20}, do_center_crop=False, resample=1))


def uneven_shards():
    """Stored in several safetensors files with an index; pictures are not normalised."""
    uneven("transformers-shards", 4, torch.float16, dict(size={"shortest_edge": 22}, crop_size={"height": 20, "width": 20}, do_normalize=False), shard="30kB")


def uneven_legacy():
    """Stored in two files of torch's format from before 1.6 with an index."""
    uneven("transformers-legacy", 5, torch.float16, dict(size={"shortest_edge": 20}, crop_size={"height": 20, "width": 20}), legacy=True)


VARIANTS = [small, old, uneven_f16, uneven_bf16, uneven_shards, uneven_legacy]
