"""Makes tiny random Chinese-CLIP models under model/chineseclip/testdata, in the layout of transformers, with every stage's output and
what their tokenizers make of the torture list and of texts of Chinese."""
import gzip
import json
import os
import shutil

import torch
from safetensors.torch import save_file
from tokenizers import normalizers, pre_tokenizers
from transformers import BertTokenizer, ChineseCLIPConfig, ChineseCLIPImageProcessorPil, ChineseCLIPModel

from token_strings import strings

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
OUT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../model/chineseclip/testdata"))
TEXTS = ["一只可爱的小猫", "", "杰尼龟 and 皮卡丘，在2024年的夏天！", "长城" * 30]
CHINESE = TEXTS + """两只狗在雪地里奔跑。
“你好，世界！”他说：《红楼梦》——第１２回……
我买了3.5公斤苹果，花了￥12.80元（打八折）。
iPhone15手机壳 透明 防摔TPU软壳 男女通用款
生僻字：𠮷野家、龘靐齉爩、㐀㐁㐂、﨑﨟、〇〡〢、⼀⼁⼂
繁體中文與简体中文：臺灣、台湾；龍、龙；發、发
注音ㄅㄆㄇ 拼音nǐ hǎo zhōng guó，日文ひらがなカタカナ、한국어
全角ＡＢＣ　１２３，半角ABC 123
café naïve Ångström Über ÉCOLE 在中文里
supercalifragilisticexpialidociousantidisestablishmentarianismpneumonoultramicroscopicsilicovolcanoconiosisfloccinaucinihilipilification是一个长词
aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
[UNK]和[MASK]以及[CLS] [SEP][PAD]都是特殊符号，[unk]不是
😀一个笑脸👨‍👩‍👧‍👦一家人🇨🇳
http://www.example.com/图片?名=值&甲=乙
零\u200b宽\u200d字\ufeff符 不间断\u00a0空格\u3000全角空格
阿\u0301里 à\u0300 한글 각
ⅣⅨ①②㊣㈱℃№™½
「」『』【】〔〕〖〗、。，；：？！…—～·""".split("\n")


