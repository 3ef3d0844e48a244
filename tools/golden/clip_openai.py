"""Tiny random CLIP models under the names of OpenAI's own files, with no config: a plain state dict, and a TorchScript archive like the
published ViT-B-32.pt. Heads are 64 wide in both towers, as the file does not say otherwise."""
import copy
import os

import open_clip
import torch
from open_clip.model import build_model_from_openai_state_dict

import clip_common as c
import clip_open


def build(seed, width, image, vocab):
    """A model in OpenAI's mixed precision: matrices in f16, norms and biases of norms in f32, as in the published files."""
    cfg = dict(
        embed_dim=24, quick_gelu=True,
        vision_cfg=dict(image_size=image, layers=1, width=width, patch_size=8, head_width=64),
        text_cfg=dict(context_length=12, vocab_size=vocab, width=64, heads=1, layers=1))
    model = open_clip.CLIP(**cfg).eval()
    c.randomise(model, seed, 20)
    open_clip.model.convert_weights_to_fp16(model)
    model.token_embedding.half()
    for name, value in dict(input_resolution=image, context_length=12, vocab_size=vocab).items():
        if hasattr(model, name):
            delattr(model, name)
        model.register_buffer(name, torch.tensor(value))
    return model


def finish(name, folder, file, seed, image, vocab):
    model = open_clip.load_openai_model(os.path.join(folder, file), precision="fp32", device="cpu").eval()
    ids = c.stage_ids(vocab, 12, 3, seed, vocab - 2, vocab - 1)
    for row in ids:
        row[row.argmax() + 1:] = 0
    pixels = torch.randn((2, 3, image, image), generator=torch.Generator().manual_seed(seed + 1))
    golden = clip_open.stages(model, ids, pixels)
    c.report(name, c.deviation(golden, clip_open.stages(copy.deepcopy(model).double(), ids, pixels.double())))
    # No texts end to end: the published vocabulary has 49408 tokens and a tower 64 wide, which is too much for a repository.
    transform = open_clip.image_transform(image, is_train=False)
    names = c.PICTURE_NAMES[:3]
    from PIL import Image
    e2e = torch.stack([transform(Image.open(os.path.join(c.PICTURES, n))) for n in names])
    with torch.no_grad():
        embeds = model.encode_image(e2e, normalize=True)
        logits, _ = model.get_logits(e2e, ids)
    c.write_cases(folder, {"texts": [], "images": names, "ids": [], "truncated": [], "tokens": []})
    c.write_golden(folder, golden | {
        "input_ids": ids, "pixel_values": pixels, "e2e.input_ids": ids, "e2e.pixel_values": e2e, "e2e.image_embeds": embeds,
        "e2e.text_embeds": golden["text.normalized"], "e2e.logits_per_image": logits, "e2e.probs": logits.softmax(dim=-1)})
    print(f"  {c.size(folder)} bytes")


def openai_state():
    """A plain state dict (torch's zip format), image tower of two heads."""
    folder = c.fresh("openai")
    model = build(41, 128, 24, 300)
    torch.save(model.state_dict(), os.path.join(folder, "model.pt"))
    finish("openai", folder, "model.pt", 41, 24, 300)


def undebug(path):
    """Leaves out of a TorchScript archive what names files of the machine that made it."""
    reader = torch._C.PyTorchFileReader(path)
    records = [(r, reader.get_record(r)) for r in reader.get_all_records() if not r.endswith(".debug_pkl")]
    del reader
    writer = torch._C.PyTorchFileWriter(path)
    for name, data in records:
        if name != "version" and not name.startswith((".data/", "traced_inputs")):
            writer.write_record(name, data, len(data))
    writer.write_end_of_file()


def openai_script():
    """A TorchScript archive."""
    folder = c.fresh("openai-script")
    model = build(42, 64, 16, 300)
    # Traced in f32: some operations have no f16 form on a processor. The weights are cast in the traced module afterwards.
    plain = copy.deepcopy(model).float()
    mask = plain._buffers.pop("attn_mask")
    plain.__dict__["attn_mask"] = mask  # becomes a constant of the archive, as in the published file
    traced = torch.jit.trace_module(plain, dict(
        forward=(torch.ones(1, 3, 16, 16), torch.zeros(1, 12, dtype=torch.int)),
        encode_image=(torch.ones(1, 3, 16, 16),), encode_text=(torch.zeros(1, 12, dtype=torch.int),)))
    kinds = {k: v.dtype for k, v in model.state_dict().items()}
    for k, v in traced.state_dict(keep_vars=True).items():
        v.data = v.data.to(kinds[k])
    path = os.path.join(folder, "model.pt")
    torch.jit.save(traced, path)
    undebug(path)
    got = {k: v.dtype for k, v in torch.jit.load(path).state_dict().items()}
    assert got == kinds, (got, kinds)
    finish("openai-script", folder, "model.pt", 42, 16, 300)


VARIANTS = [openai_state, openai_script]
