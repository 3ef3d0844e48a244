"""Loads folders with transformers, unchanged, and prints the vectors that each makes of texts and a picture."""

import json
import sys

import torch
from PIL import Image
from transformers import AutoModel, AutoTokenizer, PreTrainedTokenizerFast
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil



def vectors(folder, picture, texts):
    model, info = AutoModel.from_pretrained(folder, output_loading_info=True)
    model.eval()
    wrong = {k: sorted(map(str, v)) for k, v in info.items() if v}
    siglip = model.config.model_type == "siglip"
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder)
    except ValueError:  # its files name no class, and SigLIP's own wants sentencepiece
        tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    processor = (SiglipImageProcessorPil if siglip else CLIPImageProcessorPil).from_pretrained(folder)
    with torch.no_grad():
        if siglip:
            ids = tokenizer(texts, padding="max_length", max_length=model.config.text_config.max_position_embeddings, truncation=True, return_tensors="pt")
            ids = {"input_ids": ids["input_ids"]}
        else:
            ids = tokenizer(texts, padding=True, truncation=True, max_length=model.config.text_config.max_position_embeddings, return_tensors="pt")
        text = model.get_text_features(**ids).pooler_output
        pixels = processor(Image.open(picture).convert("RGB"), return_tensors="pt")["pixel_values"]
        image = model.get_image_features(pixel_values=pixels).pooler_output
    return {"wrong": wrong, "texts": text.tolist(), "image": image[0].tolist(), "scale": model.logit_scale.exp().item(), "dtype": str(model.dtype)}


picture, texts, folders = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3:]
json.dump({folder: vectors(folder, picture, texts) for folder in folders}, sys.stdout)
