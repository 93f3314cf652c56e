"""The detail bands of a plane, as the input of a discriminator of texture.

This file is published on the Hub as remote code. It may import only torch and the other published files
(`*_argan.py`).
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def haar_details(plane: Tensor, levels: int) -> Tensor:
    """The detail bands of an undecimated Haar transform.

    Args:
        plane: float (B, 1, H, W).
        levels: number of levels; at level n (from 1) the bands are differences between means over squares of side
            2 ** (n - 1) pixels.

    Returns:
        float (B, 3 * levels, H, W), finest level first; at each level differences along rows, along columns, and along
        both. Borders are padded by their last sample.
    """
    bands = []
    for level in range(levels):
        step = 1 << level
        # 1. Means and differences of samples that lie `step` rows apart.
        below = F.pad(plane, (0, 0, 0, step), mode="replicate")[..., step:, :]  # (B, 1, H, W)
        halves = ((plane + below) / 2, (plane - below) / 2)  # (B, 1, H, W) each
        # 2. The same along columns, of both results.
        quarters = []
        for half in halves:
            right = F.pad(half, (0, step, 0, 0), mode="replicate")[..., step:]  # (B, 1, H, W)
            quarters += [(half + right) / 2, (half - right) / 2]
        # 3. The mean of both directions goes to the next level; the other three are the bands of this one.
        plane, *details = quarters
        bands += details
    return torch.cat(bands, dim=1)


__all__ = ["haar_details"]
