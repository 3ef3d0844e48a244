"""Writes model/sentence/testdata/minilm.safetensors: what sentence-transformers makes of texts with the real all-MiniLM-L6-v2. minilm.py DIR, where
tools/realmodels has laid it out. The passages are about this project and about things people search for; each query has one that answers it."""
import json
import os
import sys

import torch
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer

torch.set_num_threads(1)
OUT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../model/sentence/testdata/minilm.safetensors"))
PASSAGES = [
    "chiasm is one Go binary and one Go library that compares texts and pictures without Python.",
    "Weights are read from safetensors files, which are mapped into memory and never executed.",
    "The command transcribe writes down what is said in a sound and makes subtitles of it.",
    "Silero's network tells for every 32 milliseconds how likely it is that somebody speaks.",
    "A beam search follows several hypotheses at once and keeps the likeliest.",
    "To bake bread, mix flour, water, salt and yeast, let the dough rise for two hours and put it into a hot oven.",
    "The optic chiasm is the place below the brain where half of the fibres of each optic nerve cross over.",
    "Photosynthesis turns carbon dioxide and water into sugar and oxygen with the energy of light.",
    "The Danube flows from the Black Forest to the Black Sea through ten countries.",
    "A bicycle's chain should be cleaned and oiled every few hundred kilometres.",
    "Penicillin was discovered in 1928 when mould killed bacteria in a dish that had been left open.",
    "Interest that is added to a loan and itself bears interest is called compound interest.",
    "The library closes at eight in the evening and is closed on Sundays and holidays.",
    "Debian packages are installed by apt, which also fetches what they depend on.",
    "A violin has four strings, tuned in fifths: G, D, A and E.",
    "Earthquakes happen where plates of the Earth's crust move against each other.",
    "Vaccines teach the immune system to recognise a disease before it is met.",
    "Cats sleep up to sixteen hours a day and hunt mostly at dawn and at dusk.",
    "The train to Vienna leaves from platform seven at a quarter past nine.",
    "Our refund policy: goods may be returned within thirty days with their receipt.",
    "A hash table finds a key in constant time on average by computing its place.",
    "Snow leopards live in the mountains of Central Asia, above three thousand metres.",
]
QUERIES = [
    "How do I make captions for a video?",
    "when does my train depart?",
    "can I give back something I bought",
    "where do nerves from the two eyes meet",
    "recipe for a loaf",
    "How do plants produce oxygen?",
    "installing software on Linux",
    "detecting whether there is a voice in a recording",
]


def main():
    model = SentenceTransformer(os.path.join(sys.argv[1], "minilm"), device="cpu")
    texts = PASSAGES + QUERIES
    with torch.no_grad():
        vectors = model.encode(texts, batch_size=8, convert_to_tensor=True)
    scores = vectors[len(PASSAGES):].double() @ vectors[: len(PASSAGES)].double().T
    order = scores.argsort(dim=1, descending=True, stable=True)
    for q, o in zip(QUERIES, order):
        print(q, "->", PASSAGES[o[0]], file=sys.stderr)
    save_file({"vectors": vectors.contiguous(), "ranking": order.int().contiguous()}, OUT, {"texts": json.dumps(texts)})


main()
