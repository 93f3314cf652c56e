"""The fine bands of a plane, for a discriminator that looks at texture alone.

This file travels to the Hub as remote code: it may import torch and its flat siblings only.
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def haar_details(plane: Tensor, levels: int) -> Tensor:
    """The fine bands of an undecimated Haar transform (details along rows, along columns, along both; finest first).

    Args:
        plane: (B, 1, H, W).
        levels: bands of level n compare means of 2 ** (n - 1) pixels along each side.

    Returns:
        (B, 3 * levels, H, W); borders are continued by their last sample.
    """
    bands = []
    for level in range(levels):
        step = 1 << level
        below = F.pad(plane, (0, 0, 0, step), mode="replicate")[..., step:, :]
        halves = ((plane + below) / 2, (plane - below) / 2)
        quarters = []
        for half in halves:
            right = F.pad(half, (0, step, 0, 0), mode="replicate")[..., step:]
            quarters += [(half + right) / 2, (half - right) / 2]
        plane, *details = quarters
        bands += details
    return torch.cat(bands, dim=1)


__all__ = ["haar_details"]
