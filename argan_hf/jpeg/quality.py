"""The quality of a file, by its quantization tables; in NumPy, so that reading a header does not wait for torch."""

from functools import cache

import numpy as np

STANDARD_TABLES = (
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
"""The example tables of the JPEG standard (ITU-T T.81, K.1 for luma and K.2 for chroma), natural order."""


def nearest_quality(tables: np.ndarray) -> tuple[int, bool]:
    """Return the quality whose standard tables lie nearest to the given ones.

    Nearest means the smallest sum of absolute log ratios, so that all coefficients have the same weight, whatever the
    size of their steps.

    Args:
        tables: integers (T, 8, 8); the first is luma, a second one, if any, is chroma.

    Returns:
        `(quality, exact)`: 1..100, and whether the standard tables at that quality equal the given ones.

    Raises:
        ValueError: if the shape is not (T, 8, 8) with T >= 1, or an entry is below 1.
    """
    if tables.ndim != 3 or tables.shape[0] < 1 or tables.shape[1:] != (8, 8):
        raise ValueError(f"tables must have shape (T, 8, 8) with T >= 1, found {tables.shape}")
    if (least := int(tables.min())) < 1:
        raise ValueError(f"table entries must be at least 1, found {least}")
    tables = tables[:2]
    candidates = _all_tables()[:, : len(tables)]
    ratios = np.log(candidates.astype(np.float32)) - np.log(tables.astype(np.float32))
    best = int(np.abs(ratios).sum(axis=(1, 2, 3)).argmin())
    return best + 1, bool((candidates[best] == tables).all())


@cache
def _all_tables() -> np.ndarray:
    """libjpeg's tables at the qualities 1 to 100, int64 (100, 2, 8, 8), as `quantization_tables` computes them."""
    quality = np.arange(1, 101)
    scale = np.where(quality < 50, 5000 // quality, 200 - 2 * quality)
    scaled: np.ndarray = ((np.array(STANDARD_TABLES) * scale[:, None, None, None] + 50) // 100).clip(1, 255)
    return scaled
