"""Quality <-> quantization tables, as libjpeg scales the example tables of the JPEG standard.

A table is 64 integers in natural order (row by row, not zigzag), stored as an 8x8 tensor; its rows are the vertical
frequencies. Index 0 of a stack of tables is luma, index 1 chroma.
"""

from functools import cache

import torch
from torch import Tensor

# ITU-T T.81, tables K.1 (luma) and K.2 (chroma).
_STANDARD_TABLES = (
    (
        (16, 11, 10, 16, 24, 40, 51, 61),
        (12, 12, 14, 19, 26, 58, 60, 55),
        (14, 13, 16, 24, 40, 57, 69, 56),
        (14, 17, 22, 29, 51, 87, 80, 62),
        (18, 22, 37, 56, 68, 109, 103, 77),
        (24, 35, 55, 64, 81, 104, 113, 92),
        (49, 64, 78, 87, 103, 121, 120, 101),
        (72, 92, 95, 98, 112, 100, 103, 99),
    ),
    (
        (17, 18, 24, 47, 99, 99, 99, 99),
        (18, 21, 26, 66, 99, 99, 99, 99),
        (24, 26, 56, 99, 99, 99, 99, 99),
        (47, 66, 99, 99, 99, 99, 99, 99),
        (99, 99, 99, 99, 99, 99, 99, 99),
        (99, 99, 99, 99, 99, 99, 99, 99),
        (99, 99, 99, 99, 99, 99, 99, 99),
        (99, 99, 99, 99, 99, 99, 99, 99),
    ),
)


def quantization_tables(quality: int | Tensor) -> Tensor:
    """Return libjpeg's luma and chroma tables at a quality (`jpeg_quality_scaling`, `jpeg_add_quant_table`).

    Args:
        quality: libjpeg's 1..100, an integer or an integer tensor of any shape `S`. Values outside are clamped, as
            libjpeg does.

    Returns:
        int32 tensor of shape `S + (2, 8, 8)`, entries 1..255 (baseline), on the device of `quality`.

    Raises:
        TypeError: if `quality` is a floating-point tensor.
    """
    quality = torch.as_tensor(quality)
    if quality.is_floating_point():
        raise TypeError(f"quality must hold integers, found {quality.dtype}; round it first")
    quality = quality.to(torch.int32).clamp(1, 100)
    scale = torch.where(quality < 50, torch.div(5000, quality, rounding_mode="floor"), 200 - 2 * quality)
    base = torch.tensor(_STANDARD_TABLES, dtype=torch.int32).to(quality.device, non_blocking=True)
    scaled = (base * scale[..., None, None, None] + 50).div(100, rounding_mode="floor")
    return scaled.clamp_(1, 255)


@cache
def _all_tables() -> Tensor:
    return quantization_tables(torch.arange(1, 101))


def estimate_quality(tables: Tensor) -> tuple[int, bool]:
    """Return the quality whose standard tables lie nearest to the given ones.

    Nearest means the smallest sum of absolute log ratios, so that all coefficients have the same weight, whatever the
    size of their steps.

    Args:
        tables: integer tensor (T, 8, 8); the first is luma, a second one, if any, is chroma.

    Returns:
        `(quality, exact)`: 1..100, and whether the standard tables at that quality equal the given ones.

    Raises:
        ValueError: if the shape is not (T, 8, 8) with T >= 1, or an entry is below 1.
    """
    if tables.ndim != 3 or tables.shape[0] < 1 or tables.shape[1:] != (8, 8):
        raise ValueError(f"tables must have shape (T, 8, 8) with T >= 1, found {tuple(tables.shape)}")
    if int(tables.min()) < 1:
        raise ValueError(f"table entries must be at least 1, found {int(tables.min())}")
    tables = tables[:2].cpu()
    candidates = _all_tables()[:, : tables.shape[0]]
    distance = (candidates.float().log() - tables.float().log()).abs().sum(dim=(1, 2, 3))
    best = int(distance.argmin())
    return best + 1, bool((candidates[best] == tables).all())
