"""Quality <-> quantization tables, as libjpeg scales the example tables of the JPEG standard.

A table is 64 integers in natural order (row by row, not zigzag), stored as an 8x8 tensor; its rows are the vertical
frequencies. Index 0 of a stack of tables is luma, index 1 chroma.
"""

import torch
from torch import Tensor

from .quality import STANDARD_TABLES, nearest_quality


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
    base = torch.tensor(STANDARD_TABLES, dtype=torch.int32).to(quality.device, non_blocking=True)
    scaled = (base * scale[..., None, None, None] + 50).div(100, rounding_mode="floor")
    return scaled.clamp_(1, 255)


def estimate_quality(tables: Tensor) -> tuple[int, bool]:
    """Return the quality whose standard tables lie nearest to the given ones.

    Args:
        tables: integer tensor (T, 8, 8); the first is luma, a second one, if any, is chroma.

    Returns:
        `(quality, exact)`: 1..100, and whether the standard tables at that quality equal the given ones.

    Raises:
        ValueError: as [`nearest_quality`].
    """
    return nearest_quality(tables.cpu().numpy())
