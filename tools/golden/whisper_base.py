"""Runs transformers' Whisper with the real base model on features that a formula makes: model/whisper/testdata/base.safetensors.

    whisper_base.py WEIGHTS

WEIGHTS is a safetensors file of whisper-base with transformers' names.
"""
import os
import sys

import torch
from safetensors.torch import load_file, save_file
from transformers import WhisperConfig, WhisperForConditionalGeneration

torch.set_num_threads(1)
OUT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../model/whisper/testdata"))
STEP = 509
m = WhisperForConditionalGeneration(WhisperConfig(d_model=512, encoder_layers=6, encoder_attention_heads=8, encoder_ffn_dim=2048, decoder_layers=6,
                                                  decoder_attention_heads=8, decoder_ffn_dim=2048, attn_implementation="eager")).eval()
print(m.load_state_dict({k: v.float() for k, v in load_file(sys.argv[1]).items()}, strict=False))
m.tie_weights()
band, frame = torch.arange(80, dtype=torch.float64)[:, None], torch.arange(3000, dtype=torch.float64)[None]
mel = (0.5 * torch.sin(0.7 * band + 0.05 * frame) + 0.3 * torch.cos(0.011 * frame * band)).float()[None]
ids = [50258, 50259, 50359, 50363, 440, 1723, 13]
with torch.no_grad():
    heard = m.model.encoder(mel).last_hidden_state
    out = m(encoder_outputs=(heard,), decoder_input_ids=torch.tensor([ids]), output_attentions=True)
golden = {"encoder": heard, "logits": out.logits[0], "heads": torch.stack([out.cross_attentions[layer][0, head] for layer, head in [(3, 1), (4, 2), (5, 6)]])}
print({k: v.abs().max().item() for k, v in golden.items()})
golden = {k: v.flatten()[::STEP].contiguous() for k, v in golden.items()} | {k + ".step": torch.tensor([STEP], dtype=torch.int32) for k in golden}
save_file(golden | {"ids": torch.tensor(ids, dtype=torch.int32)}, os.path.join(OUT, "base.safetensors"))
