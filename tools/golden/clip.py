"""Writes model/clip/testdata: tiny random CLIP models in every layout, with what the reference makes of them.

Usage: python tools/golden/clip.py [VARIANT...]; without names, all of them.
"""
import os
import sys
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
warnings.filterwarnings("ignore")

import clip_common
import clip_open
import clip_openai
import clip_transformers

MODULES = [clip_transformers, clip_open, clip_openai]


def main():
    want = set(sys.argv[1:])
    clip_common.pictures()
    for module in MODULES:
        for variant in module.VARIANTS:
            if not want or variant.__name__ in want:
                variant()
    print(f"{clip_common.size(clip_common.OUT)} bytes in all")


main()
