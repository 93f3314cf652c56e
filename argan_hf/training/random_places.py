"""Fixed numbers of places for what only some crops of a batch go through.

Shapes depend on nothing that is drawn. A share that is no whole number of crops is met on average: with 1.35 crops per
batch there are two places, and the second is taken in 35 % of the batches.
"""

import math

import torch
from torch import Tensor


def places_for(expected: float) -> int:
    """Places for a number of crops that is `expected` on average."""
    return math.ceil(expected - 1e-9)


def shuffled(batches: int, count: int, generator: torch.Generator) -> Tensor:
    """A permutation of 0..count - 1 for each of N batches, int64 (N, count)."""
    return torch.rand(batches, count, generator=generator).argsort(1)


def draw_counts(expected: list[float], batches: int, generator: torch.Generator) -> list[Tensor]:
    """Whole numbers that are `expected` on average, int64 (N, 1) each; one that is expected to be larger is never
    smaller."""
    luck = torch.rand(batches, 1, dtype=torch.float64, generator=generator)
    return [(number + luck).floor().long().clamp(math.floor(number), places_for(number)) for number in expected]


def draw_taken(expected: list[float], batches: int, generator: torch.Generator) -> list[Tensor]:
    """Which places are taken, bool (N, places) each: the first ones, as many as `expected` on average."""
    counts = draw_counts(expected, batches, generator)
    return [torch.arange(places_for(number)) < count for number, count in zip(expected, counts, strict=True)]
