"""What whisper_decode.py and whisper_real.py share: the reference's model from transformers' names, and its transcription window by window."""
import os
import sys

sys.path.remove(os.path.dirname(os.path.abspath(__file__)))  # whose whisper.py is not the reference
import numpy as np
import torch
import whisper
from transformers import WhisperFeatureExtractor
from whisper.model import ModelDimensions, Whisper

transcribe = sys.modules["whisper.transcribe"]
torch.set_num_threads(1)
NAMES = [("embed_tokens.weight", "token_embedding.weight"), ("embed_positions.weight", "positional_embedding"), ("layers.", "blocks."),
         ("self_attn_layer_norm", "attn_ln"), ("encoder_attn_layer_norm", "cross_attn_ln"), ("final_layer_norm", "mlp_ln"), ("self_attn.", "attn."),
         ("encoder_attn.", "cross_attn."), ("q_proj", "query"), ("k_proj", "key"), ("v_proj", "value"), ("out_proj", "out"), ("fc1", "mlp.0"),
         ("fc2", "mlp.2"), ("encoder.layer_norm", "encoder.ln_post"), ("decoder.layer_norm", "decoder.ln")]


def build(c, weights, heads):
    """The reference's model, of the shape that transformers' config.json names."""
    m = Whisper(ModelDimensions(c["num_mel_bins"], c["max_source_positions"], c["d_model"], c["encoder_attention_heads"], c["encoder_layers"],
                                c["vocab_size"], c["max_target_positions"], c["d_model"], c["decoder_attention_heads"], c["decoder_layers"]))
    for blocks, hidden in [(m.encoder.blocks, c["encoder_ffn_dim"]), (m.decoder.blocks, c["decoder_ffn_dim"])]:
        for b in blocks:  # the reference knows four times the width only
            b.mlp = torch.nn.Sequential(torch.nn.Linear(c["d_model"], hidden), torch.nn.GELU(), torch.nn.Linear(hidden, c["d_model"]))
    state = {}
    for k, v in weights.items():
        k = k.removeprefix("model.")
        for a, b in NAMES:
            k = k.replace(a, b)
        if k != "proj_out.weight":
            state[k] = v.float()
    m.load_state_dict(state)
    mask = torch.zeros(c["decoder_layers"], c["decoder_attention_heads"], dtype=torch.bool)
    for layer, head in heads:
        mask[layer, head] = True
    m.register_buffer("alignment_heads", mask.to_sparse(), persistent=False)
    return m.eval()


def sequence(m, sound, frames, **options):
    """What the reference's transcribe finds when the features of each window are made of its samples and a frame of silence alone, zeros
    behind them: they hold their own numbers until a window is cut out of them."""
    content = len(sound) // 160
    extractor = WhisperFeatureExtractor(feature_size=m.dims.n_mels)

    def window(index, n):
        index = index[0, :n]
        index = index[index < content]
        samples, features = np.zeros((len(index) + 1) * 160, np.float32), np.zeros((m.dims.n_mels, n), np.float32)
        if len(index):
            part = sound[int(index[0]) * 160 : (int(index[-1]) + 1) * 160]
            samples[: len(part)] = part
            features[:, : len(index)] = extractor._np_extract_fbank_features(samples[None], "cpu")[0][:, : len(index)]
        return torch.from_numpy(features)

    transcribe.log_mel_spectrogram = lambda *_, **__: torch.arange(content + frames)[None]
    transcribe.pad_or_trim = window
    r = transcribe.transcribe(m, sound, **dict({"temperature": (0.0,), "fp16": False}, **options))
    segments = [dict(start=s["start"], end=s["end"], text=s["text"], ids=s["tokens"], avg=s["avg_logprob"], no_speech=s["no_speech_prob"],
                     words=[[w["word"], w["start"], w["end"], float(w["probability"])] for w in s.get("words", [])])
                for s in r["segments"] if s["tokens"]]
    return dict(samples=len(sound), options=options, language=r["language"], segments=segments)
