"""The random numbers that say where crops are cut, for many batches at once, before any of them is needed."""

from dataclasses import dataclass

import torch
from torch import Tensor

from .draws import Draws
from .random_places import draw_taken, places_for, shuffled

PLACE_BITS = 26
"""Places are drawn as integers of so many bits. 64 bits hold their product with the area of all pictures in a reservoir
of up to 384 GiB, and places in one of 80 GiB lie 400 pixels apart, where a picture has a hundred thousand."""


@dataclass(frozen=True)
class CropDraws(Draws):
    """Random numbers for B crops; of N batches, if every tensor has an axis N in front.

    G is the number of places for crops of graphics.

    Attributes:
        places: int64 (B, 3), 0 .. 2**26 - 1: for the picture, the row and the column.
        flips: bool (B, 3): whether the crop is flipped along rows, along columns, and transposed.
        graphics: int64 (G,), the crops with a place for graphics.
        is_graphic: bool (G,), whether the place is taken.
        on_grid: bool (G,), whether that crop starts where a file of the whole graphic has a corner of its blocks.
    """

    places: Tensor
    flips: Tensor
    graphics: Tensor
    is_graphic: Tensor
    on_grid: Tensor


def draw_crops(
    batches: int,
    batch_size: int,
    generator: torch.Generator,
    *,
    graphics_share: float = 0.0,
    graphics_grid_share: float = 0.0,
) -> CropDraws:
    """Draw the places of N batches of B crops, with an axis N in front, on the CPU.

    Args:
        batches: N.
        batch_size: B.
        generator: source of all random numbers, on the CPU.
        graphics_share: share of the crops that are cut from graphics.
        graphics_grid_share: share of those that start on the grid.
    """
    places = torch.randint(0, 1 << PLACE_BITS, (batches, batch_size, 3), generator=generator)
    flips = torch.rand(batches, batch_size, 3, generator=generator) < 0.5
    expected = batch_size * graphics_share
    if not expected:
        none = torch.zeros(batches, 0, dtype=torch.int64)
        return CropDraws(places, flips, none, none.bool(), none.bool())
    graphics = shuffled(batches, batch_size, generator)[:, : places_for(expected)]  # (N, G)
    (is_graphic,) = draw_taken([expected], batches, generator)  # (N, G)
    on_grid = torch.rand(graphics.shape, generator=generator) < graphics_grid_share
    return CropDraws(places, flips, graphics, is_graphic, on_grid)
