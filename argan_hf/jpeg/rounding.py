"""Rounding chosen sample by sample, so that blocks encode to what they should.

Rounding to 8 bits moves every coefficient by a third of a level. Where that takes one out of its interval, some samples
are moved by one level: each time the one that leads back most, at the least cost, until all coefficients are inside.
"""

import torch
from torch import Tensor

from .coded_units import UnitKind

_STEPS = 6
# Coefficients are led so far inside of their intervals: the integer DCT of an encoder differs from the exact one.
_TOLERANCE = 0.15
# What a unit of cost counts against one of the gradient.
_WEIGHT = 0.02
_DIGITS = 1024.0


def choose_moves(
    samples: Tensor, middles: Tensor, steps: Tensor, costs: Tensor, kind: UnitKind, repeats: Tensor | None = None
) -> Tensor:
    """Moves of samples by one level, so that blocks encode to what they should, nearly always.

    Args:
        samples: float32 (N, 64), integers 0..255.
        middles: float32 (N, 64), of the intervals of their coefficients, in the DCT of samples 0..255.
        steps: float32 (N or 1, 64), the lengths of the intervals.
        costs: float32 (2, N, 64), of moving a sample up, and down; infinity where it cannot be moved. It is changed.
        kind: of the units that the blocks belong to.
        repeats: int64 (64,): the sample that each repeats, in blocks that the border of a picture cuts.

    Returns:
        float32 (N, 64): -1, 0 or 1 for every sample.
    """
    effect = back = kind.to_luma  # (64, 64): sample, coefficient
    if repeats is not None:
        # A sample that is repeated moves coefficients more; what is gained for each of its places is compared.
        effect = torch.zeros_like(effect).index_add_(0, repeats, effect)
        back = effect / torch.bincount(repeats, minlength=64).clamp(min=1)[:, None]
    back = back.T.contiguous()
    half = (steps / 2 - _TOLERANCE).clamp_(min=0.0).expand_as(samples)
    ends = torch.stack((-half, half))  # (2, n, 64)
    moves, places = torch.zeros_like(samples), torch.arange(len(samples), device=samples.device)
    offset = (samples @ kind.to_luma).sub_(middles)  # (n, 64)
    for _ in range(_STEPS):
        # 1. How far coefficients lie beyond their intervals. Blocks that are done are left.
        beyond = offset - offset.clamp(*ends)  # (n, 64)
        going = beyond.abs().amax(1).nonzero()[:, 0]
        if len(going) < len(places):
            if not len(going):
                break
            places, offset, beyond = places[going], offset[going], beyond[going]
            ends, costs = ends[:, going], costs[:, going]
        # 2. The sample that leads back most.
        pull = beyond @ back  # (n, 64): half the gradient of the sum of squares
        sign = pull.sign().neg_()
        value = pull.abs_().sub_(torch.where(sign > 0.0, costs[0], costs[1]), alpha=_WEIGHT)
        # Rounded, so that the first of several equal ones is taken on every device.
        best, sample = value.mul_(_DIGITS).round_().max(1, keepdim=True)  # (n, 1) both
        # 3. It is moved, and not again. Where there is none, the move has no effect.
        sign = sign.gather(1, sample).mul_(best > -torch.inf)
        moves[places] = moves[places].scatter_add_(1, sample, sign)
        offset.addcmul_(sign, effect[sample[:, 0]])
        costs.scatter_(2, sample.expand(2, -1, 1), torch.inf)
    return moves
