"""Makes tiny random SigLIP models under model/siglip/testdata, in the layout of transformers, with every stage's output."""
import json
import os
import shutil

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import SiglipConfig, SiglipModel

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
OUT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../model/siglip/testdata"))
TEXTS = ["a photo of two cats", "", "A sunset over the mountains, seen from far away: with a great many words that the tower does not read"]


def make(name, side, pad, size, patch, **vision):
    folder = os.path.join(OUT, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    t = Tokenizer(models.Unigram())
    t.normalizer, t.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.Metaspace()
    special = ["<pad>", "</s>", "<unk>"]
    t.train_from_iterator(TEXTS, trainers.UnigramTrainer(vocab_size=60, special_tokens=special, unk_token="<unk>"))
    t.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    t.save(os.path.join(folder, "tokenizer.json"))
    length = 9
    config = SiglipConfig(
        text_config=dict(vocab_size=t.get_vocab_size(), hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=3,
                         max_position_embeddings=length, projection_size=24),
        vision_config=dict(hidden_size=24, intermediate_size=36, num_hidden_layers=2, num_attention_heads=2, image_size=size, patch_size=patch, **vision))
    torch.manual_seed(3)
    m = SiglipModel(config).eval()
    for n, p in m.named_parameters():
        p.data = torch.randn(p.shape) * 0.2 + (1.0 if "norm" in n and n.endswith("weight") else 0.0)
    m.logit_scale.data.fill_(1.5)
    m.logit_bias.data.fill_(-2.5)
    m.config.architectures = ["SiglipModel"]
    m.config.save_pretrained(folder)
    save_file({k: v.contiguous() for k, v in m.state_dict().items()}, os.path.join(folder, "model.safetensors"))
    for file, data in {
        "tokenizer_config.json": {"padding_side": side, "pad_token": special[pad], "model_max_length": length},
        "preprocessor_config.json": {"do_resize": True, "size": {"height": size, "width": size}, "resample": 3, "do_rescale": True, "rescale_factor": 1 / 255,
                                     "do_normalize": True, "image_mean": [0.5] * 3, "image_std": [0.5] * 3, "image_processor_type": "SiglipImageProcessor"},
    }.items():
        with open(os.path.join(folder, file), "w") as f:
            json.dump(data, f, indent=1)
    rows = []
    for text in TEXTS:
        ids = t.encode(text).ids
        if len(ids) > length:
            ids = ids[: length - 1] + ids[-1:]
        fill = [pad] * (length - len(ids))
        rows.append(fill + ids if side == "left" else ids + fill)
    ids = torch.tensor(rows)
    pixels = torch.randn(2, 3, size, size)
    with torch.no_grad():
        out = m(input_ids=ids, pixel_values=pixels, output_hidden_states=True)
    golden = {
        "ids": ids.int(), "pixels": pixels, "vision.hidden": out.vision_model_output.last_hidden_state, "vision.pooled": out.vision_model_output.pooler_output,
        "text.pooled": out.text_model_output.pooler_output, "logits_per_image": out.logits_per_image, "probs": torch.sigmoid(out.logits_per_image),
    }
    save_file({k: v.contiguous() for k, v in golden.items()}, os.path.join(folder, "golden.safetensors"))


make("siglip", "right", 1, 24, 8)
# As transformers converts SigLIP 2: the config has the default for pad_token_id, 1, and the tokenizer fills up with another token.
make("siglip2", "left", 0, 20, 6, hidden_act="gelu")
