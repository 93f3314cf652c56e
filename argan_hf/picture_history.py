"""The history of a picture: what its pixels show, and, where they show no save, what the network makes of it."""

from collections.abc import Callable
from dataclasses import replace
from typing import cast, get_args

from torch import Tensor

from .history import (
    History,
    LaterFile,
    contradicted_quality,
    find_enlargement,
    find_resized_grid,
    find_saves,
    window_places,
)
from .jpeg.resampling import Subsampling
from .picture import PictureParts

# Of a large picture, the grid of a resized save is looked for in the middle.
_LARGEST_MIDDLE = 2048


def history_of(parts: PictureParts) -> History:
    """What the pixels of a picture show of earlier saves.

    Args:
        parts: from [`take_apart`]. CMYK pictures, and JPEG files whose luma is stored at less than full size, have no
            history.
    """
    if parts.samples.shape[0] == 4 or (parts.tables is not None and parts.grid_table is None):
        return History()
    enlargement = 1 if parts.tables is not None else find_enlargement(parts.samples)
    small = replace(parts, samples=parts.samples[:, ::enlargement, ::enlargement]) if enlargement > 1 else parts
    later = later_file(parts)
    places = window_places(*small.samples.shape[1:])
    saves = find_saves([small.integers_at(*place) for place in places], later)
    if saves:
        return History(saves, enlargement)
    rows, columns = (_middle(size) for size in parts.samples.shape[1:])
    return History(resized=find_resized_grid(parts.integers_at(rows, columns)[0], None if later is None else 8))


def look_back(
    parts: PictureParts, known: int, restore: Callable[[Tensor, Tensor], Tensor], tile_size: int
) -> tuple[History, Tensor | None]:
    """What pixels show of earlier saves; where they show none, whether the network contradicts the file.

    Args:
        parts: from [`take_apart`].
        known: number of planes that the network restores.
        restore: runs the network, which is conditioned on tables: planes, uint8 (known, h, w), and tables, integers
            (planes, 8, 8), to restored planes, float32 (known, h, w), 0..255.
        tile_size: side of the pictures that the network takes as a whole, in pixels.

    Returns:
        The history, and the restored planes, if the network had to see the whole picture and they are of use.
    """
    found, tables = history_of(parts), parts.tables
    if tables is None or parts.grid_table is None or found.saves:
        return found, None
    # Where a picture fits one tile, the result is needed anyway: the network does not run twice.
    planes = parts.samples[:known]
    whole: list[Tensor] = []

    def restored_at(rows: slice, columns: slice) -> Tensor:
        if max(planes.shape[1:]) > tile_size:
            return restore(planes[:, rows, columns], tables)
        if not whole:
            whole.append(restore(planes, tables))
        return whole[0][:, rows, columns]

    told = contradicted_quality(restored_at, planes, tables[:known], is_resized=found.resized is not None)
    if told is None:
        return found, whole[0] if whole else None
    return replace(found, contradicted_quality=told), None


def later_file(parts: PictureParts) -> LaterFile | None:
    """What a picture that is a JPEG file states about itself; `None` for other pictures."""
    if parts.tables is None:
        return None
    return LaterFile(
        parts.tables, cast(Subsampling, parts.sampling) if parts.sampling in get_args(Subsampling) else None
    )


def _middle(size: int) -> slice:
    start = max(size - _LARGEST_MIDDLE, 0) // 16 * 8
    return slice(start, start + _LARGEST_MIDDLE)
