"""Runs a network on overlapping tiles of a large picture, to limit the memory it takes, without visible seams.

The margin of a tile is as wide as the network's receptive field, or as the part of it that changes a result. Tiles
start at multiples of the network's size divisor. Every pixel therefore gets the same value as from the whole picture.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

INFLUENCE = 0.001
"""In gray levels: what changes a result by less hardly ever changes how a sample is rounded."""


@torch.inference_mode()
def receptive_margin(network: Callable[[Tensor], Tensor], num_channels: int, divisor: int) -> int:
    """Radius of the receptive field of a network, measured by following NaNs through it.

    A NaN in the input makes every output NaN that is computed from it, even with a weight of zero.

    Args:
        network: maps float (1, C, H, W) to the same shape.
        num_channels: C.
        divisor: size divisor of the network, in pixels.

    Returns:
        The margin in pixels, a multiple of `divisor`: an input changes no output that is farther away.

    Raises:
        ValueError: if the radius exceeds some thousand pixels, for instance because the network averages over the whole
            picture.
    """
    half = 32 * divisor
    while half <= 4096:
        # 1. The upper half of the rows is NaN.
        above = torch.zeros(1, num_channels, 2 * half, divisor)  # (1, C, 2 * half, divisor)
        above[:, :, :half] = torch.nan
        # 2. How many rows NaNs spread downwards, and, with the input flipped, upwards.
        rows_below = _rows_with_nan(network(above)) - half + 1  # (rows with a NaN,)
        rows_above = half - _rows_with_nan(network(above.flip(2)))
        reach = int(torch.cat((rows_below, rows_above)).max())
        # 3. If NaNs do not reach the end of the other half, this is the radius. Otherwise try a larger input.
        if reach < half:
            return -(-reach // divisor) * divisor
        half *= 2
    raise ValueError("the network depends on the whole picture: its result cannot be assembled from tiles")


@torch.inference_mode()
def influence_margin(
    network: Callable[[Tensor], Tensor], pictures: Sequence[Tensor], divisor: int, limit: int
) -> int | None:
    """How much a tile needs around it for the same result as in the whole picture, to within `INFLUENCE`.

    That is less than the network can see: it hardly uses what is farthest away. It is measured on tiles of which a
    corner is the middle of a picture, with more and more around them.

    Args:
        network: maps float (1, C, H, W), 0..1, to the same shape.
        pictures: float (C, H, W), 0..1, as the network gets them; those of which a side is shorter than two limits are
            not used.
        divisor: size divisor of the network, in pixels.
        limit: from [`receptive_margin`].

    Returns:
        The margin in pixels, a multiple of `divisor`, at most `limit`; `None` if there is no picture that can be used.
    """
    used = [picture for picture in pictures if min(picture.shape[1:]) >= 2 * limit]
    margin = 0
    # Flipped, what lies below and on the right counts.
    for picture in (*used, *(other.flip(1, 2) for other in used)):
        top, left = (side // 2 // divisor * divisor for side in picture.shape[1:])
        expected = network(picture[None])[:, :, top:, left:]
        while margin < limit:
            found = network(picture[None, :, top - margin :, left - margin :])[:, :, margin:, margin:]
            if float((found - expected).abs().max()) * 255.0 <= INFLUENCE:
                break
            margin += divisor
    return margin if used else None


def _rows_with_nan(output: Tensor) -> Tensor:
    """Numbers of the rows of a (1, C, H, W) tensor that hold a NaN, int64 (N,)."""
    return output.isnan().any(dim=3).any(dim=1)[0].nonzero()[:, 0]


@dataclass(frozen=True)
class Tile:
    """A tile of a picture.

    Attributes:
        rows, columns: of the picture that the tile restores.
        outer_rows, outer_columns: of the picture that the network gets for that, the margin included.
    """

    rows: slice
    columns: slice
    outer_rows: slice
    outer_columns: slice

    @property
    def inside(self) -> tuple[slice, slice]:
        """The rows and columns that the tile restores, counted from the corner of what the network gets."""
        top, left = self.outer_rows.start, self.outer_columns.start
        return (
            slice(self.rows.start - top, self.rows.stop - top),
            slice(self.columns.start - left, self.columns.stop - left),
        )


def tiles(height: int, width: int, tile_size: int, margin: int, step: int) -> list[Tile]:
    """Divide a picture into tiles, row by row; all sizes in pixels.

    Of all divisions into tiles of equal sides whose area is at most that of a square of `tile_size`, this is the one in
    which the network sees fewest pixels, margins included. Only the last row and the last column are smaller, so that
    few sizes have to be prepared.

    Args:
        height, width: of the picture.
        tile_size: a multiple of `step`.
        margin: from [`receptive_margin`] or [`influence_margin`].
        step: tiles start at multiples of it.
    """
    high, wide = _tile_sides(height, width, tile_size, margin, step)
    plan = []
    for top in range(0, height, high):
        for left in range(0, width, wide):
            bottom, right = min(top + high, height), min(left + wide, width)
            plan.append(
                Tile(
                    rows=slice(top, bottom),
                    columns=slice(left, right),
                    outer_rows=slice(max(top - margin, 0), min(bottom + margin, height)),
                    outer_columns=slice(max(left - margin, 0), min(right + margin, width)),
                )
            )
    return plan


def _tile_sides(height: int, width: int, tile_size: int, margin: int, step: int) -> tuple[int, int]:
    """Height and width of the tiles: multiples of `step`."""
    best, sides = math.inf, (tile_size, tile_size)
    for rows in range(1, -(-height // tile_size) + 1):
        high = -(-height // (rows * step)) * step
        # As few columns as the area allows.
        widest = tile_size**2 // high // step * step
        if not widest:
            continue
        columns = -(-width // widest)
        wide = -(-width // (columns * step)) * step
        seen = (height + 2 * margin * (rows - 1)) * (width + 2 * margin * (columns - 1))
        if seen < best:
            best, sides = seen, (high, wide)
    return sides


def around(wanted: Tensor, tile: Tile, margin: int, divisor: int) -> tuple[slice, slice]:
    """The part of what the network gets for a tile that suffices for some of its samples.

    Args:
        wanted: bool (h, w), samples of the tile, at least one.
        tile: of the picture.
        margin: from [`receptive_margin`] or [`influence_margin`].
        divisor: size divisor of the network, in pixels; the part starts at multiples of it, as the tile does.

    Returns:
        Rows and columns of the picture.
    """
    spans = []
    for axis, inner, outer in ((1, tile.rows, tile.outer_rows), (0, tile.columns, tile.outer_columns)):
        places = wanted.any(axis).nonzero()[:, 0] + inner.start
        start = max((int(places[0]) - margin) // divisor * divisor, outer.start)
        spans.append(slice(start, min(int(places[-1]) + 1 + margin, outer.stop)))
    return spans[0], spans[1]


def run_tiled(network: Callable[[Tensor], Tensor], planes: Tensor, plan: Sequence[Tile]) -> Tensor:
    """Run a network over planes, tile by tile.

    Args:
        network: maps float (1, C, H, W) to the same shape.
        planes: float (C, H, W).
        plan: from [`tiles`], for H and W; it starts at multiples of the network's size divisor.

    Returns:
        float (C, H, W).
    """
    result = torch.empty_like(planes)
    for tile in plan:
        restored = network(planes[None, :, tile.outer_rows, tile.outer_columns])[0]
        result[:, tile.rows, tile.columns] = restored[:, *tile.inside]
    return result
