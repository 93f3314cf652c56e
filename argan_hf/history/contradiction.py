"""Tells from the network's own result that a JPEG file preserves the artifacts of earlier, stronger compression.

A picture that was saved at a low quality, then resized or saved several times, and last at a high quality shows no old
blocks that could be found and undone. Its last tables say that nearly everything in it is true, old artifacts included.
A network that is told these tables removes some of them nevertheless: it moves luma coefficients out of the intervals
that the file states. For a picture saved once, that hardly ever happens where the network works well. It does happen
along hard edges, in colors at the end of their range, and with unusual tables, so those are not counted:

- Counted are blocks of low to moderate activity without clipped colors, because artifacts are everywhere, but a
  network's own mistakes are where edges are.
- High frequencies are subtracted from low ones: old artifacts are mostly in low frequencies, while mistakes about noise
  and about tables that differ from the standard ones are in all or in the high ones.
- Pictures with many edges that are one pixel wide (pixel art, windows, tiles) or with much flat ground (charts, text)
  are never said to be contradicted.

All numbers below were chosen on 205 training photographs, 820 files saved once in which a photograph is taken as it is,
made smaller, sharpened or noisy, 1250 files of generated graphics, and 600 files that were saved several times.
"""

from collections.abc import Callable
from math import isqrt

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, max_pool2d

from ..jpeg.color import ycbcr_to_rgb
from ..jpeg.tables import estimate_quality
from .blocks import to_coefficients

TOLD_QUALITY = 30
"""What the network is told of a contradicted file. On six kinds of resized files (first saves at 15 to 50, scales of
0.7 to 1.5) for which the rule speaks, 30 gains most on the average; 60 to 20 differ by some hundredths of a dB."""

# Files up to this quality are coarse themselves: earlier saves hardly show.
_LARGEST_TRUSTED = 40
# How much larger the contradicted share of the low frequencies is than that of the high ones. Of 1654 photographs saved
# once, three reach more; of 1140 graphics, none with the limits below; resaved photographs have up to 0.7.
_LEAST_EXCESS = 0.024
# With blocks of a resized save in sight. On 21 photographs saved at 70, enlarged by 1.3 and saved at 80, this doubles
# what is gained, and no picture loses.
_LEAST_IF_RESIZED = 0.002
# A coefficient contradicts the file if it is moved by more than this share of its step. 0.5 would be the end of the
# interval. Rounding to 8 bits alone moves coefficients by 0.3, so shorter steps than 2 count as 2.
_STEPS, _LEAST_STEP = 0.6, 2.0
# Frequencies are low if the vertical and horizontal ones add up to no more than this.
_LOW = 3
# Of a block that is counted: standard deviation of its luma.
_ACTIVITY = (2.0, 20.0)
# A color within this distance of 0 or 255 may have been clipped.
_MARGIN = 4
_LEAST_BLOCKS = 64
# Share of blocks below the activities that are counted. Charts and text on flat ground have more; of what resaved
# photographs gain, a twentieth is lost at most, and only in pictures too small to choose windows with more detail.
_MOST_FLAT = 0.45
# Difference of neighbors from which on they are an edge, and the share of edges that are one pixel wide. Photographs:
# 0.1, at most 0.24 among those saved several times. Pixel art, enlargements by nearest neighbor, and tiles: 0.3 to 0.9.
_EDGE, _LEAST_EDGES, _MOST_SHARP = 16.0, 50, 0.2
# The network looks at this many windows of this side, 0.26 megapixels, and at no more than half of a picture.
_SIDE, _WINDOWS, _LEAST_SIDE = 256, 4, 96


def contradicted_quality(
    restored_at: Callable[[slice, slice], Tensor], planes: Tensor, tables: Tensor, *, is_resized: bool = False
) -> int | None:
    """The quality at which a JPEG file is better restored than by its own account, if there is one.

    Args:
        restored_at: maps rows and columns to that part of the picture as the network restores it when it is told the
            tables of the file, and not held to it: float (C, h, w), 0..255. It is called for at most four windows of
            256x256.
        planes: (C, H, W), integers or floats 0..255, C = 1 (luma) or 3 (Y, Cb, Cr), as decoded. The grid of blocks
            starts at the corner.
        tables: integers (C, 8, 8), the tables of the file.
        is_resized: whether blocks were found that a save before a resizing left; less contradiction is enough then.

    Returns:
        `None` if the file can be trusted: tell the network its tables, and hold the result to its intervals. Else
        libjpeg's quality, lower than that of the file: tell the network the standard tables at this quality, and do not
        hold the result. Always `None` for pictures of less than 144x144.
    """
    if planes.shape[0] not in (1, 3) or estimate_quality(tables)[0] <= _LARGEST_TRUSTED:
        return None
    places = _windows(planes[0])
    if not places:
        return None
    seen = [planes[:, rows, columns].float() for rows, columns in places]
    given = [restored_at(rows, columns) for rows, columns in places]
    if _flat_share(seen) > _MOST_FLAT or _sharp_share(given) > _MOST_SHARP:
        return None
    moved = torch.cat([_moved(window, result, tables[0]) for window, result in zip(seen, given, strict=True)])
    if len(moved) < _LEAST_BLOCKS:
        return None
    low = _low_frequencies(moved)
    excess = moved[:, low].float().mean() - moved[:, ~low].float().mean()
    least = _LEAST_IF_RESIZED if is_resized else _LEAST_EXCESS
    return TOLD_QUALITY if float(excess) > least else None


