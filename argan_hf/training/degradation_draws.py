"""The random settings of degradations, for many batches at once, before any of them is needed.

Shapes depend on nothing that is drawn, so that nothing waits for a number from the device and compiled code fits every
batch. What only some crops of a batch go through has a fixed number of places (`random_places.py`).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..jpeg.resampling import Subsampling, SubsamplingGroups
from ..jpeg.tables import quantization_tables
from .degradation_settings import GRID, DegradationSettings
from .draws import Draws
from .random_places import draw_counts, draw_taken, places_for, shuffled

_SUBSAMPLINGS: tuple[Subsampling, ...] = ("4:2:0", "4:2:2", "4:4:4")


@dataclass(frozen=True)
class DegradationDraws(Draws):
    """What was drawn for the B crops of a batch; of N batches, if every tensor has an axis N in front.

    E is the number of places for crops that were compressed before, R that of crops resized after that, M that of
    crops with an offset.

    Attributes:
        quality: int64 (B,), libjpeg's 1..100 of the last compression.
        tables: int32 (B, 2, 8, 8), luma and chroma tables of the last compression.
        subsampling: int64 (B,), of the last compression: 0 for 4:2:0, 1 for 4:2:2, 2 for 4:4:4.
        gray, studio, blind, clean: bool (B,): neutral chroma; gray with studio-swing luma; no tables for the network;
            never compressed.
        moved: int64 (M,), the crops with a place for an offset.
        offset: int64 (B, 2), rows and columns by which the last grid starts before the crop, 0..15.
        earlier: int64 (E,), the crops with a place for an earlier compression.
        compressed: bool (E,), whether the place is taken.
        earlier_quality, earlier_tables, earlier_subsampling, earlier_offset: of the earlier compression; (E,),
            (E, 2, 8, 8), (E,), (E, 2).
        resized: int64 (R,), which of the E places have a place for a resizing.
        zoomed: bool (R,), whether that place is taken.
        scale: float32 (R,), factor of the resizing.
    """

    quality: Tensor
    tables: Tensor
    subsampling: Tensor
    gray: Tensor
    studio: Tensor
    blind: Tensor
    clean: Tensor
    moved: Tensor
    offset: Tensor
    earlier: Tensor
    compressed: Tensor
    earlier_quality: Tensor
    earlier_tables: Tensor
    earlier_subsampling: Tensor
    earlier_offset: Tensor
    resized: Tensor
    zoomed: Tensor
    scale: Tensor


def draw_degradations(
    settings: DegradationSettings, generator: torch.Generator, *, batches: int, batch_size: int, num_channels: int
) -> DegradationDraws:
    """Draw the degradations of some batches.

    Args:
        settings: the distribution to draw from.
        generator: source of all random numbers, on the CPU.
        batches: N.
        batch_size: B.
        num_channels: planes of a crop, 1 or 3; a single plane is always gray.

    Returns:
        Tensors with an axis N in front, on the CPU.
    """

    def chance(share: float) -> Tensor:
        return torch.rand(batches, batch_size, generator=generator) < share  # (N, B)

    # 1. The last compression.
    quality = _draw_quality((batches, batch_size), settings, generator)  # (N, B)
    tables = _draw_tables(quality, settings, generator)  # (N, B, 2, 8, 8)
    gray = chance(1.0 if num_channels == 1 else settings.gray_share)
    studio = chance(settings.studio_swing_share) & gray
    clean = chance(settings.clean_share)

    # 2. Its offset. Tables imply a grid that starts at the corner, as it does in a file, so crops with an offset get
    #    none.
    moved = shuffled(batches, batch_size, generator)[:, : places_for(batch_size * settings.offset_share)]  # (N, M)
    (is_moved,) = draw_taken([batch_size * settings.offset_share], batches, generator)  # (N, M)
    drawn = torch.randint(0, GRID, (*moved.shape, 2), generator=generator) * is_moved[..., None]  # (N, M, 2)
    offset = torch.zeros(batches, batch_size, 2, dtype=torch.int64).scatter_(
        1, moved[..., None].expand_as(drawn), drawn
    )
    blind = chance(settings.unknown_table_share) | offset.any(dim=2)

    # 3. An earlier compression, and a resizing of some of these crops. The order in which the E places are taken is
    #    drawn anew, because subsamplings are given in the order of the places.
    expected = [batch_size * settings.earlier_share * share for share in (1.0, settings.resize_share)]
    earlier = shuffled(batches, batch_size, generator)[:, : places_for(expected[0])]  # (N, E)
    places = earlier.shape[1]
    order = shuffled(batches, places, generator)  # (N, E)
    is_compressed, is_zoomed = draw_taken(expected, batches, generator)  # (N, E), (N, R)
    earlier_quality = _draw_quality((batches, places), settings, generator)  # (N, E)

    return DegradationDraws(
        quality=quality,
        tables=tables,
        subsampling=_draw_subsampling(batches, batch_size, settings, generator),
        gray=gray,
        studio=studio,
        blind=blind,
        clean=clean,
        moved=moved,
        offset=offset,
        earlier=earlier,
        compressed=torch.zeros_like(is_compressed).scatter_(1, order, is_compressed),
        earlier_quality=earlier_quality,
        earlier_tables=quantization_tables(earlier_quality),
        earlier_subsampling=_draw_subsampling(batches, places, settings, generator),
        earlier_offset=torch.randint(0, GRID, (batches, places, 2), generator=generator),
        resized=order[:, : is_zoomed.shape[1]],
        zoomed=is_zoomed,
        scale=settings.min_scale
        + (settings.max_scale - settings.min_scale) * torch.rand(is_zoomed.shape, generator=generator),
    )


def subsampling_groups(subsampling: Tensor, settings: DegradationSettings) -> SubsamplingGroups:
    """The groups of crops by subsampling, whose spans depend on the settings alone.

    Args:
        subsampling: int64 (B,), as [`draw_degradations`] draws them.
        settings: from which they were drawn.
    """
    count = subsampling.shape[0]
    first, second = (count * share for share in _edges(settings))
    spans = ((0, places_for(first)), (math.floor(first), places_for(second)), (math.floor(second), count))
    return SubsamplingGroups(_SUBSAMPLINGS, spans, subsampling)


def _edges(settings: DegradationSettings) -> tuple[float, float]:
    """The share of 4:2:0, and that of 4:2:0 and 4:2:2 together."""
    return settings.share_420, settings.share_420 + settings.share_422


def _draw_quality(shape: tuple[int, int], settings: DegradationSettings, generator: torch.Generator) -> Tensor:
    """Qualities, int64 of some shape."""
    span = settings.max_quality - settings.min_quality + 1
    position = torch.rand(shape, generator=generator) ** settings.quality_skew
    return settings.min_quality + (position * span).long().clamp_(max=span - 1)


def _draw_tables(quality: Tensor, settings: DegradationSettings, generator: torch.Generator) -> Tensor:
    """Luma and chroma tables, int32 (N, B, 2, 8, 8), for qualities (N, B); some are changed at random."""
    # 1. The standard tables.
    tables = quantization_tables(quality)  # (N, B, 2, 8, 8)
    if not settings.custom_table_share:
        return tables
    custom = torch.rand(quality.shape, generator=generator) < settings.custom_table_share  # (N, B)
    # 2. Random factors for the tables of other encoders. Those quantize high frequencies more or less coarsely (tilt),
    #    and no entry follows the standard exactly (noise).
    steps = torch.arange(8) / 14  # (8,)
    tilt = torch.randn(*quality.shape, 1, 1, 1, generator=generator) * (steps[:, None] + steps - 0.3)
    noise = 0.2 * torch.randn(*quality.shape, 2, 8, 8, generator=generator)  # (N, B, 2, 8, 8)
    # 3. The factors are applied to the tables that are drawn for it.
    changed = (tables * (0.5 * tilt + noise).exp()).round().clamp_(1, 255).to(torch.int32)
    return torch.where(custom[..., None, None, None], changed, tables)


def _draw_subsampling(batches: int, count: int, settings: DegradationSettings, generator: torch.Generator) -> Tensor:
    """Subsamplings of `count` crops in the order of `_SUBSAMPLINGS`, int64 (N, count)."""
    edges = draw_counts([count * share for share in _edges(settings)], batches, generator)  # (N, 1) both
    number = torch.arange(count)
    return (number >= edges[0]).long() + (number >= edges[1]).long()