def vocabulary():
    """A small vocabulary: the characters of most of the texts, pieces of words, and every other word."""
    clean = normalizers.BertNormalizer(lowercase=True)
    cut = pre_tokenizers.BertPreTokenizer()
    words = []
    for text in CHINESE + strings()[:20]:
        words += [w for w, _ in cut.pre_tokenize_str(clean.normalize_str(text))]
    words = sorted(set(words))
    characters = sorted({c for w in words for c in w})
    known = [c for i, c in enumerate(characters) if i % 7]  # some are unknown
    pieces = sorted({"##" + c for c in known if c.isalnum() and not 0x3400 <= ord(c) < 0xa000} | {"##" + w[-3:] for w in words if 3 < len(w) < 20})
    vocab = ["[PAD]", "[unused1]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + known + pieces + [w for i, w in enumerate(words) if i % 2 and 1 < len(w) < 60]
    return list(dict.fromkeys(vocab))


def make(name, size, patch, limit, fast, processor, old=False, text={}, vision={}):
    folder = os.path.join(OUT, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    vocab = vocabulary()
    t = BertTokenizer({v: i for i, v in enumerate(vocab)})
    if fast:
        t._tokenizer.save(os.path.join(folder, "tokenizer.json"))
    else:
        with open(os.path.join(folder, "vocab.txt"), "w", encoding="utf-8") as f:
            f.writelines(v + "\n" for v in vocab)
    config = ChineseCLIPConfig(
        text_config=dict(vocab_size=len(vocab), hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=3,
                         max_position_embeddings=limit, **text),
        vision_config=dict(hidden_size=20, intermediate_size=36, num_hidden_layers=3, num_attention_heads=2, image_size=size, patch_size=patch, **vision),
        projection_dim=14)
    torch.manual_seed(5)
    m = ChineseCLIPModel(config).eval()
    for n, p in m.named_parameters():
        p.data = torch.randn(p.shape) * 0.2 + (1.0 if "norm" in n.lower() and n.endswith("weight") else 0.0)
    m.logit_scale.data.fill_(2.0)
    m.config.architectures = ["ChineseCLIPModel"]
    m.config.save_pretrained(folder)
    file = os.path.join(folder, "config.json")
    data = json.load(open(file))
    if old:  # the first files had both spellings, of which this one counts
        data["text_config_dict"], data["text_config"] = data["text_config"], {"hidden_size": 999}
        data["vision_config_dict"] = None
        del data["architectures"]
        json.dump(data, open(file, "w"), indent=1)
    state = {k: v.contiguous() for k, v in m.state_dict().items()}
    if old:  # and buffers among the weights
        state["text_model.embeddings.position_ids"] = torch.arange(limit)[None]
        state["vision_model.embeddings.position_ids"] = torch.arange((size // patch) ** 2 + 1)[None]
    save_file(state, os.path.join(folder, "model.safetensors"))
    with open(os.path.join(folder, "preprocessor_config.json"), "w") as f:
        json.dump(processor, f, indent=1)
    golden, rows = {}, []
    for text in TEXTS:
        ids = t._tokenizer.encode(text).ids
        rows.append(ids[: limit - 1] + ids[-1:] if len(ids) > limit else ids)
    longest = max(map(len, rows))
    ids = torch.tensor([r + [0] * (longest - len(r)) for r in rows])
    mask = torch.tensor([[1] * len(r) + [0] * (longest - len(r)) for r in rows])
    from PIL import Image
    ramp = torch.arange(37 * 23 * 3).reshape(23, 37, 3) * 7 % 256
    pixels = ChineseCLIPImageProcessorPil(**processor)(Image.fromarray(ramp.byte().numpy()), return_tensors="pt")["pixel_values"]
    pixels = torch.cat([pixels, torch.randn(1, 3, size, size)])
    with torch.no_grad():
        out = m(input_ids=ids, attention_mask=mask, pixel_values=pixels, output_hidden_states=True)
        words, images = m.get_text_features(input_ids=ids, attention_mask=mask), m.get_image_features(pixel_values=pixels)
    hidden = out.text_model_output.hidden_states
    for i, r in enumerate(rows):
        for j, h in enumerate(hidden):
            golden[f"{i}.hidden.{j}"] = h[i, : len(r)]
    for j, h in enumerate(out.vision_model_output.hidden_states):
        golden[f"vision.hidden.{j}"] = h
    golden |= {"ids": torch.tensor(sum(rows, [])).int(), "lengths": torch.tensor([len(r) for r in rows]).int(), "pixels": pixels,
               "text": words.pooler_output, "vision": images.pooler_output, "logits_per_image": out.logits_per_image, "probs": out.logits_per_image.softmax(1)}
    for list_name, texts in ("torture", strings()), ("chinese", CHINESE):
        tokens = [t._tokenizer.encode(x).ids for x in texts]
        golden |= {list_name + ".ids": torch.tensor(sum(tokens, [])).int(), list_name + ".lengths": torch.tensor([len(x) for x in tokens]).int()}
    save_file({k: v.contiguous() for k, v in golden.items()}, os.path.join(folder, "golden.safetensors"))


SQUARE = {"do_center_crop": False, "do_convert_rgb": True, "do_normalize": True, "do_resize": True, "feature_extractor_type": "ChineseCLIPFeatureExtractor",
          "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711], "resample": 3, "size": {"height": 24, "width": 24}}
make("vocab", 24, 8, 40, False, SQUARE)
make("old", 21, 7, 18, True, {"image_processor_type": "ChineseCLIPImageProcessor", "size": {"shortest_edge": 21}, "crop_size": {"height": 21, "width": 21}},
     old=True, text={"hidden_act": "gelu_new", "layer_norm_eps": 1e-5}, vision={"hidden_act": "gelu"})
with open(os.path.join(OUT, "texts.json.gz"), "wb") as f, gzip.GzipFile(fileobj=f, mode="wb", mtime=0, filename="") as g:
    g.write(json.dumps({"strings": CHINESE}, ensure_ascii=False).encode())
