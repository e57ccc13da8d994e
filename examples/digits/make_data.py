#!/usr/bin/env python3
"""Makes the digits data set: grey 20x20 images of the digits 0-9, drawn from scratch.

    python3 make_data.py            writes calibration.npz, test.npz and preprocess.json beside this file
    python3 make_data.py --preview  also writes preview.pgm, a sheet of 10x20 test images

A digit is a few strokes (polylines, arcs and splines in a unit square, y downwards), in several styles. An image is one style,
bent by a random affine map and a smooth random displacement, drawn by the distance of each pixel to the nearest stroke, then
spoiled by clutter, a gradient, gaps, contrast and noise. Only numpy is needed. The same numpy gives the same files;
another version or processor may differ in a few pixels by one grey level.
"""
import argparse
import json
from pathlib import Path

import numpy as np

SIZE = 20
SEED = 20
SPLITS = {"train": 0, "calibration": 1, "test": 2}
HERE = Path(__file__).resolve().parent


# Strokes: each helper gives an array [points, 2] of x, y in the unit square.

def line(*points):
    """A polyline; every piece is divided, so that it can bend."""
    pieces = []
    for a, b in zip(points[:-1], points[1:]):
        t = np.linspace(0, 1, 6)[:, None]
        pieces.append((1 - t) * np.array(a, float) + t * np.array(b, float))
    return np.concatenate(pieces)


def arc(cx, cy, rx, ry, start, end):
    """A piece of an ellipse; degrees, 0 at the right, growing clockwise on the screen."""
    t = np.radians(np.linspace(start, end, max(4, int(abs(end - start) / 18) + 1)))
    return np.stack([cx + rx * np.cos(t), cy + ry * np.sin(t)], axis=1)


def curve(*points):
    """A Catmull-Rom spline through the points."""
    p = np.array([points[0], *points, points[-1]], float)
    pieces = []
    for i in range(1, len(p) - 2):
        t = np.linspace(0, 1, 6)[:, None]
        a, b, c, d = p[i - 1], p[i], p[i + 1], p[i + 2]
        pieces.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    return np.concatenate(pieces)


