"""A small tokenizer made as Gemma's is, for tiny random models."""
import json

from tokenizers import Tokenizer, decoders, models, normalizers, trainers


def gemma_bpe(texts, size, special=("<pad>", "<eos>", "<bos>", "<unk>")):
    """Byte pairs over text whose spaces are marked, bytes for what is unknown. Without a post-processor."""
    t = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    t.normalizer = normalizers.Replace(" ", "▁")
    t.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    first = list(special) + [f"<0x{i:02X}>" for i in range(256)]
    t.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=size, special_tokens=first, show_progress=False))
    data = json.loads(t.to_str())
    data["added_tokens"] = [a for a in data["added_tokens"] if a["id"] < len(special)]
    return Tokenizer.from_str(json.dumps(data))
