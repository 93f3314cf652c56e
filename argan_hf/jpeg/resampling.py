"""Chroma down- and upsampling, as libjpeg-turbo's encoder and decoder do it by default ("fancy" upsampling).

`subsampling` names the pixels of luma per sample of chroma the usual way. What an encoder keeps of a plane includes
its padding to whole blocks, because libjpeg repeats the last *downsampled* row, not the last row of the picture.
"""

from typing import Literal

import torch
from torch import Tensor

Subsampling = Literal["4:4:4", "4:2:2", "4:2:0", "4:4:0", "4:1:1"]

FACTORS: dict[Subsampling, tuple[int, int]] = {
    "4:4:4": (1, 1),
    "4:2:2": (1, 2),
    "4:2:0": (2, 2),
    "4:4:0": (2, 1),
    "4:1:1": (1, 4),
}
"""Rows and columns of luma per sample of chroma."""


def repeat_border(planes: Tensor, height: int, width: int) -> Tensor:
    """Extend (..., H, W) planes to (..., height, width) by repeating the last row and column (`expand_right_edge`)."""
    down, right = height - planes.shape[-2], width - planes.shape[-1]
    if right > 0:
        planes = torch.cat((planes, planes[..., -1:].expand(*planes.shape[:-1], right)), -1)
    if down > 0:
        planes = torch.cat((planes, planes[..., -1:, :].expand(*planes.shape[:-2], down, planes.shape[-1])), -2)
    return planes


def downsample(chroma: Tensor, subsampling: Subsampling) -> Tensor:
    """Downsample chroma planes (`h2v2_downsample`, `h2v1_downsample`, `int_downsample`).

    Args:
        chroma: uint8 (..., H, W).
        subsampling: how much is kept.

    Returns:
        uint8 (..., ceil(H / rows), width), where width is ceil(W / columns) rounded up to whole blocks.
    """
    rows, columns = FACTORS[subsampling]
    height, width = chroma.shape[-2:]
    kept_rows, kept_columns = -(-height // rows), -(-width // (8 * columns)) * 8
    padded = repeat_border(chroma, kept_rows * rows, kept_columns * columns)
    if rows == columns == 1:
        return padded
    # The bias alternates by column, so that halves are rounded up as often as down.
    step = 1 if columns == 2 else 0
    total = _alternating((rows * columns - step) // 2, step, kept_columns, chroma)
    padded = padded.to(torch.int32)
    for row in range(rows):
        for column in range(columns):
            total = total + padded[..., row::rows, column::columns]
    return (total >> (rows * columns).bit_length() - 1).to(torch.uint8)


def upsample(chroma: Tensor, subsampling: Subsampling, height: int, width: int) -> Tensor:
    """Upsample decoded chroma (`h2v2_fancy_upsample`, `h2v1_fancy_upsample`, `h1v2_fancy_upsample`, `int_upsample`).

    Args:
        chroma: uint8 (..., ceil(height / rows), ceil(width / columns)), cut to what the picture needs.
        subsampling: as the planes were downsampled.
        height, width: of the picture.

    Returns:
        uint8 (..., height, width).
    """
    rows, columns = FACTORS[subsampling]
    full = chroma.to(torch.int32)
    if columns == 4 or (columns == 2 and chroma.shape[-1] <= 2):
        full = full.repeat_interleave(rows, -2).repeat_interleave(columns, -1)
    elif rows == 2:
        full = _triangle(full, -2)
        if columns == 2:
            full = (_triangle(full, -1) + _alternating(8, -1, 2 * full.shape[-1], full)) >> 4
        else:
            full = (full + _alternating(1, 1, full.shape[-2], full)[:, None]) >> 2
    elif columns == 2:
        full = (_triangle(full, -1) + _alternating(1, 1, 2 * full.shape[-1], full)) >> 2
    return full[..., :height, :width].to(torch.uint8)


def _triangle(x: Tensor, dim: int) -> Tensor:
    """Twice as many samples, each three parts its own and one part its nearer neighbor; not yet divided."""
    dim, size = dim % x.ndim, x.shape[dim]
    before = torch.cat((x.narrow(dim, 0, 1), x.narrow(dim, 0, size - 1)), dim)
    after = torch.cat((x.narrow(dim, 1, size - 1), x.narrow(dim, size - 1, 1)), dim)
    return torch.stack((x * 3 + before, x * 3 + after), dim + 1).flatten(dim, dim + 1)


def _alternating(even: int, step: int, size: int, like: Tensor) -> Tensor:
    """`even`, `even + step`, `even`, …: made on the device, so that nothing waits for a copy."""
    return (torch.arange(size, dtype=torch.int32, device=like.device) & 1).mul_(step).add_(even)