GLYPHS = {
    0: [
        [arc(0.5, 0.5, 0.30, 0.46, -90, 270)],
        [arc(0.5, 0.5, 0.40, 0.44, -60, 310)],
        [arc(0.5, 0.5, 0.27, 0.45, -100, 260), line((0.34, 0.76), (0.66, 0.24))],
        [line((0.3, 0.1), (0.7, 0.1), (0.76, 0.5), (0.7, 0.9), (0.3, 0.9), (0.24, 0.5), (0.3, 0.1))],
    ],
    1: [
        [line((0.5, 0.04), (0.5, 0.96))],
        [line((0.3, 0.26), (0.54, 0.04), (0.54, 0.96))],
        [line((0.32, 0.22), (0.52, 0.06), (0.52, 0.94)), line((0.3, 0.94), (0.74, 0.94))],
        [line((0.22, 0.4), (0.56, 0.05), (0.52, 0.96))],
    ],
    2: [
        [curve((0.2, 0.28), (0.32, 0.08), (0.6, 0.05), (0.76, 0.26), (0.62, 0.52), (0.2, 0.94)), line((0.2, 0.94), (0.8, 0.94))],
        [curve((0.2, 0.2), (0.5, 0.05), (0.74, 0.26), (0.52, 0.6), (0.28, 0.88), (0.24, 0.74), (0.44, 0.8), (0.82, 0.92))],
        [line((0.22, 0.08), (0.74, 0.08), (0.74, 0.46), (0.24, 0.54), (0.24, 0.93), (0.78, 0.93))],
        [arc(0.48, 0.3, 0.27, 0.25, -170, 30), line((0.71, 0.43), (0.2, 0.92), (0.78, 0.9))],
    ],
    3: [
        [arc(0.46, 0.28, 0.27, 0.23, -150, 90), arc(0.46, 0.73, 0.31, 0.23, -90, 150)],
        [line((0.22, 0.06), (0.74, 0.06), (0.46, 0.4)), arc(0.45, 0.68, 0.30, 0.27, -90, 150)],
        [curve((0.22, 0.14), (0.6, 0.06), (0.7, 0.28), (0.4, 0.47), (0.74, 0.6), (0.68, 0.88), (0.2, 0.9))],
        [line((0.24, 0.08), (0.72, 0.08), (0.72, 0.92), (0.24, 0.92)), line((0.36, 0.5), (0.72, 0.5))],
    ],
    4: [
        [line((0.62, 0.96), (0.62, 0.05), (0.16, 0.66), (0.86, 0.66))],
        [line((0.28, 0.05), (0.22, 0.52), (0.8, 0.52)), line((0.68, 0.1), (0.66, 0.96))],
        [curve((0.3, 0.06), (0.22, 0.36), (0.36, 0.54), (0.72, 0.46)), line((0.74, 0.06), (0.7, 0.96))],
        [line((0.5, 0.04), (0.18, 0.6), (0.84, 0.6)), line((0.6, 0.36), (0.58, 0.96))],
    ],
    5: [
        [line((0.76, 0.07), (0.3, 0.07), (0.26, 0.46)), curve((0.26, 0.46), (0.56, 0.38), (0.78, 0.64), (0.58, 0.92), (0.2, 0.88))],
        [line((0.74, 0.08), (0.26, 0.08), (0.26, 0.48), (0.74, 0.5), (0.74, 0.92), (0.24, 0.92))],
        [curve((0.3, 0.1), (0.27, 0.42), (0.6, 0.44), (0.76, 0.7), (0.5, 0.95), (0.2, 0.84)), line((0.3, 0.1), (0.8, 0.06))],
        [curve((0.74, 0.1), (0.42, 0.08), (0.28, 0.28), (0.5, 0.46), (0.72, 0.66), (0.56, 0.92), (0.22, 0.86))],
    ],
    6: [
        [curve((0.66, 0.04), (0.36, 0.26), (0.22, 0.66)), arc(0.49, 0.7, 0.27, 0.25, 180, 540)],
        [curve((0.72, 0.14), (0.5, 0.05), (0.28, 0.3), (0.22, 0.7), (0.46, 0.95), (0.74, 0.74), (0.54, 0.5), (0.26, 0.62))],
        [line((0.44, 0.04), (0.26, 0.6)), arc(0.5, 0.72, 0.26, 0.22, -170, 190)],
        [line((0.74, 0.08), (0.26, 0.08), (0.26, 0.92), (0.74, 0.92), (0.74, 0.5), (0.26, 0.5))],
    ],
    7: [
        [line((0.18, 0.07), (0.8, 0.07), (0.42, 0.96))],
        [line((0.2, 0.09), (0.78, 0.07), (0.44, 0.95)), line((0.34, 0.5), (0.76, 0.5))],
        [curve((0.18, 0.2), (0.28, 0.07), (0.54, 0.14), (0.78, 0.06)), curve((0.78, 0.06), (0.56, 0.44), (0.46, 0.96))],
        [line((0.22, 0.26), (0.22, 0.08), (0.74, 0.08), (0.7, 0.95))],
    ],
    8: [
        [arc(0.5, 0.27, 0.22, 0.22, -90, 270), arc(0.5, 0.72, 0.28, 0.23, -90, 270)],
        [curve((0.7, 0.16), (0.46, 0.05), (0.28, 0.24), (0.5, 0.46), (0.74, 0.72), (0.5, 0.95), (0.26, 0.74), (0.5, 0.46), (0.72, 0.26), (0.7, 0.16))],
        [line((0.27, 0.08), (0.73, 0.08), (0.73, 0.92), (0.27, 0.92), (0.27, 0.08)), line((0.27, 0.5), (0.73, 0.5))],
        [line((0.3, 0.08), (0.72, 0.08), (0.26, 0.92), (0.76, 0.92), (0.3, 0.08))],
    ],
    9: [
        [arc(0.5, 0.3, 0.26, 0.25, 0, 360), curve((0.76, 0.3), (0.72, 0.66), (0.42, 0.96))],
        [arc(0.48, 0.3, 0.25, 0.24, 0, 360), line((0.73, 0.28), (0.68, 0.96))],
        [curve((0.72, 0.28), (0.5, 0.05), (0.26, 0.28), (0.46, 0.5), (0.74, 0.3), (0.74, 0.66), (0.54, 0.94), (0.26, 0.86))],
        [line((0.74, 0.5), (0.27, 0.5), (0.27, 0.08), (0.74, 0.08), (0.74, 0.92), (0.3, 0.92))],
    ],
}

PIXELS = np.stack(np.meshgrid(np.arange(SIZE) + 0.5, np.arange(SIZE) + 0.5), axis=-1).reshape(-1, 2)