def _windows(luma: Tensor) -> list[tuple[slice, slice]]:
    """Rows and columns of the windows with the most blocks that can be counted, at most four."""
    height, width = luma.shape
    side = min(_SIDE, isqrt(height * width // 2)) // 16 * 16
    if side < _LEAST_SIDE:
        return []
    high, wide = min(side, height // 8 * 8), min(side, width // 8 * 8)
    # 1. How many blocks of each window are counted. Windows start every half of a side.
    counted = _is_counted(luma).float()  # (rows, columns)
    rows, columns = high // 8, wide // 8
    steps = max(rows // 2, 1), max(columns // 2, 1)
    share = avg_pool2d(counted[None, None], (rows, columns), steps)[0, 0]
    # 2. The best one, then the best one that does not overlap it, and so on.
    places: list[tuple[slice, slice]] = []
    for _ in range(min(_WINDOWS, max(height * width // 2 // (high * wide), 1))):
        best = int(share.argmax())
        row, column = divmod(best, share.shape[1])
        if share[row, column] <= 0:
            break
        share[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2] = -1.0
        top, left = row * steps[0] * 8, column * steps[1] * 8
        places.append((slice(top, top + high), slice(left, left + wide)))
    return places


def _activity(luma: Tensor) -> Tensor:
    """Standard deviation of each whole block, float32 (H // 8, W // 8)."""
    height, width = luma.shape[0] // 8 * 8, luma.shape[1] // 8 * 8
    blocks = luma[:height, :width].float().reshape(height // 8, 8, width // 8, 8)
    return blocks.std((1, 3), correction=0)


def _is_counted(luma: Tensor) -> Tensor:
    """Whether the activity of each whole block is low to moderate, bool (H // 8, W // 8)."""
    activity = _activity(luma)
    return (activity >= _ACTIVITY[0]) & (activity < _ACTIVITY[1])


def _flat_share(windows: list[Tensor]) -> float:
    """Share 0..1 of blocks that are flatter than those that are counted, in the luma of windows (C, H, W)."""
    return float(torch.cat([_activity(window[0]).flatten() < _ACTIVITY[0] for window in windows]).float().mean())


def _moved(seen: Tensor, given: Tensor, table: Tensor) -> Tensor:
    """Which coefficients the network moved too far, of the blocks that are counted, bool (N, 64)."""
    steps = table.to(seen.device).float().flatten().clamp(min=_LEAST_STEP)
    distance = (to_coefficients(given[0].float()) - to_coefficients(seen[0])).abs()  # (rows, columns, 64)
    colors = (ycbcr_to_rgb(seen) if seen.shape[0] == 3 else seen).float()
    ends = (colors - 127.5).abs().amax(0) > 127.5 - _MARGIN  # (H, W)
    counted = _is_counted(seen[0]) & (max_pool2d(ends[None].float(), 8)[0] == 0)
    # The network knows nothing of what lies beyond a window.
    counted[[0, -1]] = False
    counted[:, [0, -1]] = False
    return (distance > _STEPS * steps)[counted]


def _low_frequencies(like: Tensor) -> Tensor:
    frequency = torch.arange(8, device=like.device)
    return (frequency[:, None] + frequency <= _LOW).flatten()  # (64,)


def _sharp_share(windows: list[Tensor]) -> float:
    """Share 0..1 of the edges in the luma of windows (C, H, W) that are one pixel wide.

    Of those, both neighboring differences are below a quarter of the edge's own.
    """
    ratios = []
    for window in windows:
        for direction in (window[0], window[0].T):
            difference = direction.diff().abs()
            middle, sides = difference[:, 1:-1], torch.maximum(difference[:, :-2], difference[:, 2:])
            is_edge = (middle >= _EDGE) & (middle >= sides)
            ratios.append((sides / middle.clamp(min=_EDGE))[is_edge])
    found = torch.cat(ratios)
    return float((found < 0.25).float().mean()) if len(found) >= _LEAST_EDGES else 0.0
