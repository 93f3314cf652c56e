"""The color of flat blocks whose edges lie on the grid, found again from halved chroma.

Pixel art that is enlarged by 8 or 16, and mosaics, have one color in every block. Their luma comes through JPEG
unharmed and is left as it is (`untouched.py`). Their chroma does not: stored at half the size, it is smeared across the
edges when it is shown. The decoder blends samples of neighboring blocks at the border alone, so the mean of the inside
of a block is its own color. The guess is proven by compressing it: what it becomes must be the file, within the steps
of the table.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from .jpeg.block_dct import dct_basis
from .jpeg.codec import compress_ycbcr
from .jpeg.color import to_uint8
from .jpeg.resampling import FACTORS, Subsampling
from .untouched import BLOCK

# Blocks of which less than this is left as it is are not looked at.
_LEAST_WEIGHT = 0.5
# How far a coefficient of what a guess becomes may be from that of the file, in steps. One off is the rounding of a
# guess that is nearly right.
_MOST_STEPS = 1.3
_STRIP = 32 * BLOCK
# Rows and columns around blocks that their chroma depends on: a block of halved chroma, twice as high and wide.
_MARGIN = 2 * BLOCK


@dataclass(frozen=True)
class FlatChroma:
    """The colors of flat blocks.

    Attributes:
        chroma: float32 (2, rows, columns), Cb and Cr of every whole block of 8x8 luma samples, 0..255.
        known: bool (rows, columns), the blocks for which they are proven.
    """

    chroma: Tensor
    known: Tensor


def flat_chroma(planes: Tensor, tables: Tensor, sampling: Subsampling, weights: Tensor) -> FlatChroma | None:
    """Find the colors of flat blocks of a JPEG file with halved chroma.

    Args:
        planes: uint8 (3, H, W), Y, Cb, Cr as decoded; the grid starts at the corner.
        tables: integers (3, 8, 8) or (2, 8, 8), luma first.
        sampling: "4:2:0" or "4:2:2".
        weights: float (rows, columns) from [`untouched_blocks`].

    Returns:
        `None` if no color is found.
    """
    unit = BLOCK * FACTORS[sampling][0], BLOCK * FACTORS[sampling][1]
    height, width = planes.shape[1] // unit[0] * unit[0], planes.shape[2] // unit[1] * unit[1]
    rows, columns = height // BLOCK, width // BLOCK
    chroma, known = torch.zeros(2, rows, columns), torch.zeros(rows, columns, dtype=torch.bool)
    left = weights[:rows, :columns] > _LEAST_WEIGHT
    # In strips, because the codec takes many times the memory of the picture.
    for top in range(0, height, _STRIP):
        inside = slice(top // BLOCK, min(top + _STRIP, height) // BLOCK)
        if not left[inside].any():
            continue
        # Most blocks of photographs that are left are not flat. What lies around those that are goes through the codec.
        wanted = left[inside] & _is_flat(planes[0, top : inside.stop * BLOCK, :width])
        if not wanted.any():
            continue
        down, across = (_span(wanted.any(axis).nonzero()[:, 0]) for axis in (1, 0))
        down = slice(inside.start + down.start, inside.start + down.stop)
        start = max(down.start * BLOCK - _MARGIN, 0), max(across.start * BLOCK - _MARGIN, 0)
        part = planes[:, start[0] : down.stop * BLOCK + _MARGIN, start[1] : across.stop * BLOCK + _MARGIN]
        found, proven = _guess(part, tables, sampling, (min(start[1] + part.shape[2], width) - start[1]) // BLOCK)
        first = down.start - start[0] // BLOCK, across.start - start[1] // BLOCK
        within = (
            slice(first[0], first[0] + down.stop - down.start),
            slice(first[1], first[1] + across.stop - across.start),
        )
        chroma[:, down, across] = found[:, *within]
        known[down, across] = proven[within] & left[down, across]
    return FlatChroma(chroma, known) if bool(known.any()) else None


def _span(numbers: Tensor) -> slice:
    """From the first to the last of ascending numbers of blocks, extended to whole blocks of halved chroma."""
    return slice(int(numbers[0]) // 2 * 2, int(numbers[-1]) // 2 * 2 + 2)


def _is_flat(luma: Tensor) -> Tensor:
    """Which blocks have one luma, bool (rows, columns), of whole blocks of uint8 (H, W)."""
    # Equal to their first row, and that to its first sample.
    rows: Tensor = luma.unflatten(0, (-1, BLOCK))  # (rows, 8, W)
    lines: Tensor = (rows == rows[:, :1]).all(1).unflatten(1, (-1, BLOCK)).all(2)  # (rows, columns)
    top: Tensor = rows[:, 0].unflatten(1, (-1, BLOCK))  # (rows, columns, 8)
    return lines & (top == top[..., :1]).all(2)


def with_flat_chroma(
    restored: Tensor, flat: FlatChroma, rows: slice, columns: slice, *, like: Tensor | None = None
) -> Tensor:
    """Restored planes with the colors of flat blocks.

    Args:
        restored: float32 (3, h, w), Y, Cb, Cr of a part of a picture; it is not changed.
        flat: of the whole picture.
        rows, columns: of the picture that the part covers; they start at a block.
        like: float32 (3, h, w), planes whose chroma these blocks get instead of `flat.chroma`.

    Returns:
        float32 (3, h, w).
    """
    place = slice(rows.start // BLOCK, rows.stop // BLOCK), slice(columns.start // BLOCK, columns.stop // BLOCK)
    known = flat.known[place]
    if not known.any():
        return restored
    result, (high, wide) = restored.clone(), known.shape
    inside = result[1:, : high * BLOCK, : wide * BLOCK]
    chroma = _enlarged(flat.chroma[:, *place]) if like is None else like[1:, : high * BLOCK, : wide * BLOCK]
    inside.copy_(torch.where(_enlarged(known), chroma, inside))
    return result


def _enlarged(blocks: Tensor) -> Tensor:
    return blocks.repeat_interleave(BLOCK, -2).repeat_interleave(BLOCK, -1)


def _guess(planes: Tensor, tables: Tensor, sampling: Subsampling, columns: int) -> tuple[Tensor, Tensor]:
    """The mean colors (2, rows, columns) of all whole blocks, and which flat ones they belong to, bool."""
    high, wide = planes.shape[1] // BLOCK, columns
    height, width = high * BLOCK, wide * BLOCK
    blocks = planes[:, :height, :width].float().view(3, high, BLOCK, wide, BLOCK)  # (3, rows, 8, columns, 8)
    # 1. The guess: the mean of the inside, where luma is flat. Elsewhere chroma stays as it is.
    is_flat = _is_flat(planes[0, :height, :width])  # (rows, columns)
    means = blocks[1:, :, 1:-1, :, 1:-1].mean((2, 4))  # (2, rows, columns)
    colored = torch.where(is_flat[:, None, :, None], means[:, :, None, :, None], blocks[1:])
    guess = planes.clone()
    guess[1:, :height, :width] = to_uint8(colored.reshape(2, height, width))
    # 2. What it becomes, against what is seen, at the size at which chroma is stored.
    error = (compress_ycbcr(guess[None], tables[:2], sampling)[0, 1:].int() - planes[1:].int()).float()
    down, across = FACTORS[sampling]
    whole_units = error[:, : height // (down * BLOCK) * down * BLOCK, :width]
    small = whole_units.unflatten(2, (-1, across)).unflatten(1, (-1, down)).mean((2, 4))  # (2, h / down, w / across)
    # 3. In steps of the table, by block of chroma: (2, rows / down, columns / across, 8, 8).
    cut = small.unflatten(2, (-1, BLOCK)).unflatten(1, (-1, BLOCK)).transpose(2, 3)
    basis = dct_basis(cut)
    steps = (basis @ cut @ basis.T).abs() / tables[1].float()
    agrees = (steps <= _MOST_STEPS).all(-1).all(-1).all(0)
    is_proven = torch.zeros_like(is_flat)
    spread = agrees.repeat_interleave(down, 0).repeat_interleave(across, 1)
    is_proven[: spread.shape[0], : spread.shape[1]] = spread
    return means, is_flat & is_proven