def distance(strokes):
    """The distance of every pixel centre to the nearest of the strokes, in pixels: [SIZE * SIZE]."""
    a = np.concatenate([s[:-1] for s in strokes])
    d = np.concatenate([s[1:] for s in strokes]) - a
    length = np.maximum((d * d).sum(axis=1), 1e-12)
    to_a = PIXELS[:, None, :] - a[None]
    t = np.clip((to_a * d).sum(axis=2) / length, 0, 1)
    off = to_a - t[:, :, None] * d
    return np.sqrt((off * off).sum(axis=2).min(axis=1))


def bend(rng, strokes):
    """A random affine map and a smooth displacement, from the unit square to pixels."""
    angle, shear = rng.normal(0, 0.16), rng.normal(0.05, 0.20)
    width, height = rng.uniform(0.52, 0.86) * SIZE, rng.uniform(0.62, 0.90) * SIZE
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn @ np.array([[1, -shear], [0, 1]]) @ np.diag([width, height])
    centre = SIZE / 2 + rng.normal(0, 1.1, 2)
    # Three waves of low frequency: neighbouring points move together.
    waves = rng.normal(0, 1, (3, 2)) * 4.5
    phase = rng.uniform(0, 2 * np.pi, 3)
    push = rng.normal(0, 0.036, (3, 2))
    bent = []
    for s in strokes:
        s = s + rng.normal(0, 0.022, 2)
        s = s + np.sin(s @ waves.T + phase) @ push
        s = s + rng.normal(0, 0.006, s.shape)
        bent.append((s - 0.5) @ matrix.T + centre)
    return bent


def image(rng, digit):
    """One image of the digit, uint8 [SIZE, SIZE]."""
    styles = GLYPHS[digit]
    strokes = bend(rng, styles[rng.integers(len(styles))])
    radius = rng.uniform(0.55, 1.5)
    softness = rng.uniform(0.8, 1.7)
    ink = np.clip((radius - distance(strokes)) / softness + 0.5, 0, 1)
    if rng.random() < 0.35:  # a worn place
        place = rng.uniform(0.2, 0.8, 2) * SIZE
        spot = ((PIXELS - place) ** 2).sum(axis=1) / rng.uniform(1.2, 2.6) ** 2
        ink = ink * (1 - rng.uniform(0.5, 1) * np.exp(-spot))
    if rng.random() < 0.6:  # a scratch at some place that is not the digit's
        start = rng.uniform(0, SIZE, 2)
        end = start + rng.normal(0, 5, 2)
        scratch = np.clip((rng.uniform(0.4, 0.9) - distance([np.stack([start, end])])) / softness + 0.5, 0, 1)
        ink = np.maximum(ink, rng.uniform(0.4, 1) * scratch)
    slope = rng.normal(0, 0.07, 2)
    ground = rng.uniform(0.02, 0.25) + ((PIXELS / SIZE - 0.5) * slope).sum(axis=1)
    grey = ground + rng.uniform(0.32, 0.80) * ink
    grey = grey + rng.normal(0, rng.uniform(0.03, 0.16), SIZE * SIZE)
    return np.floor(np.clip(grey, 0, 1) * 255 + 0.5).astype(np.uint8).reshape(SIZE, SIZE)


def make(split, count):
    """x uint8 [count, 1, SIZE, SIZE], y int64 [count]. Every split draws its own random numbers."""
    rng = np.random.default_rng([SEED, SPLITS[split]])
    y = rng.permutation(np.arange(count) % 10).astype(np.int64)
    x = np.stack([image(rng, int(digit)) for digit in y])[:, None]
    return x, y


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preview", action="store_true", help="write preview.pgm")
    args = parser.parse_args()
    for split, count in [("calibration", 256), ("test", 1000)]:
        x, y = make(split, count)
        np.savez_compressed(HERE / f"{split}.npz", x=x, y=y)
        print(f"{split}.npz: x {x.dtype} {list(x.shape)}, y {y.dtype} {list(y.shape)}")
    if args.preview:
        order = np.argsort(y, kind="stable").reshape(10, -1)[:, :20]
        sheet = np.concatenate([np.concatenate(list(x[row, 0]), axis=1) for row in order])
        (HERE / "preview.pgm").write_bytes(b"P5 %d %d 255\n" % sheet.shape[::-1] + sheet.tobytes())
    # Brightness of the training distribution: 4,000 of its images are plenty for three digits.
    x, _ = make("train", 4000)
    scaled = x / 255
    preprocess = {"scale": 1 / 255, "mean": [round(float(scaled.mean()), 3)], "std": [round(float(scaled.std()), 3)]}
    (HERE / "preprocess.json").write_text(json.dumps(preprocess) + "\n")
    print("preprocess.json:", json.dumps(preprocess))


if __name__ == "__main__":
    main()
