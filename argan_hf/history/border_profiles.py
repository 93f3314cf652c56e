"""Mean second differences across one axis of a picture, and which periods they have.

Steps at the borders of blocks make second differences larger, once per period. Averaged over all lines they leave a
profile in which other edges of the picture, each at its own place, hardly count.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

BINS = 8192  # of the Fourier transform, several per resolvable frequency
FREQUENCIES = 7  # multiples of 1 / period, as long as they exist
LARGEST_FREQUENCY = 0.5001


@dataclass(frozen=True)
class BorderProfiles:
    """Profiles across one axis, each float32 (N,), and the spectrum of the first.

    Attributes:
        borders: mean second difference relative to its surroundings.
        smooth, busy: the same over smooth and over busy surroundings only.
        signed: as `borders`, without taking absolute values.
        plain: mean second difference as it is.
        power: float32 (4097,), power of `borders` relative to neighboring frequencies, 1 on average where no period is.
    """

    borders: Tensor
    smooth: Tensor
    busy: Tensor
    signed: Tensor
    plain: Tensor
    power: Tensor


def border_profiles(plane: Tensor, own: bool) -> BorderProfiles:
    """Profiles across the last axis.

    Args:
        plane: float32 (L, N + 2), 0..255.
        own: whether the picture has a grid of 8 pixels that shall not count.
    """
    bend = plane[:, 2:] - 2 * plane[:, 1:-1] + plane[:, :-2]  # (L, N)
    size = bend.abs()
    clipped = size.clamp(max=40)
    around = F.avg_pool1d(clipped[:, None], 25, 1, 12, count_include_pad=False)[:, 0] + 1
    relative = (clipped / around).clamp_(max=3) - 1
    # Strong edges belong to the picture: blocks make small steps.
    calm = (F.max_pool1d(size[:, None], 5, 1, 2)[:, 0] <= 24).float()
    smooth = (around < 5).float()

    def mean(values: Tensor, weights: Tensor) -> Tensor:
        return (values * weights).sum(0) / (weights.sum(0) + 0.02 * len(weights))

    borders = mean(relative, calm)
    return BorderProfiles(
        borders,
        mean(relative, smooth),
        mean(relative, 1 - smooth),
        (bend / around).clamp_(-3, 3).mean(0),
        size.mean(0) / size.mean().clamp(min=1e-6),
        _power(borders, own),
    )


def _power(profile: Tensor, own: bool) -> Tensor:
    n = len(profile)
    if own:  # what depends on the phase of the own grid
        phases = torch.stack([profile[phase::8].median() for phase in range(8)])
        profile = profile - phases.repeat(n // 8 + 1)[:n]
    flat = _without_trend(profile)
    flat = flat / (1.4826 * flat.abs().median() + 1e-6)
    flat = flat.clamp(-6, 6) * torch.hann_window(n, periodic=False)
    power: Tensor = torch.fft.rfft(flat, BINS).abs().square()  # (4097,)
    # The floor is the median of about 100 neighboring independent frequencies; exponentially distributed power has a
    # median of log(2) times its mean.
    apart = max(1, BINS // n)
    half = 48 * apart
    neighbors = F.pad(power[None], (half, half), mode="reflect")[0].unfold(0, 2 * half + 1, half // 4)[:, ::apart]
    floor = neighbors.median(1).values / math.log(2)
    floor = F.interpolate(floor[None, None], size=len(power), mode="linear", align_corners=True)[0, 0]
    return power.div(floor.clamp(min=1e-9))


def _without_trend(profile: Tensor) -> Tensor:
    padded = F.pad(profile[None, None], (16, 16), mode="reflect")
    return profile - F.avg_pool1d(padded, 33, 1)[0, 0]


def has_grid_of_8(axis: BorderProfiles) -> bool:
    """Whether 1/8 and 3/8 stand out, which no other period in question has both."""
    eighth = BINS // 8
    return sum(float(axis.power[k * eighth - 1 : k * eighth + 2].max().clamp(max=40)) for k in (1, 3)) > 20


def counted_frequencies(frequencies: Tensor, n: int, own: bool) -> Tensor:
    """Which frequencies exist and, with an own grid, are no multiples of 1/8 in a profile of length n; bool."""
    exists = frequencies <= LARGEST_FREQUENCY
    if not own:
        return exists
    return exists & ((frequencies * 8 - (frequencies * 8).round()).abs() / 8 >= 3 / n)


def harmonics(profile: Tensor, period: float, own: bool) -> Tensor:
    """Amplitudes of multiples of a period in a profile, complex64 (up to 7,), 0 where the own grid is."""
    n = len(profile)
    window = torch.hann_window(n, periodic=False)
    frequencies = torch.arange(1, FREQUENCIES + 1) / period
    frequencies = frequencies[frequencies <= LARGEST_FREQUENCY]
    waves = torch.exp(-2j * math.pi * frequencies[:, None] * torch.arange(n))  # (K, N)
    flat = _without_trend(profile) * window / window.sum()
    amplitudes: Tensor = (waves * flat).sum(1) * counted_frequencies(frequencies, n, own)
    return amplitudes
