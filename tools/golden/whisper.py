"""Makes tiny random Whisper models under model/whisper/testdata, in the layouts of transformers and of CTranslate2, with every stage's output."""
import copy
import json
import os
import shutil

import numpy as np
import torch
from ctranslate2.converters.transformers import WhisperLoader
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GenerationConfig, WhisperConfig, WhisperForConditionalGeneration

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
OUT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../model/whisper/testdata"))
TEXTS = ["The quick brown fox jumps over the lazy dog.", " Wie heißt du? Ich heiße Ärger, und du?", " and so, my fellow friends, ask not"]
LANGUAGES = ["en", "zh", "de"]


def tokenizer(folder, multilingual):
    t = Tokenizer(models.BPE())
    t.pre_tokenizer, t.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    t.train_from_iterator(TEXTS, trainers.BpeTrainer(vocab_size=280, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    names = ["<|endoftext|>", "<|startoftranscript|>"] + [f"<|{c}|>" for c in LANGUAGES]
    names += ["<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nocaptions|>", "<|notimestamps|>"]
    t.add_special_tokens([AddedToken(n, special=True, normalized=False) for n in names])
    t.save(os.path.join(folder, "tokenizer.json"))
    return t


def stages(m, mel, windows, texts):
    """All stages for texts, each of which listens to a window."""
    golden = {"mel": mel}
    hidden = {}
    m.model.encoder.conv1.register_forward_hook(lambda _, a, y: hidden.update(conv1=y))
    with torch.no_grad():
        heard = m.model.encoder(mel, output_hidden_states=True)
        for i, h in enumerate(heard.hidden_states[:-1]):
            golden[f"encoder.{i}"] = h
        golden["encoder"] = heard.last_hidden_state
        golden["conv1"] = torch.nn.functional.gelu(hidden["conv1"]).transpose(1, 2)
        for n, (w, text) in enumerate(zip(windows, texts)):
            out = m(encoder_outputs=(heard.last_hidden_state[w : w + 1],), decoder_input_ids=torch.tensor([text]), output_attentions=True,
                    output_hidden_states=True, use_cache=False)
            golden[f"text{n}.ids"] = torch.tensor(text, dtype=torch.int32)
            golden[f"text{n}.logits"] = out.logits[0]
            golden[f"text{n}.hidden"] = torch.stack([h[0] for h in out.decoder_hidden_states])
            golden[f"text{n}.heads"] = torch.stack([out.cross_attentions[layer][0, head] for layer, head in m.generation_config.alignment_heads])
    golden["windows"] = torch.tensor(windows, dtype=torch.int32)
    return golden


def save_golden(folder, golden):
    save_file({k: v.contiguous() for k, v in golden.items()}, os.path.join(folder, "golden.safetensors"))


def convert(m, t, folder, quantization):
    """Writes a model as CTranslate2's converter does."""
    loader = WhisperLoader()
    spec = loader.get_model_spec(m)
    words = [t.id_to_token(i) for i in range(t.get_vocab_size())]
    words += ["<|%.2f|>" % (0.02 * i) for i in range(m.config.vocab_size - len(words))]
    loader.set_vocabulary(spec, words)
    loader.set_config(spec.config, m, None)
    spec.validate()
    spec.optimize(quantization=quantization)
    os.makedirs(folder)
    spec.save(folder)


def dequantized(m, like):
    """A copy of a model whose weights are what int8 leaves of them."""
    m = copy.deepcopy(m)
    for name, p in m.named_parameters():
        if p.dim() > 1 and "embed_positions" not in name:
            rows = p.data.reshape(p.shape[0], -1).numpy()
            scale = 127.0 / np.maximum(np.abs(rows).max(axis=1, keepdims=True), 1e-30)
            p.data = torch.from_numpy(np.rint(rows * scale) / scale).reshape(p.shape).float()
    return m


def make(name, multilingual, **shape):
    folder = os.path.join(OUT, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    t = tokenizer(folder, multilingual)
    vocab = t.get_vocab_size() + 20  # timestamps, which the tokenizer does not name
    one = lambda s: t.token_to_id(f"<|{s}|>")
    config = WhisperConfig(vocab_size=vocab, decoder_start_token_id=one("startoftranscript"), eos_token_id=one("endoftext"), bos_token_id=one("endoftext"),
                           pad_token_id=one("endoftext"), attn_implementation="eager", **shape)
    torch.manual_seed(5)
    m = WhisperForConditionalGeneration(config).eval()
    for n, p in m.named_parameters():
        p.data = (torch.randn(p.shape) * 0.2 + (1.0 if "norm" in n and n.endswith("weight") else 0.0)).half().float()  # every layout can hold them
    m.tie_weights()
    layers, heads = shape["decoder_layers"], shape["decoder_attention_heads"]
    generation = dict(alignment_heads=[[layers - 1, heads - 1], [0, 0], [layers - 1, 0]], suppress_tokens=[1, 2, 7, one("startofprev")],
                      begin_suppress_tokens=[220, one("endoftext")], no_timestamps_token_id=one("notimestamps"), max_initial_timestamp_index=9,
                      is_multilingual=multilingual, prev_sot_token_id=one("startofprev"))
    if multilingual:
        generation["lang_to_id"] = {f"<|{c}|>": one(c) for c in LANGUAGES}
        generation["task_to_id"] = {c: one(c) for c in ("transcribe", "translate")}
    m.generation_config = GenerationConfig(**generation)
    config.architectures = ["WhisperForConditionalGeneration"]
    config.save_pretrained(folder)
    with open(os.path.join(folder, "generation_config.json"), "w") as f:
        json.dump(generation, f, indent=1)
    state = {k: v.half().contiguous() for k, v in m.state_dict().items() if k != "proj_out.weight"}
    save_file(state, os.path.join(folder, "model.safetensors"))
    mel = torch.randn(2, shape["num_mel_bins"], 2 * shape["max_source_positions"])
    start = [one("startoftranscript")] + ([one("de"), one("transcribe")] if multilingual else [])
    texts = [start + t.encode(TEXTS[1]).ids[:12], start + [vocab - 20 + 3] + t.encode(TEXTS[2]).ids[:5], [one("startofprev"), 40, 41, 42] + start + [77]]
    windows = [1, 0, 1]
    save_golden(folder, stages(m, mel, windows, texts))
    if multilingual:
        for quantization in ("float16", "int8", "int16"):
            other = folder + "-" + quantization
            shutil.rmtree(other, ignore_errors=True)
            convert(copy.deepcopy(m), t, other, quantization)
            if quantization == "int8":
                shutil.copy(os.path.join(folder, "tokenizer.json"), other)
                save_golden(other, stages(dequantized(m, None), mel, windows, texts))


make("tiny", True, d_model=24, encoder_layers=2, encoder_attention_heads=3, encoder_ffn_dim=40, decoder_layers=3, decoder_attention_heads=2, decoder_ffn_dim=36,
     num_mel_bins=10, max_source_positions=37, max_target_positions=30)
make("english", False, d_model=32, encoder_layers=1, encoder_attention_heads=2, encoder_ffn_dim=24, decoder_layers=2, decoder_attention_heads=4, decoder_ffn_dim=40,
     num_mel_bins=7, max_source_positions=20, max_target_positions=25)
