"""Cut a large picture into overlapping tiles, so that memory stays bounded and no seam appears.

A tile carries as much margin as the network can see, starts on the network's grid, and ends where the picture ends;
every pixel therefore gets the very value it would get from the whole picture.
"""

from collections.abc import Callable, Iterator

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


def tiles(height: int, width: int, tile_size: int, margin: int) -> Iterator[tuple[slice, slice, slice, slice]]:
    """Cut a picture; yields `(rows, columns, outer_rows, outer_columns)`: what a tile gives and what it needs."""
    for top in range(0, height, tile_size):
        for left in range(0, width, tile_size):
            bottom, right = min(top + tile_size, height), min(left + tile_size, width)
            yield (
                slice(top, bottom),
                slice(left, right),
                slice(max(top - margin, 0), min(bottom + margin, height)),
                slice(max(left - margin, 0), min(right + margin, width)),
            )


def run_tiled(
    network: Callable[[Tensor], Tensor],
    planes: Tensor,
    *,
    tile_size: int,
    margin: int,
    progress: Callable[[int, int], None] | None = None,
) -> Tensor:
    """Run a network over planes, tile by tile.

    Args:
        network: maps float (1, C, H, W) to the same shape.
        planes: float (C, H, W).
        tile_size: side of what a tile gives, in pixels, a multiple of the network's divisor.
        margin: from [`receptive_margin`].
        progress: called with (tiles done, tiles in all).

    Returns:
        float (C, H, W).
    """
    result = torch.empty_like(planes)
    plan = list(tiles(planes.shape[1], planes.shape[2], tile_size, margin))
    for done, (rows, columns, outer_rows, outer_columns) in enumerate(plan, start=1):
        tile = network(planes[None, :, outer_rows, outer_columns])[0]
        inner_rows = slice(rows.start - outer_rows.start, rows.stop - outer_rows.start)
        inner_columns = slice(columns.start - outer_columns.start, columns.stop - outer_columns.start)
        result[:, rows, columns] = tile[:, inner_rows, inner_columns]
        if progress is not None:
            progress(done, len(plan))
    return result
