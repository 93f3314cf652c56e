"""Finds that a picture was saved as JPEG and resized afterwards, or enlarged by a whole factor.

A network that removes artifacts of JPEG expects blocks of 8 pixels. In a picture that was resized after it was saved,
the blocks have another size, rarely a whole one, and no table in the file tells of them. The pixels do: steps at the
borders of blocks make second differences larger, once per period. A false alarm costs more than a miss here, so that
whatever is periodic by itself (graphics, facades, traces of the resizing) has to be told from blocks, and doubt means
no.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .border_profiles import (
    BINS,
    FREQUENCIES,
    LARGEST_FREQUENCY,
    BorderProfiles,
    border_profiles,
    counted_frequencies,
    harmonics,
    has_grid_of_8,
)

_LENGTH, _LINES = 2048, 1024  # of the middle of the picture: enough to be sure, and soon done
_SHORTEST = 160
_STEP = 0.001
_SAME = 8  # steps of the list of periods by which the axes may differ: sizes are rounded to whole pixels
# Periods below 5.7 are searched only to be rejected. They leave two harmonics, and so does any enlargement of a picture
# that was never saved.
_PERIODS = torch.exp(torch.arange(math.log(3.95), math.log(16.2), _STEP))  # (T,)
_SHORTEST_PERIOD = 5.7
_FREQUENCIES = torch.arange(1, FREQUENCIES + 1) / _PERIODS[:, None]  # (T, 7), cycles per pixel
# Scores. Photographs that were saved once reach 4.5 as JPEG; as PNG, resizing alone leaves traces up to 20.
_LEAST_IN_JPEG, _LEAST_OTHERWISE = 9.0, 10.0
_LEAST_AT_16 = 20.0  # blocks of subsampled chroma are 16 pixels wide, and clipping leads them into luma


@dataclass(frozen=True)
class ResizedGrid:
    """Blocks of an earlier JPEG in a picture that was resized since.

    Attributes:
        vertical_scale, horizontal_scale: size of the picture over its size when it was saved, 0.71..2, never within
            3 % of 1 (a grid of 8 is no resized one).
        certainty: 0.5..1, grows with how far the grid stands out from neighboring frequencies; no probability.
    """

    vertical_scale: float
    horizontal_scale: float
    certainty: float


def find_resized_grid(luma: Tensor, own_period: int | None) -> ResizedGrid | None:
    """Look for the blocks of a JPEG that was resized by 0.71 to 2 after it was saved.

    In a picture that is no JPEG itself, scales of 6/8, 7/8, 9/8 and 10/8 are not found: resizing alone leaves the same
    periods.

    Args:
        luma: uint8 or floating-point (H, W), 0..255.
        own_period: 8 if the picture is itself a JPEG, whose own blocks shall not count; None otherwise.

    Returns:
        The scales, or None if there are no such blocks or it is doubtful.

    Raises:
        ValueError: if `luma` is not of two dimensions, or `own_period` neither None nor 8.
    """
    if luma.ndim != 2:
        raise ValueError(f"luma must have shape (H, W), found {tuple(luma.shape)}")
    if own_period not in (None, 8):
        raise ValueError(f"own_period must be None or 8, found {own_period}")
    if min(luma.shape) < _SHORTEST:
        return None
    planes = (_middle(luma.T), _middle(luma))  # both with the axis in question last
    is_jpeg = own = own_period is not None
    axes = [border_profiles(plane, own) for plane in planes]
    # A grid of 8 in a picture that is no JPEG is that of a JPEG which was not resized; others find it.
    if not own and all(has_grid_of_8(axis) for axis in axes):
        own, axes = True, [border_profiles(plane, True) for plane in planes]
    score, vertical, horizontal = _best_periods(axes, own)
    periods = (vertical, horizontal)
    at_16 = max(periods) > 15.5
    least = _LEAST_AT_16 if at_16 else _LEAST_IN_JPEG if is_jpeg else _LEAST_OTHERWISE
    if min(periods) < _SHORTEST_PERIOD or abs(vertical / 8 - 1) < 0.03 or score < least:
        return None
    if not _looks_like_blocks(axes, periods, own, is_jpeg) or not all(map(_is_no_mosaic, planes, periods)):
        return None
    return ResizedGrid(vertical / 8, horizontal / 8, 1 - 0.5 * math.exp(1 - score / least))


def find_enlargement(samples: Tensor) -> int:
    """Find by which whole factor a picture was enlarged by repeating its pixels.

    Args:
        samples: uint8 (C, H, W).

    Returns:
        The largest k of 2..16 that divides H and W and for which every cell of k x k pixels has one color, counted from
        the corner; 1 if there is none, or if the whole picture has one color.

    Raises:
        ValueError: if `samples` is not of three dimensions.
    """
    if samples.ndim != 3:
        raise ValueError(f"samples must have shape (C, H, W), found {tuple(samples.shape)}")
    # Where a row differs from the one above it, a cell begins, so that k divides all such places and the height.
    height, width = samples.shape[1:]
    rows = (samples[:, 1:] != samples[:, :-1]).any(2).any(0).nonzero()[:, 0] + 1
    columns = (samples[:, :, 1:] != samples[:, :, :-1]).any(1).any(0).nonzero()[:, 0] + 1
    if not len(rows) and not len(columns):
        return 1
    common = math.gcd(height, width, *rows.tolist(), *columns.tolist())
    return max(k for k in range(1, 17) if common % k == 0)


def _middle(plane: Tensor) -> Tensor:
    top, left = (max(0, size - most) // 2 for size, most in zip(plane.shape, (_LINES, _LENGTH), strict=True))
    return plane[top : top + _LINES, left : left + _LENGTH].float()


def _best_periods(axes: list[BorderProfiles], own: bool) -> tuple[float, float, float]:
    """The score and the periods of the two axes that agree on most."""
    index = (_FREQUENCIES * BINS).round().long().clamp(max=BINS // 2)  # (T, 7)
    scores, heights = [], []
    for axis in axes:
        counted = counted_frequencies(_FREQUENCIES, len(axis.borders), own)
        power = axis.power[index] * counted  # (T, 7)
        count = counted.sum(1)
        # Logarithms, so that one high peak does not make up for missing ones. 0.6 is their mean where no period is.
        total = (3 * (power.clamp(max=400).log1p() - 0.6) * counted).sum(1)
        scores.append(torch.where(count >= 2, total / count.clamp(min=1).sqrt(), -9.0))
        heights.append(power.sqrt().sum(1) / (_FREQUENCIES <= LARGEST_FREQUENCY).sum(1).sqrt())
    near = [F.max_pool1d(score[None], 2 * _SAME + 1, 1, _SAME)[0] for score in scores]
    joint = torch.maximum(torch.minimum(scores[0], near[1]), torch.minimum(near[0], scores[1]))  # (T,)
    # Multiples of the period have its harmonics too, among others that are not there.
    likely = (heights[0] + heights[1]).masked_fill(joint < 0.6 * joint.max(), -1)
    best = int(likely.argmax())
    first = max(0, best - _SAME)
    found = [float(_PERIODS[first + int(score[first : best + _SAME + 1].argmax())]) for score in scores]
    return float(joint[best]), found[0], found[1]


def _looks_like_blocks(axes: list[BorderProfiles], periods: tuple[float, float], own: bool, is_jpeg: bool) -> bool:
    """Tell blocks from other periodic things, by what holds for most blocks in photographs and for few graphics."""
    up = down = smooth = busy = plain = 0.0
    for axis, period in zip(axes, periods, strict=True):
        borders = harmonics(axis.borders, period, own)
        # Steps at the borders of blocks go up as often as down. Those of bricks, tables and waves do not.
        if harmonics(axis.signed, period, own).abs().square().sum() > 0.6 * borders.abs().square().sum():
            return False
        # In cells of one color, all there is lies at the borders.
        plain = max(plain, float(harmonics(axis.plain, period, own).abs().sum()))
        k, shift = torch.arange(1, len(borders) + 1), torch.arange(0, 2 * math.pi, 0.02)[:, None]
        wave = (borders * torch.exp(1j * k * shift)).real.sum(1)  # (315,), one period of the profile
        up, down = up + float(wave.max()), down - float(wave.min())
        smooth += float(harmonics(axis.smooth, period, own).abs().sum())
        busy += float(harmonics(axis.busy, period, own).abs().sum())
    ratio = busy / max(smooth, 1e-9)
    if not 0.12 < ratio < 6 or plain > (0.8 if is_jpeg else 1.35):
        return False
    if (ratio < 1 and plain > 0.25 and is_jpeg) or (ratio < 0.5 and plain > 0.6):
        return False
    # Enlarging by n / (n - 1) leaves traces of period n, much like blocks; little of that remains in a JPEG.
    doubtful = max(periods) < 10.1 and abs(periods[0] - round(periods[0])) < 0.06
    if doubtful and not is_jpeg:
        return False
    # At 16, the own grid leaves odd harmonics: a symmetric wave. Otherwise blocks raise the profile once per period,
    # whereas resizing alone raises and lowers it alike.
    return (own and max(periods) > 15.5) or up > (0.85 if is_jpeg and not doubtful else 1.25) * down


def _is_no_mosaic(plane: Tensor, period: float) -> bool:
    """Pixels less than a period apart resemble each other in photographs, not in checkers or cells of any color."""
    plane = plane[::4]
    differences = [(plane[:, lag:] - plane[:, :-lag]).square().mean() for lag in range(2, round(period) + 1)]
    return float(max(differences)) < 1.4 * float(plane.var())
