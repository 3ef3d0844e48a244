"""Makes random CLIP models of the published shapes and writes what the reference makes of some texts and pictures.

Usage: python tools/golden/fullsize.py DIR [MODEL...]

DIR gets a folder per model and form: clip-vit-base-patch32 (model.safetensors), clip-vit-base-patch32-bin (pytorch_model.bin with the files of
2021), clip-vit-large-patch14 and its -bin, each with the published vocabulary, and answers.json: the reference's answers in the shapes of
`chiasm similarity --json`, `chiasm embed` and `chiasm tokenize --json`. open-clip-vit-b-32 is open_clip's layout and openai-vit-b-32.pt
OpenAI's. Some 4 GB in all.
"""
import json
import os
import sys

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch

import clip_common as c

torch.set_num_threads(os.cpu_count())

TEXTS = [
    "A beautiful sunset over the mountains", "a photo of a cat", "a red apple on a wooden table", "", "It's 3 o'clock: 12,5 % of the naïve façades… 日本 🙂!",
    " ".join(["a sentence that is much too long for the text tower"] * 12),
]
BASE = dict(
    text=dict(hidden_size=512, intermediate_size=2048, num_hidden_layers=12, num_attention_heads=8, projection_dim=512),
    vision=dict(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12, image_size=224, patch_size=32, projection_dim=512), projection=512)
LARGE = dict(
    text=dict(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12, projection_dim=768),
    vision=dict(hidden_size=1024, intermediate_size=4096, num_hidden_layers=24, num_attention_heads=16, image_size=224, patch_size=14, projection_dim=768), projection=768)


def big_pictures(folder):
    """Pictures at the sizes of photographs, by bicubic enlargement of the drawn ones and of noise; PNG only."""
    import numpy as np
    from PIL import Image
    os.makedirs(folder, exist_ok=True)
    source = os.path.join(c.ROOT, "examples/pictures")
    paths = []
    for name, size in (("sunset.png", (1024, 768)), ("apple.png", (500, 375)), ("cat.png", (333, 487))):
        path = os.path.join(folder, name)
        Image.open(os.path.join(source, name)).resize(size, Image.BICUBIC).save(path)
        paths.append(path)
    noise = np.random.default_rng(1).integers(0, 256, (150, 230, 3), dtype=np.uint8)
    paths.append(os.path.join(folder, "noise.png"))
    Image.fromarray(noise).save(paths[-1])
    return paths


def randomise(model, seed):
    """transformers' own initial scale, but gains, biases and the trained logit scale as published models have them: so that features
    differ between inputs as far as random weights allow."""
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name == "logit_scale":
                p.fill_(4.6052)
            elif p.ndim == 1 and name.endswith("weight") and "embed" not in name:
                p.copy_(1 + 0.1 * torch.randn(p.shape, generator=g))
            elif name.endswith("bias"):
                p.copy_(0.02 * torch.randn(p.shape, generator=g))


