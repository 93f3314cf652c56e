"""A picture drawn by a program, for trials without any file.

It contains what JPEG damages visibly: edges, text, gradients, fine texture.
"""

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_SIZE = (320, 240)
_WORDS = "The quick brown fox jumps over the lazy dog, 0123456789 times."


def draw_picture(seed: int) -> Image.Image:
    """One picture, mode "RGB", 320x240: a smooth background, shapes, a grating, text, a little noise."""
    random = np.random.default_rng(seed)

    def color() -> tuple[int, ...]:
        return tuple(random.integers(0, 256, 3).tolist())

    def place() -> tuple[int, int]:
        x, y = (random.random(2) * _SIZE).astype(int).tolist()
        return x, y

    coarse = Image.fromarray(random.integers(40, 216, (4, 5, 3), dtype=np.uint8))
    picture = coarse.resize(_SIZE, Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(picture)
    for _ in range(6):
        corners = [place() for _ in range(3)]
        draw.polygon(corners, fill=color())
        x, y = place()
        draw.ellipse((x, y, x + 60, y + 40), fill=color(), outline=color(), width=3)
    for _ in range(3):
        draw.text(place(), _WORDS, fill=color(), font=ImageFont.load_default(int(random.integers(11, 28))))

    pixels = np.asarray(picture, dtype=np.float32).copy()  # (240, 320, 3)
    rows, columns = np.mgrid[0:80, 0:80]
    angle, frequency = random.random() * math.pi, 0.3 + random.random()
    wave = 50 * np.sin(frequency * (rows * math.cos(angle) + columns * math.sin(angle)))  # (80, 80)
    top, left = random.integers(0, 160), random.integers(0, 240)
    pixels[top : top + 80, left : left + 80] += wave[..., None]
    pixels += random.normal(0, 2, pixels.shape)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
