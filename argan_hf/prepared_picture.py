"""A picture as a restoration gets it: as its file shows it, or as an earlier save did.

Where a later save is undone, everything happens on a frame that starts at a corner of the grid of the earlier save: the
picture with some rows above and some columns before it, which are cut off in the end.
"""

from dataclasses import dataclass, replace
from typing import cast, get_args

import torch
from torch import Tensor

from .history import History, LaterFile, find_enlargement, find_resized_grid, find_saves, undo_save, window_places
from .jpeg.resampling import Subsampling
from .jpeg.tables import quantization_tables
from .picture import PictureParts

# Of a large picture, the grid of a resized save is looked for in the middle.
_LARGEST_MIDDLE = 2048
_STRIP = 256


@dataclass(frozen=True)
class PreparedPicture:
    """The planes that a network restores, and what is known about them.

    Attributes:
        parts: the picture as it is seen, on the frame; `tables` and `grid_table` are those that the network
            gets and the result is held to.
        planes: uint8 (C, H, W), the planes of an earlier save on the frame; `None`: those of `parts`.
        held: bool (rows, columns), the whole blocks that are known to be those of that save; `None`: all.
        top, left: rows above and columns before the picture.
        enlargement: whole factor by which the result is enlarged.
    """

    parts: PictureParts
    planes: Tensor | None = None
    held: Tensor | None = None
    top: int = 0
    left: int = 0
    enlargement: int = 1

    def planes_at(self, rows: slice, columns: slice) -> Tensor:
        """Planes for the network, float32 (C, h, w), 0..255, of a part of the frame."""
        if self.planes is None:
            return self.parts.planes_at(rows, columns)
        return self.planes[:, rows, columns].float()

    def held_at(self, rows: slice, columns: slice) -> Tensor | None:
        """Which whole blocks of a part of the frame are held, bool; the part starts at a block."""
        if self.held is None:
            return None
        first, left = rows.start // 8, columns.start // 8
        return self.held[
            first : first + (rows.stop - rows.start) // 8, left : left + (columns.stop - columns.start) // 8
        ]

    def onto_frame(self, planes: Tensor) -> Tensor:
        """Planes (C, H, W) of the picture on the frame, where they are repeated beyond its border."""
        small = planes[:, :: self.enlargement, :: self.enlargement]
        return _framed(small, self.top, self.left) if self.top or self.left else small

    def onto_picture(self, planes: Tensor) -> Tensor:
        """Planes (C, H, W) of the frame cut and enlarged to the picture."""
        inside = planes[:, self.top :, self.left :]
        if self.enlargement == 1:
            return inside
        return inside.repeat_interleave(self.enlargement, 1).repeat_interleave(self.enlargement, 2)


def history_of(parts: PictureParts) -> History:
    """What the pixels of a picture show of earlier saves.

    Args:
        parts: from [`take_apart`]; CMYK pictures have no history.
    """
    if parts.samples.shape[0] == 4:
        return History()
    enlargement = 1 if parts.tables is not None else find_enlargement(parts.samples)
    small = replace(parts, samples=parts.samples[:, ::enlargement, ::enlargement]) if enlargement > 1 else parts
    later = _later_file(parts)
    places = window_places(*small.samples.shape[1:])
    if parts.tables is not None and parts.grid_table is None:
        return History()
    saves = find_saves([small.integers_at(*place) for place in places], later)
    if saves:
        return History(saves, enlargement)
    rows, columns = (_middle(size) for size in parts.samples.shape[1:])
    return History(resized=find_resized_grid(parts.integers_at(rows, columns)[0], None if later is None else 8))


def prepare(parts: PictureParts, history: History, quality: int | None, *, looks_back: bool) -> PreparedPicture:
    """The planes that are restored, and the tables that the network gets and the result is held to.

    Args:
        parts: from [`take_apart`].
        history: what the picture went through; later saves are undone.
        quality: as the user gave it, 1..100: used where no save was found.
        looks_back: whether a file of higher quality than the given one is taken for a later save, to which the result
            is not held.
    """
    if history.saves:
        return _undone(parts, history)
    told = history.contradicted_quality if quality is None else quality
    if told is None:
        return PreparedPicture(parts)
    is_held = not looks_back or (parts.quality is not None and told >= parts.quality)
    tables = quantization_tables(told)[[0, 1, 1][: parts.samples.shape[0]]]
    return PreparedPicture(replace(parts, tables=tables, grid_table=parts.grid_table if is_held else None))


def _undone(parts: PictureParts, history: History) -> PreparedPicture:
    factor = history.enlargement
    parts = replace(parts, samples=parts.samples[:, ::factor, ::factor].contiguous())
    later, top, left = _later_file(parts), 0, 0
    height, held = parts.samples.shape[1], None
    # In strips: the conversion of RGB takes sixteen times the memory of what it gives.
    strips = [slice(top, top + _STRIP) for top in range(0, height, _STRIP)]
    planes = torch.cat([parts.integers_at(rows, slice(None)) for rows in strips], 1) if parts.rgb else parts.samples
    for save in history.saves:
        undone = undo_save(planes, save, later)
        planes, held = undone.planes, undone.explained
        later = LaterFile(save.tables, save.sampling)
        top, left = top + save.top, left + save.left
    save = history.saves[-1]
    samples = _framed(parts.samples, top, left) if top or left else parts.samples
    seen = replace(parts, samples=samples, tables=save.tables, grid_table=save.tables[0])
    return PreparedPicture(seen, planes, held, top, left, factor)


def _middle(size: int) -> slice:
    start = max(size - _LARGEST_MIDDLE, 0) // 16 * 8
    return slice(start, start + _LARGEST_MIDDLE)


def _later_file(parts: PictureParts) -> LaterFile | None:
    if parts.tables is None:
        return None
    return LaterFile(
        parts.tables, cast(Subsampling, parts.sampling) if parts.sampling in get_args(Subsampling) else None
    )


def _framed(samples: Tensor, top: int, left: int) -> Tensor:
    """uint8 (C, H, W) with `top` rows above and `left` columns before it that repeat its border."""
    rows = torch.arange(-top, samples.shape[1]).clamp(min=0)
    columns = torch.arange(-left, samples.shape[2]).clamp(min=0)
    return samples[:, rows][:, :, columns]
