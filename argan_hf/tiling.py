"""Cut a large picture into overlapping tiles, so that memory stays bounded and no seam appears.

A tile carries as much margin as the network can see, starts on the network's grid, and ends where the picture ends;
every pixel therefore gets the very value it would get from the whole picture.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@torch.inference_mode()
def receptive_margin(network: Callable[[Tensor], Tensor], num_channels: int, divisor: int) -> int:
    """How far the network sees, measured by following NaNs through it.

    Args:
        network: maps float (1, C, H, W) to the same shape.
        num_channels: C.
        divisor: tiles start on multiples of this.

    Returns:
        The margin in pixels, a multiple of `divisor`: no output that far from a changed input changes.

    Raises:
        ValueError: if an output depends on the whole picture, so that no margin suffices.
    """
    half = 32 * divisor
    while half <= 4096:
        above = torch.zeros(1, num_channels, 2 * half, divisor)
        above[:, :, :half] = torch.nan
        rows_below = _rows_with_nan(network(above)) - half + 1
        rows_above = half - _rows_with_nan(network(above.flip(2)))
        reach = int(torch.cat((rows_below, rows_above)).max())
        if reach < half:
            return -(-reach // divisor) * divisor
        half *= 2
    raise ValueError("the network depends on the whole picture: its result cannot be put together from tiles")


def _rows_with_nan(output: Tensor) -> Tensor:
    return output.isnan().any(dim=3).any(dim=1)[0].nonzero()[:, 0]


@dataclass(frozen=True)
class Tile:
    """A part of a picture.

    Attributes:
        rows, columns: what the tile gives, in the picture.
        outer_rows, outer_columns: what it needs for that, margin included.
    """

    rows: slice
    columns: slice
    outer_rows: slice
    outer_columns: slice

    @property
    def inside(self) -> tuple[slice, slice]:
        """Rows and columns of what the tile gives, within what it needs."""
        top, left = self.outer_rows.start, self.outer_columns.start
        return (
            slice(self.rows.start - top, self.rows.stop - top),
            slice(self.columns.start - left, self.columns.stop - left),
        )


def tiles(height: int, width: int, tile_size: int, margin: int) -> list[Tile]:
    """Cut a picture into tiles of at most `tile_size`, row by row."""
    plan = []
    for top in range(0, height, tile_size):
        for left in range(0, width, tile_size):
            bottom, right = min(top + tile_size, height), min(left + tile_size, width)
            plan.append(
                Tile(
                    rows=slice(top, bottom),
                    columns=slice(left, right),
                    outer_rows=slice(max(top - margin, 0), min(bottom + margin, height)),
                    outer_columns=slice(max(left - margin, 0), min(right + margin, width)),
                )
            )
    return plan


def run_tiled(
    network: Callable[[Tensor], Tensor],
    planes: Tensor,
    *,
    tile_size: int,
    margin: int,
) -> Tensor:
    """Run a network over planes, tile by tile.

    Args:
        network: maps float (1, C, H, W) to the same shape.
        planes: float (C, H, W).
        tile_size: side of what a tile gives, in pixels, a multiple of the network's divisor.
        margin: from [`receptive_margin`].

    Returns:
        float (C, H, W).
    """
    result = torch.empty_like(planes)
    for tile in tiles(planes.shape[1], planes.shape[2], tile_size, margin):
        restored = network(planes[None, :, tile.outer_rows, tile.outer_columns])[0]
        result[:, tile.rows, tile.columns] = restored[:, *tile.inside]
    return result
