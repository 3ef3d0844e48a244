"""Sounds by formula, in 16 bits: the same as media/audio/sounds_test.go makes."""
import numpy as np


def noise(n, seed):
    with np.errstate(over="ignore"):
        x = (np.arange(n, dtype=np.uint64) + np.uint64(seed * 1000003)) * np.uint64(0x9E3779B97F4A7C15)
        x ^= x >> np.uint64(29)
        x *= np.uint64(0xBF58476D1CE4E5B9)
        x ^= x >> np.uint64(32)
    return x.astype(np.uint16).view(np.int16).astype(np.float32) / np.float32(1 << 15)


def sound(style, n, rate):
    t = np.arange(n, dtype=np.float64) / rate
    hiss = noise(n, 7).astype(np.float64)
    if style == "silence":
        v = np.zeros(n)
    elif style == "noise":
        v = hiss * 0.5
    elif style == "tone":
        v = 0.5 * np.sin(2 * np.pi * 440 * t)
    elif style == "chirp":
        u = np.fmod(t, 5)
        v = 0.4 * np.sin(2 * np.pi * (50 * u + (0.45 * rate - 50) / 10 * u * u))
    elif style == "speech":
        v = np.zeros(n)
        for k in range(1, 10):
            f = (110 + 20 * np.sin(2 * np.pi * 0.7 * t)) * k
            formant = 500 + 300 * np.sin(2 * np.pi * 1.3 * t)
            v += (np.sin(2 * np.pi * 110 * k * t + 20 / 0.7 * k * (1 - np.cos(2 * np.pi * 0.7 * t)))
                  * np.exp(-np.abs(f - formant) / 400) * 0.1)
        v *= np.maximum(0, np.sin(2 * np.pi * 0.9 * t))
        v += hiss * 0.002
    else:
        raise ValueError(style)
    return (np.round(v * (1 << 15)) / (1 << 15)).astype(np.float32)


def chord(n, start, to):
    i = np.arange(n, dtype=np.float64)
    v = sum(0.1 * np.sin(2 * np.pi * 0.055 * k * min(start, to) * i / start) for k in range(1, 9))
    fade = np.sin(np.pi * i / n)
    return (np.round(v * fade * fade * (1 << 23)) / (1 << 23)).astype(np.float32)
