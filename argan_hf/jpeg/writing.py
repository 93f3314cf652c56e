"""The planes that an encoder gets from a picture as it is written.

A written picture has 8 bits per sample, and RGB if it has color. Both move planes, so whoever wants coefficients to be
exact has to look at them after the picture was written.
"""

import torch
from torch import Tensor

from .color import added_by_chroma, rgb_to_ycbcr_floats, rgb_to_ycbcr_unrounded


def seen_by_encoder(planes: Tensor) -> Tensor:
    """The planes that an encoder gets: [`as_pixels`] and [`rgb_to_ycbcr`] in one.

    Args:
        planes: float32 (C, ...), 0..255: Y, or Y, Cb, Cr.

    Returns:
        float32, same shape, integers 0..255.
    """
    if len(planes) == 1:
        return planes.add(0.5).floor_().clamp_(0.0, 255.0)
    # In the order in which `as_pixels` rounds, so that both give the same.
    colors = (part.add_(planes[0]).add_(0.5).floor_() for part in added_by_chroma(planes[1], planes[2]))
    return rgb_to_ycbcr_floats(*(color.clamp_(0.0, 255.0) for color in colors))


def beyond_colors(planes: Tensor) -> Tensor:
    """How far the colors of planes lie beyond those that can be written.

    Args:
        planes: float32 (C, N, ...), 0..255: Y, or Y, Cb, Cr.

    Returns:
        float32 (N,): of the farthest pixel, in gray levels; 0 where all can be written.
    """
    colors = planes if len(planes) == 1 else planes[0] + torch.stack(added_by_chroma(planes[1], planes[2]))
    beyond = torch.maximum(colors - 255.0, -colors).clamp_(min=0.0)
    return beyond.transpose(0, 1).flatten(1).amax(1) if beyond.numel() else beyond.new_zeros(0)


def nearest_colors(planes: Tensor) -> Tensor:
    """Planes (C, N, ...) whose colors that cannot be written are clipped; float32, not rounded. All others stay."""
    if len(planes) == 1:
        return planes.clamp(0.0, 255.0)
    colors = planes[0] + torch.stack(added_by_chroma(planes[1], planes[2]))
    clipped = colors.clamp(0.0, 255.0)
    again = rgb_to_ycbcr_unrounded(clipped.movedim(0, -3)).movedim(-3, 0)
    return torch.where((clipped != colors).any(0), again, planes)
