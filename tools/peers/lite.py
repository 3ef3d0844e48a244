"""EfficientNet-Lite0 in PyTorch, with the names of timm."""
import torch
from torch import nn
from torch.nn import functional as F

# Blocks, channels, kernel, stride and factor of expansion of each stage.
STAGES = [(1, 16, 3, 1, 1), (2, 24, 3, 2, 6), (2, 40, 5, 2, 6), (3, 80, 3, 2, 6), (3, 112, 5, 1, 6), (4, 192, 5, 2, 6), (1, 320, 3, 1, 6)]
SIDE, STEM, HEAD = 224, 32, 1280


class Conv(nn.Conv2d):
    """A convolution with TensorFlow's padding."""

    def __init__(self, inputs, outputs, kernel=1, stride=1, groups=1):
        super().__init__(inputs, outputs, kernel, stride, groups=groups, bias=False)

    def forward(self, x):
        pads = [max((-(-n // self.stride[0]) - 1) * self.stride[0] + self.kernel_size[0] - n, 0) for n in x.shape[:1:-1]]
        if any(pads):
            x = F.pad(x, [end for p in pads for end in (p // 2, p - p // 2)])
        return super().forward(x)


def norm(channels):
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class Block(nn.Module):
    def __init__(self, inputs, outputs, kernel, stride, factor):
        super().__init__()
        wide = inputs * factor
        self.skip = stride == 1 and inputs == outputs
        if factor > 1:
            self.conv_pw, self.bn1 = Conv(inputs, wide), norm(wide)
            self.conv_dw, self.bn2 = Conv(wide, wide, kernel, stride, wide), norm(wide)
            self.conv_pwl, self.bn3 = Conv(wide, outputs), norm(outputs)
        else:
            self.conv_dw, self.bn1 = Conv(wide, wide, kernel, stride, wide), norm(wide)
            self.conv_pw, self.bn2 = Conv(wide, outputs), norm(outputs)

    def forward(self, x):
        if hasattr(self, "conv_pwl"):
            y = F.relu6(self.bn2(self.conv_dw(F.relu6(self.bn1(self.conv_pw(x))))))
            y = self.bn3(self.conv_pwl(y))
        else:
            y = self.bn2(self.conv_pw(F.relu6(self.bn1(self.conv_dw(x)))))
        return x + y if self.skip else y


class Lite0(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv_stem, self.bn1 = Conv(3, STEM, 3, 2), norm(STEM)
        stages, c = [], STEM
        for blocks, out, kernel, stride, factor in STAGES:
            stages.append(nn.Sequential(*(Block(c if i == 0 else out, out, kernel, stride if i == 0 else 1, factor) for i in range(blocks))))
            c = out
        self.blocks = nn.Sequential(*stages)
        self.conv_head, self.bn2 = Conv(c, HEAD), norm(HEAD)

    def forward(self, x):
        x = self.blocks(F.relu6(self.bn1(self.conv_stem(x))))
        return F.relu6(self.bn2(self.conv_head(x))).mean((2, 3))

    def entries(self):
        return {k: v.detach().contiguous().clone() for k, v in self.state_dict().items() if not k.endswith("num_batches_tracked")}


def make():
    """A tower of random weights whose values neither vanish nor grow."""
    model = Lite0()
    for m in model.modules():
        if isinstance(m, nn.Conv2d):
            nn.init.kaiming_normal_(m.weight, mode="fan_in" if m.groups == 1 else "fan_out")
    return model


def count():
    """Weights of convolutions and multiply-adds of a picture."""
    side, c = SIDE // 2, STEM
    weights, work = 27 * STEM, 27 * STEM * side * side
    for blocks, out, kernel, stride, factor in STAGES:
        for i in range(blocks):
            wide, before = c * factor, side
            side = -(-side // (stride if i == 0 else 1))
            expand, deep, narrow = (c * wide if factor > 1 else 0), wide * kernel * kernel, wide * out
            weights, work, c = weights + expand + deep + narrow, work + expand * before * before + (deep + narrow) * side * side, out
    return weights + c * HEAD, work + c * HEAD * side * side
