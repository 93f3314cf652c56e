"""Single pixels of coded units moved by one level, so that blocks encode to those of their file.

Within the colors that RGB holds, a pixel at whole numbers Y, Cb, Cr comes back from RGB as it was. So luma and chroma
are moved apart. A pixel that is moved takes such a place; all others stay as they are.
"""

import torch
from torch import Tensor

from .coded_units import repeat
from .rounding import choose_moves
from .unit_intervals import UnitIntervals
from .writing import seen_by_encoder

# What a change of another plane by one level counts against moving a pixel.
_OTHER_PLANE = 1.0


def move_luma(units: Tensor, intervals: UnitIntervals, seen: Tensor, wrong: Tensor) -> None:
    """Move luma of pixels in blocks that are wrong, in place.

    Args:
        units: float32 (C, N, f, 64), 0..255.
        intervals: of these units.
        seen: float32, same shape, integers: as an encoder sees them.
        wrong: bool (N, f), from [`UnitIntervals.wrong`].
    """
    border = intervals.kind.border
    # Blocks that the border cuts differ in what they repeat.
    for choice in [wrong] if border is None else [_only(wrong, number) for number in range(wrong.shape[1])]:
        unit, block = choice.nonzero().unbind(1)
        if not len(unit):
            continue
        planes, now = units[:, unit, block], seen[:, unit, block]  # (C, n, 64)
        costs = _costs(planes, now, torch.zeros_like(unit))
        repeats = None if border is None else border.luma_of_block[int(block[0])]
        middles, steps = intervals.luma[unit, block], intervals.steps[:1]
        moves = choose_moves(now[0], middles, steps, costs, intervals.kind, repeats)
        now[0] += moves
        units[:, unit, block] = torch.where(moves != 0.0, now, planes)
    if border is not None:
        units.copy_(repeat(units, border))


def _only(wrong: Tensor, number: int) -> Tensor:
    result = torch.zeros_like(wrong)
    result[:, number] = wrong[:, number]
    return result


def move_chroma(units: Tensor, intervals: UnitIntervals, seen: Tensor, wrong: Tensor) -> None:
    """Move chroma of pixels in blocks that are wrong, in place.

    A stored sample is the rounded mean of some pixels. To move it by one level, as many of them as needed are moved.

    Args:
        units, intervals, seen: as for [`move_luma`]; three planes.
        wrong: bool (2, N), from [`UnitIntervals.wrong`].
    """
    kind, border = intervals.kind, intervals.kind.border
    f = kind.factors[0] * kind.factors[1]
    plane, unit = wrong.nonzero().unbind(1)  # (n,) both
    planes, now = units[:, unit], seen[:, unit]  # (3, n, f, 64)
    # 1. The sum of every stored sample, and by how much it must grow or shrink for the next mean.
    sums = (now[1:].flatten(2) @ kind.sums).add_(kind.bias)[plane, torch.arange(len(plane), device=plane.device)]
    rest = sums.remainder(f)
    needed = torch.stack((f - rest, rest + 1.0))  # (2, n, 64): up, down
    # 2. The cost of moving the cheapest pixels that suffice, and which these are.
    by_pixel = _grouped(_costs(planes, now, plane + 1).flatten(0, 1), kind.factors)  # (2 * n, 64, f)
    ordered, order = by_pixel.sort(stable=True, dim=-1)
    costs = ordered.cumsum(-1).gather(-1, needed.flatten(0, 1).long()[..., None] - 1)[..., 0].view_as(needed)
    chosen = (order.argsort(-1) < needed.flatten(0, 1)[..., None]).unflatten(0, (2, -1))  # (2, n, 64, f)
    # 3. Which samples are moved, and their pixels.
    middles, steps = _of(intervals.chroma)[plane, unit], intervals.steps[1:][plane]
    repeats = None if border is None else border.stored
    moves = choose_moves((sums - rest) / f, middles, steps, costs, kind, repeats)[..., None]
    changes = _ungrouped((moves > 0.0) & chosen[0], kind.factors).float()
    changes -= _ungrouped((moves < 0.0) & chosen[1], kind.factors).float()  # (n, f, 64)
    total = torch.zeros_like(units[1:])
    total[plane, unit] = changes
    moved = (total != 0.0).any(0)
    whole = seen.clone()
    whole[1:] += total
    units.copy_(torch.where(moved, whole, units))
    if border is not None:
        units.copy_(repeat(units, border))


def _of(chroma: Tensor | None) -> Tensor:
    if chroma is None:
        raise ValueError("chroma is moved only where it is held")
    return chroma


def _costs(planes: Tensor, now: Tensor, plane: Tensor) -> Tensor:
    """What it costs to move one plane of pixels by one level: how much farther from what was wanted, and in others.

    Args:
        planes, now: (C, n, ...), as wanted, and as an encoder sees them.
        plane: int64 (n,), which plane.

    Returns:
        (2, n, ...): up, down; infinity where the color cannot be written.
    """
    chosen = torch.arange(len(now), device=now.device)[:, None] == plane  # (C, n)
    chosen = chosen.float().view(*chosen.shape, *[1] * (now.ndim - 2))
    up_or_down = torch.tensor((1.0, -1.0), device=now.device).view(2, *[1] * (now.ndim - 1))
    moved = now[:, None] + chosen[:, None] * up_or_down  # (C, 2, n, ...)
    became = seen_by_encoder(moved)
    farther = ((now - planes) * chosen).sum(0) * (2.0 * up_or_down) + 1.0  # (2, n, ...)
    others = (became - now[:, None]).abs_().sum(0).sub_(1.0)
    reached = ((became == moved) | (chosen[:, None] == 0.0)).all(0)
    return torch.where(reached, farther.add_(others, alpha=_OTHER_PLANE), torch.inf)


def _grouped(pixels: Tensor, factors: tuple[int, int]) -> Tensor:
    """Pixels of units (n, f, 64) by stored sample, (n, 64, f)."""
    v, h = factors
    parts: Tensor = pixels.unflatten(2, (8 // v, v, 8 // h, h)).unflatten(1, (v, h))  # (n, v, h, 8/v, v, 8/h, h)
    return parts.permute(0, 1, 3, 2, 5, 4, 6).reshape(-1, 64, v * h)


def _ungrouped(samples: Tensor, factors: tuple[int, int]) -> Tensor:
    """The inverse of [`_grouped`]."""
    v, h = factors
    parts: Tensor = samples.unflatten(2, (v, h)).unflatten(1, (v, 8 // v, h, 8 // h))  # (n, v, 8/v, h, 8/h, v, h)
    return parts.permute(0, 1, 3, 2, 5, 4, 6).reshape(-1, v * h, 64)
