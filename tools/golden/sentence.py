"""Makes tiny random sentence encoders of each kind in sentence-transformers' layout, with every stage's output as transformers computes
it, under model/sentence/testdata. The pooling and the dense layers follow sentence-transformers' modules, in torch."""
import json
import os
import shutil

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (BertConfig, BertModel, DistilBertConfig, DistilBertModel, MPNetConfig, MPNetModel, MPNetTokenizer, RobertaConfig,
                          RobertaModel, XLMRobertaConfig, XLMRobertaModel)
from transformers.models.mpnet.modeling_mpnet import MPNetEncoder

from token_strings import strings

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
OUT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../model/sentence/testdata"))
TEXTS = ["A cat sits on the mat.", "two dogs", "", "It's 3 o'clock: naïve façades … 日本!",
         "a long sentence that goes on and on about cats and dogs and mats until the model has had enough of it and cuts it off here"]


def tokenizer(kind):
    """A tokenizer of the kind's family, trained on the texts."""
    if kind == "mpnet":
        t, _ = tokenizer("bert")
        vocab = ["<s>", "<pad>", "</s>", "<unk>"] + [x for x, _ in sorted(t.get_vocab().items(), key=lambda x: x[1])[1:]] + ["<mask>"]
        vocab.remove("[CLS]")
        vocab.remove("[SEP]")
        return MPNetTokenizer({x: i for i, x in enumerate(vocab)})._tokenizer, 1
    first, last, pad, unknown = ("<s>", "</s>", "<pad>", "<unk>") if "roberta" in kind else ("[CLS]", "[SEP]", "[PAD]", "[UNK]")
    special = [first, pad, last, unknown] if "roberta" in kind else [pad, unknown, first, last]
    if kind == "roberta":
        t = Tokenizer(models.BPE())
        t.pre_tokenizer, t.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
        trainer = trainers.BpeTrainer(vocab_size=330, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    elif kind == "xlm-roberta":
        t = Tokenizer(models.Unigram())
        t.normalizer, t.pre_tokenizer = normalizers.NFKC(), pre_tokenizers.Metaspace()
        trainer = trainers.UnigramTrainer(vocab_size=90, special_tokens=special, unk_token=unknown)
    else:
        t = Tokenizer(models.WordPiece(unk_token=unknown))
        t.normalizer, t.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
        t.decoder = decoders.WordPiece()
        trainer = trainers.WordPieceTrainer(vocab_size=120, special_tokens=special)
    t.train_from_iterator(TEXTS, trainer)
    ids = [(first, t.token_to_id(first)), (last, t.token_to_id(last))]
    t.post_processor = processors.TemplateProcessing(single=f"{first} $A {last}", special_tokens=ids)
    return t, t.token_to_id(pad)


def write(folder, name, data):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "w") as f:
        json.dump(data, f, indent=1)


def pooled(mode, h):
    return {"cls": lambda: h[0], "mean": lambda: h.mean(0), "max": lambda: h.max(0).values,
            "mean_sqrt_len": lambda: h.sum(0) / h.shape[0] ** 0.5, "lasttoken": lambda: h[-1]}[mode]()


FIELDS = {"cls": "pooling_mode_cls_token", "max": "pooling_mode_max_tokens", "mean": "pooling_mode_mean_tokens",
          "mean_sqrt_len": "pooling_mode_mean_sqrt_len_tokens", "lasttoken": "pooling_mode_lasttoken"}


