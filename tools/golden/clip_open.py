"""Tiny random CLIP models in open_clip's layout, with its own vision transformer and with timm's."""
import copy
import json
import os
from unittest import mock

import open_clip
import timm
import torch
from PIL import Image
from open_clip.push_to_hf_hub import save_for_hf
from open_clip.tokenizer import SimpleTokenizer, get_clean_fn
from open_clip.transformer import text_global_pool

import clip_common as c

WEIGHTS = {"safetensors": "open_clip_model.safetensors", "bin": "open_clip_pytorch_model.bin"}


def stages(model, ids, pixels):
    s = c.Stages()
    text = getattr(model, "text", model)
    s.gets("text.embed", text.transformer)
    for i, block in enumerate(text.transformer.resblocks):
        s.gives(f"text.block.{i}", block)
    s.gives("text.final_norm", text.ln_final)
    visual = model.visual
    if hasattr(visual, "trunk"):
        s.gives("vision.patches", visual.trunk.patch_embed)
        before, blocks = visual.trunk.norm_pre, visual.trunk.blocks
        s.gets("vision.pooled", visual.trunk.head)
    else:
        s.gives("vision.patches", visual.conv1)
        before, blocks = visual.ln_pre, visual.transformer.resblocks
    s.gets("vision.embed", before)
    s.gives("vision.pre_norm", before)
    for i, block in enumerate(blocks):
        s.gives(f"vision.block.{i}", block)
    with torch.no_grad():
        image, txt = model.encode_image(pixels), model.encode_text(ids)
        logits, _ = model.get_logits(pixels, ids)
        v = s.done()
        if "vision.pooled" not in v:
            v["vision.pooled"] = visual._pool(v[f"vision.block.{len(blocks) - 1}"])[0]
        kind = text.text_pool_type if text is model else text.pool_type
        end = getattr(text, "text_eos_id", None) if text is model else text.eos_id
        v["text.pooled"] = text_global_pool(v["text.final_norm"], ids, kind, eos_token_id=end)
    if v["vision.patches"].ndim == 4:
        v["vision.patches"] = v["vision.patches"].flatten(2).transpose(1, 2)
    v["text.projected"], v["vision.projected"] = txt, image
    v["text.normalized"], v["vision.normalized"] = torch.nn.functional.normalize(txt, dim=-1), torch.nn.functional.normalize(image, dim=-1)
    v["logits_per_image"], v["probs"] = logits, logits.softmax(dim=-1)
    v["logit_scale"] = model.logit_scale.exp()
    if model.logit_bias is not None:
        v["logit_bias"] = model.logit_bias
    return v


def example(model, preprocess, tokenizer, texts, names, folder, context):
    """open_clip's own example: its transforms on what PIL opens, its tokenizer, softmax over the texts."""
    pixels = torch.stack([preprocess(Image.open(os.path.join(c.PICTURES, n))) for n in names])
    ids = tokenizer(texts)
    with torch.no_grad():
        image, text = model.encode_image(pixels, normalize=True), model.encode_text(ids, normalize=True)
        logits, _ = model.get_logits(pixels, ids)
    if isinstance(tokenizer, SimpleTokenizer):
        raw = [[tokenizer.sot_token_id] + tokenizer.encode(t) + [tokenizer.eot_token_id] for t in texts]
        tokens = [[tokenizer.decoder[i] for i in r] for r in raw]
    else:
        raw = [tokenizer.tokenizer(tokenizer.clean_fn(t)).input_ids for t in texts]
        tokens = [tokenizer.tokenizer.convert_ids_to_tokens(r) for r in raw]
    c.write_cases(folder, {"texts": texts, "images": names, "ids": raw, "truncated": [len(r) > context for r in raw], "tokens": tokens})
    return {
        "e2e.input_ids": ids, "e2e.pixel_values": pixels, "e2e.text_embeds": text, "e2e.image_embeds": image,
        "e2e.logits_per_image": logits, "e2e.probs": logits.softmax(dim=-1),
    }


# What open_clip's cleaning changes before the tokenizer sees it. Repair of mis-decoded text is the business of the token package's own data.
DIRTY = ["it\u2019s a \u201cquote\u201d &amp; more &lt;tag&gt;", "sch\u00f6n \ufb01ne \uff26\uff35\uff2c\uff2c width"]


