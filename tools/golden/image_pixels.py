"""Pictures made from a formula, the same here and in media/image/golden_test.go, so that no input needs storing."""
import numpy as np


def pixels(w, h, channels, style, seed=1):
    """Return uint8 [h, w, channels]. Styles: noise, hard (only 0 and 255), photo (waves, an edge and grain)."""
    i = np.arange(w * h * channels, dtype=np.uint64)
    x = (i + np.uint64(seed * 1000003)) * np.uint64(0x9E3779B97F4A7C15)
    x ^= x >> np.uint64(29)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(32)
    noise = (x & np.uint64(255)).astype(np.int64).reshape(h, w, channels)
    if style == "noise":
        return noise.astype(np.uint8)
    if style == "hard":
        return np.where(noise > 127, 255, 0).astype(np.uint8)
    # photo: integer arithmetic only
    yy, xx, cc = np.meshgrid(np.arange(h), np.arange(w), np.arange(channels), indexing="ij")
    gx = xx * 510 // max(w - 1, 1)
    gy = yy * 510 // max(h - 1, 1)
    fold = lambda v: 255 - np.abs(v % 511 - 255)
    wave = (fold(gx + cc * 85) + fold(gy * 2 + gx // 2 + cc * 40)) // 2
    edge = np.where((xx * 3 + yy * 2) % (w + h) < (w + h) // 4, 60, 0)
    return np.clip(wave + edge + noise // 16 - 8, 0, 255).astype(np.uint8)