def make(kind, config, model, modes, dense=(), limit=None, prompt=None, lower=False, prefix="", normalize=True):
    folder = os.path.join(OUT, kind)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    t, pad = tokenizer(kind)
    t.save(os.path.join(folder, "tokenizer.json"))
    torch.manual_seed(7)
    m = model(config(t.get_vocab_size(), pad)).eval()
    for p in m.parameters():
        p.data = torch.randn(p.shape) * 0.2 + (1 if p.dim() == 1 and p.shape[0] == 24 and torch.rand(()) < 0.5 else 0)
    m.config.save_pretrained(folder)
    save_file({prefix + k: v.contiguous() for k, v in m.state_dict().items()}, os.path.join(folder, "model.safetensors"))
    modules = [{"path": "", "type": "sentence_transformers.models.Transformer"}, {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}]
    write(os.path.join(folder, "1_Pooling"), "config.json", {"word_embedding_dimension": 24, **{f: m_ in modes for m_, f in FIELDS.items()}})
    layers, width = [], 24 * len(modes)
    for i, (out, bias, act) in enumerate(dense):
        sub = os.path.join(folder, f"{i + 2}_Dense")
        layer = torch.nn.Linear(width, out, bias)
        layer.weight.data = torch.randn(out, width) * 0.2
        write(sub, "config.json", {"in_features": width, "out_features": out, "bias": bias, "activation_function": f"torch.nn.modules.{'linear' if act == 'Identity' else 'activation'}.{act}"})
        state = {"linear." + k: v for k, v in layer.state_dict().items()}
        if normalize:
            save_file(state, os.path.join(sub, "model.safetensors"))
        else:  # older files
            torch.save(state, os.path.join(sub, "pytorch_model.bin"))
        modules.append({"path": f"{i + 2}_Dense", "type": "sentence_transformers.models.Dense"})
        layers.append((layer, act))
        width = out
    if normalize:
        modules.append({"path": "9_Normalize", "type": "sentence_transformers.models.Normalize"})
    write(folder, "modules.json", [{"idx": i, "name": str(i), **x} for i, x in enumerate(modules)])
    write(folder, "sentence_bert_config.json", {"max_seq_length": limit, "do_lower_case": lower})
    write(folder, "config_sentence_transformers.json", {"prompts": {"query": "query: ", "document": "passage: "}, "default_prompt_name": prompt})
    golden = {}
    for i, text in enumerate(TEXTS):
        text = ({"query": "query: "}.get(prompt, "")) + text
        ids = t.encode(text.lower() if lower else text).ids
        if limit and len(ids) > limit:
            ids = ids[: limit - 1] + ids[-1:]
        with torch.no_grad():
            h = m(input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long)).last_hidden_state[0]
            order = [x for x in ("cls", "max", "mean", "mean_sqrt_len", "lasttoken") if x in modes]
            v = torch.cat([pooled(x, h) for x in order])
            for layer, act in layers:
                v = layer(v)
                if act == "Tanh":
                    v = torch.tanh(v)
        golden |= {f"{i}.ids": torch.tensor(ids, dtype=torch.int32), f"{i}.hidden": h, f"{i}.vector": v}
    if kind == "mpnet":
        with open(os.path.join(folder, "vocab.txt"), "w") as f:
            f.writelines(x + "\n" for x, _ in sorted(t.get_vocab().items(), key=lambda x: x[1]))
        write(folder, "tokenizer_config.json", {"tokenizer_class": "MPNetTokenizer", "do_lower_case": True, "model_max_length": limit})
        rows = [t.encode(x).ids for x in strings()]
        golden |= {"torture.ids": torch.tensor(sum(rows, []), dtype=torch.int32), "torture.lengths": torch.tensor([len(r) for r in rows], dtype=torch.int32),
                   "buckets": MPNetEncoder.relative_position_bucket(torch.arange(-600, 601)).int()}
    save_file({k: v.contiguous() for k, v in golden.items()}, os.path.join(folder, "golden.safetensors"))


SHAPE = dict(hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=40)
make("bert", lambda v, pad: BertConfig(vocab_size=v, max_position_embeddings=40, pad_token_id=pad, **SHAPE), BertModel, ["mean"], limit=16)
make("roberta", lambda v, pad: RobertaConfig(vocab_size=v, max_position_embeddings=40, type_vocab_size=1, pad_token_id=pad, layer_norm_eps=1e-5,
                                             **SHAPE), RobertaModel, ["cls", "max"], [(10, True, "Tanh")], limit=20, prefix="roberta.")
make("xlm-roberta", lambda v, pad: XLMRobertaConfig(vocab_size=v, max_position_embeddings=140, type_vocab_size=1, pad_token_id=pad, layer_norm_eps=1e-5,
                                                    **SHAPE), XLMRobertaModel, ["mean"], prompt="query")
make("distilbert", lambda v, pad: DistilBertConfig(vocab_size=v, max_position_embeddings=64, pad_token_id=pad, dim=24, n_layers=2, n_heads=3, hidden_dim=40,
                                                   activation="gelu"), DistilBertModel, ["mean_sqrt_len", "lasttoken"], [(30, False, "Identity"), (12, True, "Tanh")], lower=True)
make("mpnet", lambda v, pad: MPNetConfig(vocab_size=v, max_position_embeddings=140, pad_token_id=pad, layer_norm_eps=1e-5, **SHAPE), MPNetModel, ["mean"],
     limit=100)
make("clip-text", lambda v, pad: DistilBertConfig(vocab_size=v, max_position_embeddings=64, pad_token_id=pad, dim=24, n_layers=1, n_heads=3, hidden_dim=40,
                                                  activation="gelu"), DistilBertModel, ["mean"], [(32, False, "Identity")], limit=32, normalize=False)
