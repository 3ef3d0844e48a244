"""Writes token/testdata: small tokenizers of every family and what the reference makes of the torture list.

Needs, besides requirements.txt, the package sentencepiece (for its precompiled normalizer). Run it from anywhere.
For each string: the number of its tokens, and the CRC-32 of "id TAB token TAB start TAB end TAB word LF" for each token, offsets in
bytes. Run with --dump FAMILY N to see those lines for one string.
"""
import gzip
import io
import json
import os
import shutil
import sys
import tempfile
import zlib

os.environ["TOKENIZERS_PARALLELISM"] = "false"
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from tokenizers.normalizers import Sequence as NSeq
from tokenizers.pre_tokenizers import Sequence as PSeq

from token_strings import LONG, corpus, strings

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "token", "testdata")
STRINGS = strings()
CORPUS = corpus()

CLIP = r"""<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"""
GPT2 = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
LLAMA3 = r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"""
QWEN2 = r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"""
O200K = r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"""


def save(name, obj):
    data = obj if isinstance(obj, bytes) else json.dumps(obj, ensure_ascii=False, separators=(",", ":")).encode()
    with open(os.path.join(OUT, name + ".gz"), "wb") as f, gzip.GzipFile(fileobj=f, mode="wb", mtime=0, compresslevel=9, filename="") as g:
        g.write(data)


def byte_offsets(s):
    at = [0]
    for c in s:
        at.append(at[-1] + len(c.encode()))
    return at


def lines(e, s, pair=None):
    tables = [byte_offsets(s), byte_offsets(pair) if pair is not None else None]
    seqs = e.sequence_ids
    out = []
    for i, (t, tok, (a, b), w) in enumerate(zip(e.ids, e.tokens, e.offsets, e.word_ids)):
        at = tables[seqs[i] or 0]
        out.append(f"{t}\t{tok}\t{at[a]}\t{at[b]}\t{-1 if w is None else w}\n")
    return out


def crc(parts):
    return zlib.crc32("".join(parts).encode())


def trained(model, trainer, normalizer=None, pre=None):
    t = Tokenizer(model)
    if normalizer:
        t.normalizer = normalizer
    if pre:
        t.pre_tokenizer = pre
    t.train_from_iterator(CORPUS, trainer)
    return t


def bpe(size, specials=(), alphabet=(), **kw):
    return trainers.BpeTrainer(vocab_size=size, special_tokens=list(specials), initial_alphabet=list(alphabet), show_progress=False, **kw)


BYTES = sorted(pre_tokenizers.ByteLevel.alphabet())


def charsmap(tmp):
    import sentencepiece as spm
    with open(tmp + "/c.txt", "w") as f:
        f.write("\n".join(CORPUS))
    spm.SentencePieceTrainer.train(input=tmp + "/c.txt", model_prefix=tmp + "/m", vocab_size=1000, normalization_rule_name="nmt_nfkc", minloglevel=2,
                                   character_coverage=0.98, hard_vocab_limit=False)
    spec = field(open(tmp + "/m.model", "rb").read(), 3)  # ModelProto.normalizer_spec
    return field(spec, 2)  # NormalizerSpec.precompiled_charsmap


def field(message, number):
    """The bytes of one length-delimited field of a protocol buffer message."""
    i = 0
    def varint():
        nonlocal i
        n = shift = 0
        while True:
            b = message[i]
            i += 1
            n |= (b & 127) << shift
            shift += 7
            if b < 128:
                return n
    while i < len(message):
        key = varint()
        if key & 7 == 2:
            n = varint()
            if key >> 3 == number:
                return message[i:i + n]
            i += n
        elif key & 7 == 0:
            varint()
        else:
            i += 8 if key & 7 == 1 else 4
    raise ValueError(f"no field {number}")


def families(cmap):
    fam = {}
    # GPT-2
    t = trained(models.BPE(), bpe(1500, ["<|endoftext|>"], BYTES), pre=pre_tokenizers.ByteLevel(add_prefix_space=False))
    t.decoder, t.post_processor = decoders.ByteLevel(), processors.ByteLevel(trim_offsets=True)
    fam["gpt2"] = t
    # RoBERTa
    t = trained(models.BPE(), bpe(1500, ["<s>", "<pad>", "</s>", "<unk>"], BYTES), pre=pre_tokenizers.ByteLevel(add_prefix_space=True))
    t.add_special_tokens([AddedToken("<mask>", lstrip=True, special=True)])
    t.decoder = decoders.ByteLevel()
    t.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=True)
    fam["roberta"] = t
    # Llama 2: characters, byte fallback, no pre-tokenizer
    byte_tokens = ["<0x%02X>" % i for i in range(256)]
    norm = NSeq([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    t = trained(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True), bpe(1200, ["<unk>", "<s>", "</s>"] + byte_tokens, limit_alphabet=300), norm,
                pre_tokenizers.Split("\u2581", "merged_with_next"))
    j = json.loads(t.to_str())
    j["pre_tokenizer"] = None
    j["added_tokens"] = [a for a in j["added_tokens"] if not a["content"].startswith("<0x")]
    t = Tokenizer.from_str(json.dumps(j))
    t.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    t.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B:1", special_tokens=[("<s>", 1)])
    fam["llama2"] = t
    # the same as transformers writes it now: Metaspace, first only
    j = json.loads(t.to_str())
    j["normalizer"] = None
    j["pre_tokenizer"] = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": False}
    j["decoder"] = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": False}
    fam["llama2_meta"] = Tokenizer.from_str(json.dumps(j))
    # Llama 3 and Qwen 2
    for name, pat, nf in (("llama3", LLAMA3, None), ("qwen2", QWEN2, normalizers.NFC())):
        pre = PSeq([pre_tokenizers.Split(Regex(pat), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
        t = trained(models.BPE(ignore_merges=name == "llama3"), bpe(1500, alphabet=BYTES), nf, pre)
        t.add_special_tokens(["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>", "<|im_start|>", "<|im_end|>", "<|endoftext|>"])
        t.decoder = decoders.ByteLevel()
        if name == "llama3":
            n = t.token_to_id("<|begin_of_text|>")
            t.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), processors.TemplateProcessing(
                single="<|begin_of_text|> $A", pair="<|begin_of_text|> $A <|begin_of_text|>:1 $B:1", special_tokens=[("<|begin_of_text|>", n)])])
            j = json.loads(t.to_str())
            # ignore_merges shows only on words in the vocabulary that their merges do not reach
            nxt = t.get_vocab_size() + 5
            for w in ("Ġquick", "zzz", "Ġdont", "photo"):
                if w not in j["model"]["vocab"]:
                    j["model"]["vocab"][w] = nxt
                    nxt += 1
            t = Tokenizer.from_str(json.dumps(j))
        else:
            t.post_processor = processors.ByteLevel(trim_offsets=False)
        fam[name] = t
    # Gemma
    t = trained(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True), bpe(1200, ["<pad>", "<eos>", "<bos>", "<unk>"] + byte_tokens, limit_alphabet=300),
                normalizers.Replace(" ", "\u2581"), pre_tokenizers.Split(" ", "merged_with_previous"))
    extra = ["<unused%d>" % i for i in range(40)] + ["\n" * n for n in range(1, 8)] + ["\u2581" * n for n in range(2, 8)] + ["<start_of_turn>", "<table>", "<b>", "</b>", "\t\t"]
    t.add_tokens([AddedToken(x, normalized=False) for x in extra])
    t.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()])
    t.post_processor = processors.TemplateProcessing(single="<bos> $A", pair="<bos> $A <bos>:1 $B:1", special_tokens=[("<bos>", 2)])
    fam["gemma"] = t
    # BERT
    for name, lower in (("bert_uncased", True), ("bert_cased", False)):
        t = trained(models.WordPiece(unk_token="[UNK]"), trainers.WordPieceTrainer(vocab_size=1600, show_progress=False, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]),
                    normalizers.BertNormalizer(lowercase=lower), pre_tokenizers.BertPreTokenizer())
        t.decoder = decoders.WordPiece()
        t.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2)) if lower else processors.TemplateProcessing(
            single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
        fam[name] = t
    # Unigram: T5, XLM-R, SigLIP
    pre_map = normalizers.Precompiled(cmap)
    uni = lambda specials: trainers.UnigramTrainer(vocab_size=1200, show_progress=False, special_tokens=specials, unk_token="<unk>")
    t = trained(models.Unigram(), uni(["<pad>", "</s>", "<unk>"]), pre_map, PSeq([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]))
    t.add_special_tokens(["<extra_id_%d>" % i for i in range(3)])
    t.decoder = decoders.Metaspace()
    t.post_processor = processors.TemplateProcessing(single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)])
    fam["t5"] = t
    t = trained(models.Unigram(), uni(["<s>", "<pad>", "</s>", "<unk>"]), NSeq([pre_map, normalizers.Replace(Regex(" {2,}"), " ")]), pre_tokenizers.Metaspace())
    t.add_special_tokens([AddedToken("<mask>", lstrip=True, special=True)])
    t.decoder = decoders.Metaspace()
    t.post_processor = processors.TemplateProcessing(single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    fam["xlmr"] = t
    punct = "".join("\\" + c if c in r"!\"#$%&'()*+,-./:;<=>?@[\]^_`{|}~" else c for c in r"""!"#$%&'()*+,-./:;<=>?@[\]^_`{|}~""")
    t = trained(models.Unigram(), uni(["<pad>", "</s>", "<unk>"] + byte_tokens), NSeq([normalizers.Lowercase(), normalizers.Replace(Regex("[" + punct + "]"), ""), normalizers.Replace(Regex(r"\s+"), " "),
                normalizers.Strip(), pre_map]), pre_tokenizers.Metaspace())
    j = json.loads(t.to_str())
    j["model"]["byte_fallback"] = True
    j["added_tokens"] = [a for a in j["added_tokens"] if not a["content"].startswith("<0x")]
    t = Tokenizer.from_str(json.dumps(j))
    t.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace()])
    t.post_processor = processors.TemplateProcessing(single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)])
    fam["siglip"] = t
    # WordLevel
    t = trained(models.WordLevel(unk_token="[UNK]"), trainers.WordLevelTrainer(vocab_size=800, show_progress=False, special_tokens=["[UNK]", "[PAD]"]),
                NSeq([normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase()]), pre_tokenizers.Whitespace())
    fam["wordlevel"] = t
    # BPE's prefix and suffix, unknown tokens one by one
    t = trained(models.BPE(unk_token="[U]", continuing_subword_prefix="##", end_of_word_suffix="</w>"), bpe(900, ["[U]"], limit_alphabet=90, continuing_subword_prefix="##", end_of_word_suffix="</w>"),
                normalizers.NFKC(), pre_tokenizers.Whitespace())
    t.decoder = decoders.BPEDecoder()
    fam["bpe_affixes"] = t
    # no unknown token at all: what the vocabulary lacks is dropped
    t = trained(models.BPE(), bpe(600, limit_alphabet=60), pre=pre_tokenizers.WhitespaceSplit())
    fam["bpe_drops"] = t
    # DeepSeek's chain of splits
    pre = PSeq([pre_tokenizers.Split(Regex("[\r\n]"), "isolated"), pre_tokenizers.Split(Regex(r"\s?\p{L}+"), "isolated"), pre_tokenizers.Split(Regex(r"\s?\p{P}+"), "isolated"),
                pre_tokenizers.Split(Regex("[一-龥ࠀ-一가-퟿]+"), "isolated"), pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    t = trained(models.BPE(), bpe(1200, alphabet=BYTES), pre=pre)
    t.decoder = decoders.ByteLevel()
    fam["deepseek"] = t
    # every flag of added tokens
    t = trained(models.BPE(), bpe(500, alphabet=BYTES), normalizers.Lowercase(), pre_tokenizers.ByteLevel(add_prefix_space=False))
    t.add_tokens([AddedToken("FOX", normalized=True), AddedToken("dog", single_word=True), AddedToken("<l>", lstrip=True, normalized=False), AddedToken("<r>", rstrip=True, normalized=False),
                  AddedToken("<LR>", lstrip=True, rstrip=True, normalized=True), AddedToken("<W>", single_word=True, normalized=False), AddedToken("fo", normalized=False),
                  AddedToken("quick brown", normalized=True), AddedToken("é", normalized=False), AddedToken("天", normalized=True), AddedToken("  ", normalized=False)])
    t.add_special_tokens(["<sp>", AddedToken("<Sp2>", normalized=True)])
    t.decoder = decoders.ByteLevel()
    fam["added"] = t
    return fam


ADDED = ["The FOX fox Fox foxes", "dog dogs hotdog dog. a_dog dog2 (dog) dog", "a <l> b", "a   <l>b", "<l><l>  <l>", "a<r>   b", "<r> <r>", "x  <LR>  y", "x  <lr>  y <Lr>", "a<W>b <W> <W>c", "QUICK BROWN quick brown",
         "quick  brown", "é É e\u0301", "天天天 地天", "a  b   c    d", "<sp>x<SP>", "<Sp2><sp2><SP2>", "<l> <r>", "<r> <l>", "<r>  <LR>  <l>", "<W>", "_<W>", "é<W>é", "<W><W>", "  ", "   <l>", "<r>   ", "dog", "dogdog"]


def clip_files(tmp):
    """vocab.json and merges.txt of the published vocabulary, as Hugging Face has them."""
    import open_clip
    src = os.path.join(os.path.dirname(open_clip.__file__), "bpe_simple_vocab_16e6.txt.gz")
    merges = gzip.open(src).read().decode().split("\n")[1:49152 - 256 - 2 + 1]
    from open_clip.tokenizer import bytes_to_unicode
    vocab = list(bytes_to_unicode().values())
    vocab += [v + "</w>" for v in vocab] + [m.replace(" ", "") for m in merges] + ["<|startoftext|>", "<|endoftext|>"]
    json.dump({v: i for i, v in enumerate(vocab)}, open(tmp + "/vocab.json", "w"), ensure_ascii=False)
    open(tmp + "/merges.txt", "w").write("#version: 0.2\n" + "\n".join(merges) + "\n")


def golden(t, texts):
    rows = []
    for s in texts:
        e = t.encode(s)
        rows.append([len(e.ids), crc(lines(e, s))])
    return rows


def long_golden(t):
    rows = []
    for s, n in LONG:
        e = t.encode(s * n)
        rows.append([len(e.ids), crc(str(i) + " " for i in e.ids), crc(lines(e, s * n))])
    return rows


def main():
    os.makedirs(OUT, exist_ok=True)
    tmp = tempfile.mkdtemp()
    cmap = charsmap(tmp)
    if len(sys.argv) > 1 and sys.argv[1] == "--dump":
        t = families(cmap)[sys.argv[2]]
        s = (ADDED if sys.argv[2] == "added" else STRINGS)[int(sys.argv[3])]
        print(repr(s), repr(t.normalizer.normalize_str(s) if t.normalizer else None))
        print("".join(lines(t.encode(s), s)))
        return
    save("strings.json", {"strings": STRINGS, "added": ADDED, "long": LONG})
    save("nmt_nfkc", cmap)
    import base64
    b64 = base64.b64encode(cmap).decode()
    result = {}
    for name, t in families(cmap).items():
        j = t.to_str().replace(b64, "nmt_nfkc")
        save(name + ".tokenizer.json", j.encode())
        texts = ADDED if name == "added" else STRINGS
        rows = golden(t, texts)
        pairs = []
        for i in range(0, len(texts) - 1, 7):
            e = t.encode(texts[i], texts[i + 1])
            pairs.append([len(e.ids), crc(lines(e, texts[i], texts[i + 1]) + [f"{x} " for x in e.type_ids])])
        decoded = []
        for i in range(0, len(texts), 5):
            ids = t.encode(texts[i]).ids
            decoded.append([crc(t.decode(ids)), crc(t.decode(ids, skip_special_tokens=False))])
        size = t.get_vocab_size()
        salad = [[(i * 7919 + k * 104729) % (size + 3) for k in range(12)] for i in range(20)]
        decoded_salad = [[ids, t.decode(ids)] for ids in salad]
        cut = []
        if name in ("gpt2", "roberta", "bert_uncased", "bert_cased", "t5", "gemma", "llama3"):
            for length, stride, strategy, side, pad_side, pad_to in ((12, 0, "longest_first", "right", "right", None), (9, 2, "longest_first", "left", "left", 16), (15, 3, "only_first", "right", "right", 8),
                                                                     (40, 1, "only_second", "right", "left", None), (7, 1, "longest_first", "right", "right", 5)):
                t.enable_truncation(length, stride=stride, strategy=strategy, direction=side)
                t.enable_padding(direction=pad_side, pad_id=1, pad_token="PAD!", pad_type_id=2, pad_to_multiple_of=pad_to)
                for a, b in ((SAMPLES[0], SAMPLES[1]), (SAMPLES[4], SAMPLES[2] + SAMPLES[3]), (SAMPLES[1] * 3, "x"), ("a", "b")):
                    for pair in ((None,) if strategy != "only_second" else ()) + (b,):
                        try:
                            e = t.encode(a, pair) if pair is not None else t.encode(a)
                        except BaseException:  # the reference panics where it cannot cut
                            cut.append([[length, stride, strategy, side, pad_side, pad_to], [a, pair], None])
                            continue
                        rows_ = [[x.ids, x.tokens, x.type_ids, x.special_tokens_mask, x.attention_mask] for x in [e] + e.overflowing]
                        cut.append([[length, stride, strategy, side, pad_side, pad_to], [a, pair], rows_])
                t.no_truncation()
                t.no_padding()
        result[name] = {"rows": rows, "pairs": pairs, "decoded": decoded, "salad": decoded_salad, "cut": cut, "long": [] if name == "added" else long_golden(t), "size": size}
        print(name, t.get_vocab_size())
        save(name + ".golden.json", result[name])

    # transformers' CLIP, GPT-2, RoBERTa and BERT from the old files
    from transformers import AutoTokenizer, BertTokenizer, CLIPTokenizer
    clip_files(tmp)
    folders = {}
    def folder(name, files, texts):
        d = tempfile.mkdtemp()
        for f, content in files.items():
            if isinstance(content, str):
                open(d + "/" + f, "w", encoding="utf-8").write(content)
            else:
                json.dump(content, open(d + "/" + f, "w"), ensure_ascii=False)
        t = AutoTokenizer.from_pretrained(d)
        shutil.rmtree(d)
        b = t.backend_tokenizer
        keep = {f: c for f, c in files.items() if not name.startswith("clip") or f not in ("vocab.json", "merges.txt")}
        rows = [[crc(lines(b.encode(s), s)), crc(t.decode(t(s)["input_ids"], skip_special_tokens=True, clean_up_tokenization_spaces=False))] for s in texts]
        pairs = [crc(f"{x} " for x in t(texts[i], texts[i + 1])["input_ids"]) for i in range(0, len(texts) - 1, 9)]
        folders[name] = {"files": keep, "rows": rows, "pairs": pairs, "every": round(len(STRINGS) / len(texts))}
        print(name, type(t).__name__)
    vocab, merges = open(tmp + "/vocab.json").read(), open(tmp + "/merges.txt").read()
    added = lambda s, **k: {"__type": "AddedToken", "content": s, "lstrip": False, "normalized": True, "rstrip": False, "single_word": False, **k}
    sd = {"add_prefix_space": False, "bos_token": added("<|startoftext|>"), "do_lower_case": True, "eos_token": added("<|endoftext|>"), "errors": "replace", "model_max_length": 77,
          "name_or_path": "openai/clip-vit-large-patch14", "pad_token": "<|endoftext|>", "tokenizer_class": "CLIPTokenizer", "unk_token": added("<|endoftext|>")}
    plain = lambda s, **k: {"content": s, "lstrip": False, "normalized": True, "rstrip": False, "single_word": False, **k}
    folder("clip_sd", {"vocab.json": vocab, "merges.txt": merges, "tokenizer_config.json": sd,
                       "special_tokens_map.json": {"bos_token": plain("<|startoftext|>"), "eos_token": plain("<|endoftext|>"), "pad_token": "<|endoftext|>", "unk_token": plain("<|endoftext|>")}}, STRINGS)
    folder("clip_plain", {"vocab.json": vocab, "merges.txt": merges, "tokenizer_config.json": {"tokenizer_class": "CLIPTokenizer"}}, STRINGS[::3])
    folder("clip_sd2", {"vocab.json": vocab, "merges.txt": merges, "tokenizer_config.json": {**sd, "pad_token": "!"},
                        "special_tokens_map.json": {"bos_token": plain("<|startoftext|>"), "eos_token": plain("<|endoftext|>"), "pad_token": "!", "unk_token": plain("<|endoftext|>")}}, STRINGS[::3])
    def old(t):
        j = json.loads(t.to_str())["model"]
        return {"vocab.json": j["vocab"], "merges.txt": "#version: 0.2\n" + "\n".join(" ".join(m) for m in j["merges"]) + "\n"}
    fam = families(cmap)
    folder("gpt2_old", {**old(fam["gpt2"]), "tokenizer_config.json": {"tokenizer_class": "GPT2Tokenizer", "model_max_length": 1024}}, STRINGS[::3])
    folder("gpt2_bos", {**old(fam["gpt2"]), "tokenizer_config.json": {"tokenizer_class": "GPT2Tokenizer", "add_bos_token": True, "add_prefix_space": True, "pad_token": "<|pad|>",
           "added_tokens_decoder": {"1500": {"content": "<|pad|>", "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}}}}, STRINGS[::3])
    folder("roberta_old", {**old(fam["roberta"]), "tokenizer_config.json": {"tokenizer_class": "RobertaTokenizer", "add_prefix_space": False, "mask_token": added("<mask>", lstrip=True)},
                           "special_tokens_map.json": {"mask_token": plain("<mask>", lstrip=True), "bos_token": "<s>"}}, STRINGS[::3])
    bv = sorted(fam["bert_uncased"].get_vocab().items(), key=lambda x: x[1])
    folder("bert_old", {"vocab.txt": "\n".join(v for v, _ in bv) + "\n", "tokenizer_config.json": {"tokenizer_class": "BertTokenizer", "do_lower_case": True}}, STRINGS[::3])
    bv = sorted(fam["bert_cased"].get_vocab().items(), key=lambda x: x[1])
    folder("bert_old_cased", {"vocab.txt": "\n".join(v for v, _ in bv) + "\n", "tokenizer_config.json": {"tokenizer_class": "BertTokenizer", "do_lower_case": False, "strip_accents": True, "tokenize_chinese_chars": False}}, STRINGS[::3])
    save("folders.golden.json", folders)

    # open_clip
    from open_clip.tokenizer import SimpleTokenizer
    oc = SimpleTokenizer()
    rows = [oc.encode(s) for s in STRINGS]
    save("openclip.golden.json", {"rows": rows, "decoded": [oc.decode(r) for r in rows[:60]], "clean": [crc(oc.clean_fn(s)) for s in STRINGS],
                                  "long": [[len(r), crc(str(i) + " " for i in r)] for r in (oc.encode(s * (n // 20)) for s, n in LONG)]})
    # mojibake of every kind, and texts that only look a little like it
    import random
    import ftfy.bad_codecs  # noqa: F401
    from ftfy.chardata import CHARMAP_ENCODINGS
    rnd = random.Random(3)
    extra = []
    for i, x in enumerate(SAMPLES):
        for enc in CHARMAP_ENCODINGS[i % 3::3]:
            m = x.encode().decode(enc)
            extra += [m, x[:20] + m[:30]] if i % 2 else [m.replace("\xa0", " "), m.encode().decode("sloppy-windows-1252")]
    upper = bytes(range(0x80, 0x100))
    pool = "".join(upper.decode(e) for e in CHARMAP_ENCODINGS) + "  abcxyzABC.,!'?" * 6
    for _ in range(400):
        extra.append("".join(rnd.choice(pool) for _ in range(rnd.randint(2, 9))))
    oc_rows = [[x, crc(oc.clean_fn(x)), crc(f"{i} " for i in oc.encode(x))] for x in extra]
    save("mojibake.golden.json", oc_rows)
    parts(cmap, b64)
    shutil.rmtree(tmp)


def attempt(d, tokens):
    try:
        return d.decode(list(tokens))
    except BaseException:  # Strip panics on tokens shorter than what it may take
        return None


def parts(cmap, b64):
    """Every normalizer and pre-tokenizer by itself."""
    norms = [{"type": n} for n in "NFC NFD NFKC NFKD Lowercase StripAccents Nmt ByteLevel".split()]
    norms += [{"type": "Strip", "strip_left": a, "strip_right": b} for a, b in ((True, True), (True, False), (False, True))]
    norms += [{"type": "Prepend", "prepend": "\u2581x"}, {"type": "Precompiled", "precompiled_charsmap": b64}]
    norms += [{"type": "BertNormalizer", "clean_text": a, "handle_chinese_chars": b, "strip_accents": c, "lowercase": d}
              for a, b, c, d in ((True, True, None, True), (True, False, False, True), (False, True, True, False), (True, True, None, False), (False, False, False, False))]
    norms += [{"type": "Replace", "pattern": {"String": p}, "content": c} for p, c in ((" ", "\u2581"), ("a", ""), ("``", '"'), ("e", "éé"), (".", "x"))]
    norms += [{"type": "Replace", "pattern": {"Regex": p}, "content": c} for p, c in ((r"\s+", " "), (" {2,}", " "), (r"\p{L}+", "L"), (r"[^\p{L}\p{N}]", ""), (r"(?<=a)b|x*", "<>"), (r"[\p{P}&&[^,]]", ";"))]
    norms += [{"type": "Sequence", "normalizers": [{"type": "NFKD"}, {"type": "StripAccents"}, {"type": "Lowercase"}, {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "}, {"type": "Strip", "strip_left": True, "strip_right": True},
               {"type": "Prepend", "prepend": "\u2581"}, {"type": "NFC"}]},
              {"type": "Sequence", "normalizers": [{"type": "Precompiled", "precompiled_charsmap": b64}, {"type": "Lowercase"}, {"type": "NFD"}, {"type": "ByteLevel"}]}]
    pres = [{"type": n} for n in "Whitespace WhitespaceSplit BertPreTokenizer UnicodeScripts".split()]
    pres += [{"type": "ByteLevel", "add_prefix_space": a, "trim_offsets": True, "use_regex": b} for a in (True, False) for b in (True, False)]
    pres += [{"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": a, "split": b} for a in ("always", "first", "never") for b in (True, False)]
    pres += [{"type": "Digits", "individual_digits": a} for a in (True, False)] + [{"type": "CharDelimiterSplit", "delimiter": "a"}, {"type": "FixedLength", "length": 4}]
    how = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]
    pres += [{"type": "Punctuation", "behavior": b} for b in how]
    pres += [{"type": "Split", "pattern": {"String": " "}, "behavior": b, "invert": i} for b in how for i in (False, True)]
    pres += [{"type": "Split", "pattern": {"Regex": r"\p{L}+"}, "behavior": b, "invert": i} for b in how for i in (False, True)]
    pats = [CLIP, CLIP[len(r"<\|startoftext\|>|<\|endoftext\|>|"):], GPT2, LLAMA3, QWEN2, O200K, r"[\r\n]", r"\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯ]+", r"\s?[!-/:-~！-／：-～‘-‟　-。]+", r"\s+$", r"[一-龥ࠀ-一가-퟿]+", r"\p{N}+",
            r" ?[^(\s|[.,!?…。，、।۔،])]+", r"[0-9][0-9][0-9]", r"\w+|[^\w\s]+", r"\d{1,3}(?=(?:\d{3})*\b)", r"(?i)the|FOX", r"\p{Han}", r"[^\p{L}\p{M}]++", r"(?:\r?\n)+", r".{3}", r"\p{^Lu}+", r"[[:alpha:]_]+", r"\h{2}", r"(?m:a.b)",
            r"\b", r"^", r"$", r"[\x{4e00}-\x{9fff}]", r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+", r"(\p{Lu}\p{Ll}+)+", r"\S+?[aeiou]", r"(?<!\p{L})\p{Ll}", r"(?>a+)b|(?#note)c"]
    pres += [{"type": "Split", "pattern": {"Regex": p}, "behavior": "Isolated", "invert": False} for p in pats]
    pres += [{"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, {"type": "Punctuation", "behavior": "Contiguous"}, {"type": "Digits", "individual_digits": True}, {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}]},
             {"type": "Sequence", "pretokenizers": [{"type": "Metaspace", "replacement": "_", "prepend_scheme": "always", "split": True}, {"type": "Split", "pattern": {"String": "_"}, "behavior": "Isolated", "invert": False}]}]
    out = []
    base = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None, "pre_tokenizer": None, "post_processor": None, "decoder": None,
            "model": {"type": "WordLevel", "vocab": {"?": 0}, "unk_token": "?"}}
    import base64
    for key, configs in (("normalizer", norms), ("pre_tokenizer", pres)):
        for c in configs:
            t = Tokenizer.from_str(json.dumps({**base, key: c}))
            crcs = b""
            for s in STRINGS + (["a" * 40, "b a", "xx"] if key == "normalizer" else []):
                at = byte_offsets(s)
                if key == "normalizer":
                    n = t.normalizer.normalize_str(s)
                    e = t.encode(s)  # one unknown word, with its offsets
                    row = n + "\n" + "".join(f"{at[a]} {at[b]}\n" for a, b in e.offsets)
                else:
                    row = "".join(f"{p}\t{at[a]}\t{at[b]}\n" for p, (a, b) in t.pre_tokenizer.pre_tokenize_str(s))
                crcs += (zlib.crc32(row.encode()) & 0xffff).to_bytes(2, "little")
            out.append({"kind": key, "config": json.dumps(c).replace(b64, "nmt_nfkc"), "crcs": base64.b64encode(crcs).decode()})
    save("parts.golden.json", out)
    # decoders, on written tokens
    decs = [decoders.ByteLevel(), decoders.WordPiece(), decoders.WordPiece("@@", False), decoders.Metaspace(), decoders.Metaspace(prepend_scheme="never"), decoders.BPEDecoder(), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip("_", 2, 1),
            decoders.Replace("a", "bb"), decoders.Replace(Regex("[ab]+"), ""), decoders.CTC(), decoders.CTC("p", "_", False), decoders.Sequence([decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])]
    toks = [["Hello", "##llo", "Ġworld", "▁the", "▁", "a</w>", "</w>"], ["<0xE2>", "<0x82>", "<0xAC>", "x", "<0xE2>", "<0x82>", "<0xFF>", "<0x41>"], ["_a__", "__b_", "____x_", "_c"], ["aab", "abc", "", "a"],
            ["h", "h", "<pad>", "e", "l", "<pad>", "l", "|", "o", "p", "_", "_"], ["Ã©", "Ġ", "âĤ", "¬", "Ã", "天", "Ãx"], [" do not", " 's", "n't", ".", "?", "'", "x"], ["▁▁a", "▁b▁", "▁"], ["Å", "ł", "ðŁ", "ĺ", "Ģ", "ðŁ", "A"], [" x", "y "]]
    rows = []
    for d in decs:
        t = Tokenizer.from_str(json.dumps(base))
        t.decoder = d
        rows.append({"config": json.dumps(json.loads(t.to_str())["decoder"]), "in": toks, "out": [attempt(d, x) for x in toks]})
    save("decoders.golden.json", rows)


from token_strings import SAMPLES
if __name__ == "__main__":
    main()