def write(name, seed, config, preprocess, merges=None, scale=20, dtype=torch.float16, form="safetensors", timm_kwargs=None, names=None, vocab=None):
    """Saves a model as open_clip publishes it and loads it back. merges: how many, for a cut vocabulary saved beside the model; None for
    the published one."""
    folder = c.fresh(name)
    make = timm.create_model
    with mock.patch("timm.create_model", lambda n, **k: make(n, **(k | (timm_kwargs or {})))):
        text = config["text_cfg"]
        tok = None
        if merges is not None:
            tok = c.tokenizer(c.merges(merges), text["context_length"])
            text |= dict(vocab_size=len(tok), hf_tokenizer_name="chiasm/" + name)
        cls = open_clip.model.CustomTextCLIP if config.get("custom_text") else open_clip.CLIP
        model = cls(**{k: v for k, v in config.items() if k != "custom_text"}).eval()
        c.randomise(model, seed, scale)
        model.to(dtype)
        model.visual.image_mean, model.visual.image_std = preprocess.get("mean", open_clip.OPENAI_DATASET_MEAN), preprocess.get("std", open_clip.OPENAI_DATASET_STD)
        model.visual.preprocess_cfg = preprocess

        class Saver:  # the published vocabulary needs no file
            def save_pretrained(self, dest):
                if tok is not None:
                    tok.save_pretrained(dest)
        save_for_hf(model, Saver(), config, folder, safe_serialization="both")
        for kind, file in WEIGHTS.items():
            if kind != form:
                os.remove(os.path.join(folder, file))
        model, transform = open_clip.create_model_from_pretrained("local-dir:" + folder, precision="fp32")
        model.eval()
        tokenizer = open_clip.get_tokenizer("local-dir:" + folder)
    context = text["context_length"]
    start, end = (49406, 49407) if tok is None else (tok.bos_token_id, tok.eos_token_id)
    ids = c.stage_ids(text["vocab_size"], context, 3, seed, start, end)
    for row in ids:  # open_clip pads with zeros where it uses its own tokenizer
        if tok is None:
            row[row.argmax() + 1:] = 0
    h, w = open_clip.utils.to_2tuple(config["vision_cfg"]["image_size"])
    pixels = torch.randn((2, 3, h, w), generator=torch.Generator().manual_seed(seed + 1))
    golden = stages(model, ids, pixels)
    c.report(name, c.deviation(golden, stages(copy.deepcopy(model).double(), ids, pixels.double())))
    golden |= example(model, transform, tokenizer, c.TEXTS + DIRTY, names or c.PICTURE_NAMES[:3], folder, context)
    c.write_golden(folder, golden | {"input_ids": ids, "pixel_values": pixels})
    print(f"  {c.size(folder)} bytes, probabilities of the first picture {[round(p, 3) for p in golden['e2e.probs'][0].tolist()]}")


def native_quick():
    """open_clip's towers with QuickGELU and the published vocabulary, stored in f16."""
    write("openclip-quickgelu", 21, dict(
        embed_dim=24, quick_gelu=True,
        vision_cfg=dict(image_size=32, layers=2, width=32, patch_size=8, head_width=16),
        text_cfg=dict(context_length=16, vocab_size=49408, width=4, heads=2, layers=1)), {})


def native_gelu():
    """GELU, other MLP ratios, a logit bias, torch's zip format, a tokenizer beside the model, pictures squeezed by bilinear resizing."""
    write("openclip-gelu", 22, dict(
        embed_dim=20, init_logit_bias=-10,
        vision_cfg=dict(image_size=[24, 32], layers=2, width=36, patch_size=8, head_width=12, mlp_ratio=3.0),
        text_cfg=dict(context_length=18, width=24, heads=3, layers=2, mlp_ratio=2.0)),
        dict(mean=[0.5, 0.5, 0.5], std=[0.5, 0.5, 0.5], interpolation="bilinear", resize_mode="squash"),
        merges=80, form="bin", names=c.PICTURE_NAMES[2:])


def native_options():
    """The text tower in a module of its own, layer scale, mean pooling before the last norm, no first norm, biased text projection,
    the end token found by its id, pictures fitted by their longer side."""
    write("openclip-options", 23, dict(
        embed_dim=20, custom_text=True,
        vision_cfg=dict(image_size=32, layers=2, width=32, patch_size=16, head_width=16, ls_init_value=0.1, no_ln_pre=True, pool_type="avg", final_ln_after_pool=True,
                        norm_kwargs=dict(eps=1e-6), act_kwargs=dict(approximate="tanh")),
        text_cfg=dict(context_length=18, width=24, heads=3, layers=1, ls_init_value=0.1, pool_type="eos", eos_id=593, proj_bias=True, norm_kwargs=dict(eps=1e-6),
                      act_kwargs=dict(approximate="tanh"))),
        dict(resize_mode="longest"), merges=80)


def timm_variant(name, seed, trunk, vision, **kwargs):
    write("openclip-" + name, seed, dict(
        embed_dim=vision.pop("embed_dim", 24),
        vision_cfg=dict(timm_model_pretrained=False, image_size=24) | vision,
        text_cfg=dict(context_length=16, width=24, heads=3, layers=1)),
        dict(mean=[0.5, 0.5, 0.5], std=[0.5, 0.5, 0.5]), merges=80, names=c.PICTURE_NAMES[:2],
        timm_kwargs=dict(img_size=24, patch_size=8, embed_dim=64, depth=1, num_heads=1, mlp_ratio=1) | trunk, **kwargs)


def timm_gap():
    """No class token, no query, key and value bias, layer scale, mean pooling, linear head: vit_medium_patch16_gap_256."""
    timm_variant("timm-gap", 31, dict(depth=2), dict(timm_model_name="vit_medium_patch16_gap_256", timm_pool="", timm_proj="linear"))


def timm_token():
    """Two heads, class token, the trunk's own classifier as projection: a plain ViT without an adapter head."""
    timm_variant("timm-token", 32, dict(embed_dim=128, num_heads=2), dict(timm_model_name="vit_base_patch16_224", timm_pool="token", timm_proj=None))


def timm_clip():
    """A norm before the blocks and no bias in the patches: the towers that timm ported from CLIP (MobileCLIP2-L-14)."""
    timm_variant("timm-clip", 33, {}, dict(timm_model_name="vit_large_patch14_clip_224", timm_pool="token", timm_proj=None))


def timm_mlp():
    """Class token present but mean pooling of the others, an MLP as the head."""
    timm_variant("timm-mlp", 34, {}, dict(timm_model_name="vit_small_patch16_224", timm_pool="avg", timm_proj="mlp"))


def timm_none():
    """Mean pooling, then a norm, and nothing after it: the space is the tower's width."""
    timm_variant("timm-none", 35, {}, dict(timm_model_name="vit_base_patch16_224", timm_pool="avg", timm_proj="none", embed_dim=64))


VARIANTS = [native_quick, native_gelu, native_options, timm_gap, timm_token, timm_clip, timm_mlp, timm_none]
