"""Golden numbers of package metric: scikit-learn's, and those of CLIP_benchmark's retrieval, whose definition is written out here."""

import json
import pathlib

import numpy as np
import torch
from sklearn import metrics

OUT = pathlib.Path(__file__).resolve().parents[2] / "metric/testdata/golden.json"


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def recall(scores, positive, k):
    """1 where anything that belongs to the row is among its k best, as CLIP_benchmark counts."""
    best = torch.topk(torch.tensor(scores), k, dim=1)[1].numpy()
    return float(np.mean(np.take_along_axis(positive, best, 1).any(1)))


def rank_of_best(scores, positive):
    order = np.argsort(-scores, axis=1)
    return np.take_along_axis(positive, order, 1).argmax(1) + 1


def main():
    rng = np.random.default_rng(5)
    d, images, captions = 11, 23, 3
    image = unit(rng.standard_normal((images, d)).astype(np.float32))
    owner = np.repeat(np.arange(images), captions)
    rng.shuffle(owner)
    text = unit(image[owner] + rng.standard_normal((len(owner), d)).astype(np.float32) * 0.55).astype(np.float32)
    scores = text @ image.T
    positive = owner[:, None] == np.arange(images)[None]
    directions = {}
    for name, s, p in (("text", scores, positive), ("image", scores.T, positive.T)):
        ranks = rank_of_best(s, p)
        directions[name] = {
            **{f"r{k}": recall(s, p, k) for k in (1, 5, 10)},
            "ranks": ranks.tolist(), "median": float(np.median(ranks)), "mean": float(ranks.mean()), "mrr": float((1 / ranks).mean()),
            "map": float(np.mean([metrics.average_precision_score(p[i], s[i]) for i in range(len(s)) if p[i].any()])),
        }

    n = 200
    truth = rng.random(n) < 0.3
    ties = np.round(rng.standard_normal(n) + truth, 1)  # many of them equal
    threshold = 0.7
    confidence = rng.random(n)
    confidence[:4] = [0, 1, 0.2, 0.4]  # on the borders of five stretches
    right = rng.random(n) < confidence**1.5
    bins = {}
    for count in (5, 15):
        at = np.digitize(confidence, np.linspace(0, 1, count + 1), right=True)
        at = np.maximum(at, 1)
        bins[str(count)] = float(sum(
            (at == b).mean() * abs(confidence[at == b].mean() - right[at == b].mean()) for b in range(1, count + 1) if (at == b).any()))
    classes = rng.integers(0, 6, n) * 7 - 3
    answers = np.where(rng.random(n) < 0.6, classes, 4)

    labels = rng.random((40, 7)) < 0.25
    labels[:, 3] = False  # nothing belongs to it
    fits = np.round(rng.standard_normal((40, 7)) + labels, 1).astype(np.float32)
    values = np.sort(rng.standard_normal(37))
    golden = {
        "d": d, "texts": text.ravel().tolist(), "images": image.ravel().tolist(), "owner": owner.tolist(), "directions": directions,
        "scores": ties.tolist(), "truth": truth.tolist(), "auc": metrics.roc_auc_score(truth, ties), "ap": metrics.average_precision_score(truth, ties),
        "threshold": threshold, "precision": metrics.precision_score(truth, ties >= threshold), "recall": metrics.recall_score(truth, ties >= threshold),
        "confidence": confidence.tolist(), "right": right.tolist(), "calibration": bins,
        "classes": classes.tolist(), "answers": answers.tolist(), "balanced": metrics.balanced_accuracy_score(classes, answers),
        "fits": fits.T.ravel().tolist(), "members": [np.flatnonzero(labels[:, c]).tolist() for c in range(7)],
        "map": float(np.mean([metrics.average_precision_score(labels[:, c], fits[:, c]) for c in range(7) if c != 3])),
        "values": values.tolist(), "percentiles": {str(q): float(np.percentile(values, 100 * q)) for q in (0, 0.025, 0.31, 0.975, 1)},
    }
    OUT.write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
