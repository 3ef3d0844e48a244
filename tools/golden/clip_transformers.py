"""Tiny random CLIP models in the layouts that transformers writes and has written."""
import copy
import json
import os

import torch
from PIL import Image
from safetensors.torch import load_file
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor
from transformers.image_utils import load_image
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

import clip_common as c


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


def small():
    """transformers 5: safetensors, tokenizer.json, nested processor_config.json; the old pooling rule."""
    name, context = "transformers", 77
    folder = c.fresh(name)
    pairs = c.merges(510)
    tok = c.tokenizer(pairs, context)
    vocab = len(tok)
    text = dict(vocab_size=vocab, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
                max_position_embeddings=context, hidden_act="quick_gelu", bos_token_id=0, eos_token_id=2, pad_token_id=1, projection_dim=32)
    vision = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, image_size=32, patch_size=8,
                  hidden_act="quick_gelu", projection_dim=32)
    model = build(1, 20, text, vision, 32)
    processor = CLIPProcessor(CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}), tok)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    pil = CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    ids = c.stage_ids(vocab, 16, 4, 11, vocab - 2, vocab - 1)
    finish(name, folder, pil, c.TEXTS, c.PICTURE_NAMES + ["alpha.png"], ids, 1)


VARIANTS = [small]
