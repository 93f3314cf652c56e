"""Chroma down- and upsampling, as libjpeg-turbo's encoder and decoder do it by default ("fancy" upsampling).

`subsampling` has the usual names, such as "4:2:0". A downsampled plane already has the width of whole blocks, because
libjpeg pads a row before it downsamples it. It pads the height after that, by repeating the last *downsampled* row.
"""

from dataclasses import dataclass
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


@dataclass(frozen=True)
class SubsamplingGroups:
    """The subsamplings of the pictures of a batch, in a form in which no shape depends on them.

    Attributes:
        names: the subsamplings that occur.
        spans: for each of them, the first picture that can have it and the one after the last.
        index: integers (B,), which of `names` a picture has, on the device of the pictures.
    """

    names: tuple[Subsampling, ...]
    spans: tuple[tuple[int, int], ...]
    index: Tensor


def repeat_border(planes: Tensor, height: int, width: int) -> Tensor:
    """Extend (..., H, W) planes to (..., height, width) by repeating the last row and column.

    libjpeg does the same in `expand_right_edge` and `expand_bottom_edge`.
    """
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
        subsampling: how many samples of chroma are kept; `FACTORS` gives rows and columns of luma per sample.

    Returns:
        uint8 (..., ceil(H / rows), width), where width is ceil(W / columns) rounded up to a multiple of 8.
    """
    rows, columns = FACTORS[subsampling]
    # 1. Pad to whole blocks along the rows, and to whole groups of `rows` rows.
    height, width = chroma.shape[-2:]
    kept_rows, kept_columns = -(-height // rows), -(-width // (8 * columns)) * 8
    padded = repeat_border(chroma, kept_rows * rows, kept_columns * columns)  # (..., kept_rows * rows, …)
    if rows == columns == 1:
        return padded
    # 2. Sum the samples of every group. For two columns the rounding bias alternates, so that halves are rounded up as
    #    often as down.
    step = 1 if columns == 2 else 0
    total = _alternating((rows * columns - step) // 2, step, kept_columns, chroma)  # (kept_columns,)
    padded = padded.to(torch.int32)
    for row in range(rows):
        for column in range(columns):
            total = total + padded[..., row::rows, column::columns]  # (..., kept_rows, kept_columns)
    # 3. Divide by the size of the group, a power of two.
    return (total >> (rows * columns).bit_length() - 1).to(torch.uint8)


def upsample(chroma: Tensor, subsampling: Subsampling, height: int, width: int) -> Tensor:
    """Upsample decoded chroma (`h2v2_fancy_upsample`, `h2v1_fancy_upsample`, `h1v2_fancy_upsample`, `int_upsample`).

    Args:
        chroma: uint8 (..., ceil(height / rows), ceil(width / columns)), without the padding to whole blocks.
        subsampling: as the planes were downsampled.
        height, width: of the picture.

    Returns:
        uint8 (..., height, width).
    """
    rows, columns = FACTORS[subsampling]
    full = chroma.to(torch.int32)  # (..., h, w)
    # 1. The filter that libjpeg chooses: repetition, or a triangle of weights 3/4 and 1/4 along the halved axes. Biases
    #    alternate along an axis, so that halves are rounded up as often as down.
    if columns == 4 or (columns == 2 and chroma.shape[-1] <= 2):
        full = full.repeat_interleave(rows, -2).repeat_interleave(columns, -1)  # (..., rows * h, columns * w)
    elif rows == 2:
        full = _triangle(full, -2)  # (..., 2h, w), times 4
        if columns == 2:
            full = (_triangle(full, -1) + _alternating(8, -1, 2 * full.shape[-1], full)) >> 4  # (..., 2h, 2w)
        else:
            full = (full + _alternating(1, 1, full.shape[-2], full)[:, None]) >> 2  # (..., 2h, w)
    elif columns == 2:
        full = (_triangle(full, -1) + _alternating(1, 1, 2 * full.shape[-1], full)) >> 2  # (..., h, 2w)
    # 2. Odd sizes have one row or column too many.
    return full[..., :height, :width].to(torch.uint8)


def _triangle(x: Tensor, dim: int) -> Tensor:
    """Twice as many samples along `dim`: 3 times the sample plus its nearer neighbor, not yet divided by 4."""
    dim, size = dim % x.ndim, x.shape[dim]
    before = torch.cat((x.narrow(dim, 0, 1), x.narrow(dim, 0, size - 1)), dim)
    after = torch.cat((x.narrow(dim, 1, size - 1), x.narrow(dim, size - 1, 1)), dim)
    return torch.stack((x * 3 + before, x * 3 + after), dim + 1).flatten(dim, dim + 1)


def _alternating(even: int, step: int, size: int, like: Tensor) -> Tensor:
    """`even`, `even + step`, `even`, …, int32 (size,); made on the device of `like`, so that no copy is waited for."""
    return (torch.arange(size, dtype=torch.int32, device=like.device) & 1).mul_(step).add_(even)
