"""Finds the chroma of an earlier save again, at the resolution and on the grid at which it was stored.

The decoder of the earlier save enlarged its chroma with a triangle filter, and the encoder of a later save averaged
neighbors. Along each axis, all of these steps together are a short symmetric filter on the samples that were stored.
The filter is inverted and the coefficients are rounded to multiples of the steps, in turns: what rounding gets right
takes its part out of what is left to invert.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from ..jpeg.color import to_uint8
from ..jpeg.resampling import FACTORS, Subsampling, upsample
from .blocks import FoundBlocks, beyond_file, by_sample, framed, prove, rounded, tolerance

# Weights of a sample's neighbors and of itself along a halved axis: enlarged by the triangle filter, then averaged in
# the same pairs; the same twice; and averaged in the pairs between, enlarged, then averaged in the first pairs.
_ONCE = (1 / 8, 6 / 8, 1 / 8)
_TWICE = (1 / 64, 12 / 64, 38 / 64, 12 / 64, 1 / 64)
_BETWEEN = (1 / 4, 2 / 4, 1 / 4)
_RADIUS = 8
# Frequencies whose squared response is lower are amplified less than in full: there is noise, too.
_LEAST_POWER = 0.2
_ROUNDS = 2


@dataclass(frozen=True)
class LaterFile:
    """The JPEG file that shows a picture.

    Attributes:
        tables: integers (planes, 8, 8).
        sampling: of its chroma.
    """

    tables: Tensor
    sampling: Subsampling | None


@dataclass(frozen=True)
class ChromaGrid:
    """How an earlier save stored chroma.

    Attributes:
        table: integers (8, 8).
        sampling: its chroma subsampling.
        top, left: rows and columns by which its grid starts before the picture, 0..15.
    """

    table: Tensor
    sampling: Subsampling
    top: int
    left: int


def can_be_undone(sampling: Subsampling, later: LaterFile | None) -> bool:
    """Whether a later file stores at least as many samples of chroma along each axis as an earlier save did."""
    if later is None:
        return True
    if later.sampling is None:
        return False
    return all(kept <= factor for kept, factor in zip(FACTORS[later.sampling], FACTORS[sampling], strict=True))


@dataclass(frozen=True)
class ShownChroma:
    """A chroma plane of an earlier save, not yet proven.

    Attributes:
        stored: float32 (h, w), the samples that were stored, as they are seen, on a frame that starts at a corner of
            the grid.
        shown: float32 (h, w), as the earlier file decodes them.
        detailed: bool (h // 8, w // 8), which blocks hold more than their mean.
        full: float32 (H + top, W + left), `shown` as a decoder enlarges it.
    """

    stored: Tensor
    shown: Tensor
    detailed: Tensor
    full: Tensor


def show_chroma(seen: Tensor, grid: ChromaGrid, later: LaterFile | None) -> ShownChroma:
    """What an earlier save would show of a chroma plane.

    Args:
        seen: float32 (H, W), 0..255, at full size.
        grid: how the earlier save stored it.
        later: the file that shows it; `None` for pictures that are no JPEG files.
    """
    factors, later_factors = FACTORS[grid.sampling], _factors(later)
    kernels = [
        _kernel(factor, kept, start)
        for factor, kept, start in zip(factors, later_factors, (grid.top, grid.left), strict=True)
    ]
    # 1. The stored samples, filtered.
    frame = framed(seen, grid.top, grid.left)  # (H + top, W + left)
    filtered = _average(frame, factors)  # (h, w)
    # 2. The filter inverted and coefficients rounded, in turns.
    stored = filtered
    if any(len(kernel) > 1 for kernel in kernels):
        inverses = [_inverse(kernel) for kernel in kernels]
        stored = _filter(filtered, inverses)
        for _ in range(_ROUNDS):
            guess, _ = rounded(stored, grid.table)
            stored = guess + _filter(filtered - _filter(guess, kernels), inverses)
    shown, detailed = rounded(stored, grid.table)
    full = upsample(to_uint8(shown), grid.sampling, *frame.shape).float()
    return ShownChroma(stored, shown, detailed, full)


def prove_chroma(
    chroma: ShownChroma, again: Tensor, seen: Tensor, grid: ChromaGrid, later: LaterFile | None
) -> tuple[Tensor, FoundBlocks]:
    """Keep the blocks that can have become what is seen.

    Args:
        chroma: from [`show_chroma`].
        again: float32 (H, W), `chroma.full` within the picture, as the conversion to RGB and back leaves it.
        seen, grid, later: as for [`show_chroma`].

    Returns:
        float32 (H + top, W + left): explained blocks as the decoder of the earlier save enlarged them, all else as
        seen; and the blocks at the resolution at which they were stored.
    """
    factors, later_factors = FACTORS[grid.sampling], _factors(later)
    frame = framed(seen, grid.top, grid.left)
    if later is None:
        beyond = again - seen
    else:
        kept = _filter(_average(seen, later_factors), [_inverse(_kernel(factor, 1, 0)) for factor in later_factors])
        beyond = beyond_file(_average(again, later_factors), kept, later.tables[1])
        beyond = beyond.repeat_interleave(later_factors[0], 0).repeat_interleave(later_factors[1], 1)
    beyond = pad(beyond[: seen.shape[0], : seen.shape[1]], (grid.left, 0, grid.top, 0))
    allowed = tolerance(grid.table, later.tables[1] if later else None)
    known = _known(frame, chroma.stored, grid)
    _, explained, _ = prove(chroma.stored, chroma.shown, _average(beyond, factors), known, allowed)
    # Where a block is not proven, and beyond the last whole one, the plane stays as seen.
    result = frame.clone()
    proven = by_sample(explained).repeat_interleave(factors[0], 0).repeat_interleave(factors[1], 1)
    inner = (slice(min(proven.shape[0], frame.shape[0])), slice(min(proven.shape[1], frame.shape[1])))
    result[inner] = torch.where(proven[inner], chroma.full[inner], frame[inner])
    return result, FoundBlocks(explained, chroma.detailed & known)


def _factors(later: LaterFile | None) -> tuple[int, int]:
    return FACTORS[later.sampling] if later and later.sampling else (1, 1)


def _known(frame: Tensor, stored: Tensor, grid: ChromaGrid) -> Tensor:
    """Which whole blocks of the stored samples lie within the picture, bool (rows, columns)."""
    known = torch.zeros(stored.shape[0] // 8, stored.shape[1] // 8, dtype=torch.bool, device=frame.device)
    whole = [size // (8 * factor) for size, factor in zip(frame.shape, FACTORS[grid.sampling], strict=True)]
    known[1 if grid.top else 0 : whole[0], 1 if grid.left else 0 : whole[1]] = True
    return known


def _kernel(factor: int, kept: int, start: int) -> tuple[float, ...]:
    """The filter along one axis: stored one sample in `factor`, stored later one in `kept`, grid `start` earlier."""
    if factor == 1:
        return (1.0,)
    if kept == 1:
        return _ONCE
    return _TWICE if start % 2 == 0 else _BETWEEN


def _inverse(kernel: tuple[float, ...]) -> tuple[float, ...]:
    """The inverse of a symmetric filter, with less amplification where the filter passes almost nothing."""
    if len(kernel) == 1:
        return kernel
    size = 4 * _RADIUS
    weights = torch.tensor(kernel, dtype=torch.float64)
    places = torch.arange(len(kernel)) - len(kernel) // 2
    waves = torch.arange(size, dtype=torch.float64)[:, None] * places * (2 * torch.pi / size)
    response = (weights * waves.cos()).sum(1)  # (size,)
    back = torch.fft.ifft(response / response.square().clamp(min=_LEAST_POWER)).real
    return tuple(torch.cat((back[-_RADIUS:], back[: _RADIUS + 1])).tolist())


def _filter(plane: Tensor, kernels: list[tuple[float, ...]]) -> Tensor:
    """A plane (H, W), filtered by one symmetric kernel along each axis; beyond the border it is repeated."""
    for axis, kernel in enumerate(kernels):
        if len(kernel) == 1:
            continue
        reach, size = len(kernel) // 2, plane.shape[axis]
        around = (0, 0, reach, reach) if axis == 0 else (reach, reach, 0, 0)
        wide = pad(plane[None, None], around, mode="replicate")[0, 0]
        # Sums of shifted planes: faster than a convolution of one channel.
        result = wide.narrow(axis, reach, size) * kernel[reach]
        for away in range(1, reach + 1):
            pair = wide.narrow(axis, reach - away, size) + wide.narrow(axis, reach + away, size)
            result.add_(pair, alpha=kernel[reach + away])
        plane = result
    return plane


def _average(plane: Tensor, factors: tuple[int, int]) -> Tensor:
    """Means of groups of samples, (ceil(H / rows), ceil(W / columns)); the border is repeated to whole groups."""
    rows, columns = factors
    height, width = plane.shape
    if height % rows or width % columns:
        plane = pad(plane[None, None], (0, -width % columns, 0, -height % rows), mode="replicate")[0, 0]
    if rows == 2:
        plane = (plane[::2] + plane[1::2]) / 2
    return (plane[:, ::2] + plane[:, 1::2]) / 2 if columns == 2 else plane