def answers(model, tokenizer, paths, name):
    from transformers.image_utils import load_image
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
    ids = tokenizer(TEXTS, padding=True, truncation=True, return_tensors="pt")
    pixels = CLIPImageProcessorPil()(images=[load_image(p) for p in paths], return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        out = model(**ids, pixel_values=pixels)
        noise = None
        if os.environ.get("DOUBLE"):
            exact = model.double()(**ids, pixel_values=pixels.double())
            noise = float((exact.logits_per_image - out.logits_per_image).abs().max())
            model.float()
    files = [os.path.basename(p) for p in paths]
    raw = [tokenizer(t).input_ids for t in TEXTS]
    rows = [dict(input=t, kind="text", embedding=e.tolist()) for t, e in zip(TEXTS, out.text_embeds)]
    rows += [dict(input=f, kind="image", embedding=e.tolist()) for f, e in zip(files, out.image_embeds)]
    return dict(
        similarity=dict(model=name, images=files, texts=TEXTS, per="image", logits_per_image=out.logits_per_image.tolist(), probs=out.logits_per_image.softmax(dim=1).tolist()),
        embed=rows, tokenize=[dict(text=t, ids=r, tokens=tokenizer.convert_ids_to_tokens(r), truncated=len(r) > 77) for t, r in zip(TEXTS, raw)],
        reference_noise=noise)


def save_json(path, value):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(value, f)


def transformers_model(root, name, shape, paths, seed):
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor
    torch.manual_seed(seed)
    tok = c.tokenizer(c.merges(49152 - 256 - 2), 77)
    common = dict(vocab_size=49408, hidden_act="quick_gelu", bos_token_id=0, eos_token_id=2, pad_token_id=1)
    model = CLIPModel(CLIPConfig(text_config=shape["text"] | common, vision_config=shape["vision"] | dict(hidden_act="quick_gelu"), projection_dim=shape["projection"])).eval()
    randomise(model, seed)
    result = answers(model, tok, paths, name)

    folder = os.path.join(root, name)
    model.save_pretrained(folder)
    CLIPProcessor(CLIPImageProcessor(), tok).save_pretrained(folder)
    save_json(os.path.join(folder, "answers.json"), result)

    folder = os.path.join(root, name + "-bin")
    os.makedirs(folder, exist_ok=True)
    state = dict(model.state_dict())
    state["text_model.embeddings.position_ids"] = torch.arange(77).expand(1, -1).clone()
    torch.save(state, os.path.join(folder, "pytorch_model.bin"))
    model.config.save_pretrained(folder)
    pairs = c.merges(49152 - 256 - 2)
    save_json(os.path.join(folder, "vocab.json"), c.vocabulary(pairs))
    with open(os.path.join(folder, "merges.txt"), "w", encoding="utf-8") as f:
        f.write("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in pairs))
    save_json(os.path.join(folder, "tokenizer_config.json"), dict(tokenizer_class="CLIPTokenizer", model_max_length=77, bos_token="<|startoftext|>", eos_token="<|endoftext|>", unk_token="<|endoftext|>", pad_token="<|endoftext|>"))
    save_json(os.path.join(folder, "preprocessor_config.json"), dict(
        crop_size=224, do_center_crop=True, do_normalize=True, do_resize=True, feature_extractor_type="CLIPFeatureExtractor",
        image_mean=[0.48145466, 0.4578275, 0.40821073], image_std=[0.26862954, 0.26130258, 0.27577711], resample=3, size=224))
    save_json(os.path.join(folder, "answers.json"), result)


def open_models(root, paths, seed=3):
    """ViT-B/32 in open_clip's layout and in OpenAI's, in f16 with f32 norms, with the texts that open_clip's tokenizer makes."""
    import open_clip
    from PIL import Image
    from open_clip.push_to_hf_hub import save_for_hf
    torch.manual_seed(seed)
    config = open_clip.get_model_config("ViT-B-32-quickgelu")
    model = open_clip.CLIP(**config).eval()
    randomise(model, seed)
    open_clip.model.convert_weights_to_fp16(model)
    torch.save(model.state_dict() | {k: torch.tensor(v) for k, v in dict(input_resolution=224, context_length=77, vocab_size=49408).items()}, os.path.join(root, "openai-vit-b-32.pt"))
    model.visual.image_mean, model.visual.image_std = open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD
    folder = os.path.join(root, "open-clip-vit-b-32")

    class NoTokenizer:
        def save_pretrained(self, dest):
            pass
    save_for_hf(model, NoTokenizer(), config, folder, safe_serialization=True)
    model, transform = open_clip.create_model_from_pretrained("local-dir:" + folder, precision="fp32")
    model.eval()
    tokenizer = open_clip.get_tokenizer("local-dir:" + folder)
    files = [os.path.basename(p) for p in paths]
    with torch.no_grad():
        image = model.encode_image(torch.stack([transform(Image.open(p)) for p in paths]), normalize=True)
        text = model.encode_text(tokenizer(TEXTS), normalize=True)
        logits = model.logit_scale.exp() * image @ text.T
    raw = [[tokenizer.sot_token_id] + tokenizer.encode(t) + [tokenizer.eot_token_id] for t in TEXTS]
    result = dict(
        similarity=dict(model="open-clip-vit-b-32", images=files, texts=TEXTS, per="image", logits_per_image=logits.tolist(), probs=logits.softmax(dim=1).tolist()),
        embed=[dict(input=t, kind="text", embedding=e.tolist()) for t, e in zip(TEXTS, text)] + [dict(input=f, kind="image", embedding=e.tolist()) for f, e in zip(files, image)],
        tokenize=[dict(text=t, ids=r, truncated=len(r) > 77) for t, r in zip(TEXTS, raw)])
    save_json(os.path.join(folder, "answers.json"), result)
    save_json(os.path.join(root, "openai-vit-b-32.answers.json"), result)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    from transformers import logging
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    root, want = os.path.abspath(sys.argv[1]), sys.argv[2:]
    os.makedirs(root, exist_ok=True)
    paths = big_pictures(os.path.join(root, "pictures"))
    for name, make in (
            ("clip-vit-base-patch32", lambda n: transformers_model(root, n, BASE, paths, 1)),
            ("clip-vit-large-patch14", lambda n: transformers_model(root, n, LARGE, paths, 2)),
            ("open-clip-vit-b-32", lambda n: open_models(root, paths))):
        if not want or name in want:
            make(name)
            print(name)


if __name__ == "__main__":
    main()
