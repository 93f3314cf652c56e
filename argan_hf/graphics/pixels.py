"""Pictures that are made of pixels: pixel art, mosaics, codes for machines, dithering, and gradients."""

import random

import numpy as np
from PIL import Image

from .canvas import BLACK, WHITE, any_color, contrasting_colors


def _enlarged(small: np.ndarray, factor: int, side: int, draws: random.Random) -> Image.Image:
    """Pixels (h, w, 3) as squares; on a grid of their own size, or anywhere."""
    large = small.repeat(factor, 0).repeat(factor, 1)
    top, left = (draws.randrange(factor) if draws.random() < 0.3 else 0 for _ in range(2))
    return Image.fromarray(np.ascontiguousarray(large[top : top + side, left : left + side]))


def pixel_art(draws: random.Random, side: int) -> Image.Image:
    """Sprites of a few colors, mirrored left to right, on tiles; every pixel enlarged by 1 to 16."""
    factor = draws.choice((1, 2, 3, 4, 4, 5, 6, 8, 8, 16))
    cells = side // factor + 2
    palette = np.array([any_color(draws) for _ in range(draws.randint(4, 24))], dtype=np.uint8)
    random_numbers = np.random.default_rng(draws.getrandbits(32))
    # 1. The ground: tiles of two colors each, plain or with checkers, stripes, bricks or specks.
    tile = draws.choice((4, 8, 16))
    rows, columns = np.mgrid[0:tile, 0:tile]
    patterns = np.stack(
        (
            np.zeros_like(rows),
            (rows + columns) % 2,
            rows // 2 % 2,
            (rows % 4 == 0) | ((columns + rows // 4 * 4) % 8 == 0),
            random_numbers.random(rows.shape) < 0.1,
            np.zeros_like(rows),
        )
    ).astype(np.int64)
    count = cells // tile + 1
    chosen = random_numbers.choice(random_numbers.integers(0, 6, 3), (count, count))
    colors = random_numbers.integers(0, len(palette), (6, 2))
    ground = np.block([[colors[kind][patterns[kind]] for kind in row] for row in chosen])[:cells, :cells]
    # 2. Sprites. What is not drawn of them lets the ground show.
    for _ in range(draws.randint(3, 32)):
        size = draws.choice((6, 8, 12, 16))
        half = random_numbers.integers(0, len(palette), (size, size // 2))
        half[random_numbers.random(half.shape) < 0.3] = -1
        # Pixels are often like their left neighbor, as in what people draw.
        for column in range(1, size // 2):
            alike = random_numbers.random(size) < 0.5
            half[alike, column] = half[alike, column - 1]
        sprite = np.concatenate((half, half[:, ::-1]), 1)
        top, left = draws.randrange(cells), draws.randrange(cells)
        part = ground[top : top + size, left : left + size]
        seen = sprite[: part.shape[0], : part.shape[1]]
        part[seen >= 0] = seen[seen >= 0]
    return _enlarged(palette[ground], factor, side, draws)


def mosaic(draws: random.Random, side: int) -> Image.Image:
    """Squares of 2 to 24 pixels in any colors, as where faces are made unknown."""
    factor = draws.choice((2, 4, 8, 8, 12, 16, 16, 24))
    random_numbers = np.random.default_rng(draws.getrandbits(32))
    cells = side // factor + 2
    if draws.random() < 0.5:
        small = random_numbers.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
    else:  # squares that are like their neighbors
        coarse = Image.fromarray(random_numbers.integers(0, 256, (5, 5, 3), dtype=np.uint8))
        soft = np.asarray(coarse.resize((cells, cells), Image.Resampling.BICUBIC), dtype=np.float32)
        small = (soft + random_numbers.normal(0, draws.uniform(2, 25), soft.shape)).clip(0, 255).astype(np.uint8)
    return _enlarged(small, factor, side, draws)


def code_for_machines(draws: random.Random, side: int) -> Image.Image:
    """QR codes or bar codes: modules of 2 to 16 pixels in two colors, some with a quiet zone."""
    paper, ink = (WHITE, BLACK) if draws.random() < 0.7 else contrasting_colors(draws)
    colors = np.array((paper, ink), dtype=np.uint8)
    random_numbers = np.random.default_rng(draws.getrandbits(32))
    factor = draws.choice((2, 3, 4, 4, 6, 8, 8, 10, 16))
    cells = side // factor + 2
    modules = random_numbers.integers(0, 2, (cells, cells))
    if draws.random() < 0.3:  # bars
        modules = modules[:1].repeat(cells, 0)
        return _enlarged(colors[modules], factor, side, draws)
    # The squares in the corners by which a code is found.
    pattern = np.ones((9, 9), dtype=np.int64)
    pattern[[0, 8]] = pattern[:, [0, 8]] = 0
    pattern[2:7, 2:7] = 0
    pattern[3:6, 3:6] = 1
    for top, left in ((0, 0), (0, cells // 2), (cells // 2, 0)):
        part = modules[top : top + 9, left : left + 9]
        part[:] = pattern[: part.shape[0], : part.shape[1]]
    if draws.random() < 0.5:
        edge = draws.randint(1, max(cells // 4, 1))
        modules[:edge] = modules[:, :edge] = modules[-edge:] = modules[:, -edge:] = 0
    return _enlarged(colors[modules], factor, side, draws)


def dithering(draws: random.Random, side: int) -> Image.Image:
    """A soft picture in a few colors, whose pixels are mixed: by error diffusion or by a threshold matrix."""
    soft = gradient(draws, side)
    if draws.random() < 0.4:
        return soft.convert("1").convert("RGB") if draws.random() < 0.5 else _ordered(soft, draws)
    colors = draws.choice((2, 4, 8, 16))
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for _ in range(colors) for part in any_color(draws)])
    return soft.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG).convert("RGB")


def _ordered(soft: Image.Image, draws: random.Random) -> Image.Image:
    matrix = np.array([[0, 2], [3, 1]])
    for _ in range(2):  # Bayer's matrix, 8x8
        matrix = np.block([[4 * matrix, 4 * matrix + 2], [4 * matrix + 3, 4 * matrix + 1]])
    side = soft.width
    threshold = np.tile(matrix, (side // 8 + 1, side // 8 + 1))[:side, :side] * 4 + 2
    colors = np.array(contrasting_colors(draws), dtype=np.uint8)
    return Image.fromarray(colors[(np.asarray(soft.convert("L")) > threshold).astype(np.int64)])


def gradient(draws: random.Random, side: int) -> Image.Image:
    """Colors that change slowly: across, around, or every way; some in visible steps."""
    ends = np.array([any_color(draws), any_color(draws)], dtype=np.float32)
    rows, columns = np.mgrid[0:side, 0:side].astype(np.float32) / side
    kind = draws.random()
    if kind < 0.4:
        angle = draws.uniform(0, 6.28)
        share = rows * np.sin(angle) + columns * np.cos(angle)
    elif kind < 0.7:
        share = np.hypot(rows - draws.random(), columns - draws.random())
    else:
        coarse = np.random.default_rng(draws.getrandbits(32)).integers(0, 256, (4, 4, 3), dtype=np.uint8)
        return Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)
    share = (share - share.min()) / (np.ptp(share) or 1.0)
    if draws.random() < 0.3:
        steps = draws.randint(3, 40)
        share = np.floor(share * steps) / steps
    mixed = ends[0] + (ends[1] - ends[0]) * share[..., None]
    return Image.fromarray(np.rint(mixed).astype(np.uint8))
