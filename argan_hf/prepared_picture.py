"""A picture as a restoration gets it: as its file shows it, or as an earlier save did.

Where a later save is undone, everything happens on a frame that starts at a corner of the grid of the earlier save: the
picture with some rows above and some columns before it, which are cut off in the end.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, max_pool2d

from .flat_chroma import FlatChroma, flat_chroma
from .history import History, LaterFile, undo_save
from .jpeg.color import as_pixels
from .jpeg.resampling import Subsampling
from .jpeg.tables import quantization_tables
from .neutral import colored_blocks, neutral_blocks
from .picture import PictureParts
from .picture_history import later_file
from .untouched import untouched_blocks

_STRIP = 256
# Blocks in which at least this share of the colors is clipped are no sign of something drawn.
_CLIPPED_SHARE = 0.5
# Blocks of 3 x 3 that are drawn, where something is.
_FEW = 4


@dataclass(frozen=True)
class PreparedPicture:
    """The planes that a network restores, and what is known about them.

    Attributes:
        parts: the picture as it is seen, on the frame; `tables` and `grid_table` are those that the network
            gets and the result is held to.
        planes: uint8 (C, H, W), the planes of an earlier save on the frame; `None`: those of `parts`.
        held: bool (rows, columns), the whole blocks that are known to be those of that save; `None`: all.
        foreign: bool (rows, columns), the whole blocks of what was drawn or pasted after that save; `None`: none.
        own_tables: int32 (planes, 8, 8), the tables of the file itself, with which the network gets foreign blocks;
            the result is held to its own file with them, too. `None`: it has none.
        top, left: rows above and columns before the picture.
        enlargement: whole factor by which the result is enlarged.
        is_told: whether the user or the history says that the picture was compressed more than its file says.
        is_resized: whether the picture was saved before, and resized then.
    """

    parts: PictureParts
    planes: Tensor | None = None
    held: Tensor | None = None
    foreign: Tensor | None = None
    own_tables: Tensor | None = None
    top: int = 0
    left: int = 0
    enlargement: int = 1
    is_told: bool = False
    is_resized: bool = False

    def planes_at(self, rows: slice, columns: slice) -> Tensor:
        """Planes for the network, float32 (C, h, w), 0..255, of a part of the frame."""
        if self.planes is None:
            return self.parts.planes_at(rows, columns)
        return self.planes[:, rows, columns].float()

    def held_at(self, rows: slice, columns: slice) -> Tensor | None:
        """Which whole blocks of a part of the frame are held, bool; the part starts at a block."""
        return None if self.held is None else _blocks_at(self.held, rows, columns)

    def foreign_at(self, rows: slice, columns: slice) -> Tensor | None:
        """Which samples of a part of the frame are foreign, bool (h, w); `None` if none are."""
        blocks = self.foreign_blocks_at(rows, columns)
        if blocks is None:
            return None
        result = torch.zeros(rows.stop - rows.start, columns.stop - columns.start, dtype=torch.bool)
        inside = blocks.repeat_interleave(8, 0).repeat_interleave(8, 1)
        result[: inside.shape[0], : inside.shape[1]] = inside
        return result

    @property
    def own_grid_table(self) -> Tensor | None:
        """The luma table of the JPEG file itself, if its grid is that of the frame: foreign blocks are held to it."""
        if self.own_tables is None or self.top % 8 or self.left % 8:
            return None
        return self.own_tables[0]

    def foreign_blocks_at(self, rows: slice, columns: slice) -> Tensor | None:
        """Which whole blocks of a part of the frame are foreign, bool; `None` if none are."""
        blocks = None if self.foreign is None else _blocks_at(self.foreign, rows, columns)
        return blocks if blocks is not None and blocks.any() else None

    def neutral_blocks(self) -> Tensor | None:
        """Which blocks of 16x16 samples of a frame of three planes hold no color, as [`neutral_blocks`] gives them."""
        seen = self.parts.samples if self.parts.deep_samples is None else self.parts.deep_samples
        if self.planes is None:
            return neutral_blocks(colored_blocks(seen, rgb=self.parts.rgb))
        colored = colored_blocks(self.planes)
        if self.foreign is not None:
            # What was drawn after the earlier save is restored from what is seen, so its color counts.
            colored |= colored_blocks(seen, rgb=self.parts.rgb)
        return neutral_blocks(colored)

    def untouched_blocks(self) -> Tensor | None:
        """How much of every block of 8x8 samples is left as it is, see the function of this name."""
        samples, table = self.parts.samples, self.parts.grid_table
        if self.is_told or len(samples) == 4:  # Channels of CMYK are compressed one by one.
            return None
        if self.planes is None:
            if (table is None) != (self.parts.tables is None):  # luma that is stored at less than full size
                return None
            if table is not None:
                return untouched_blocks(samples[:1] if self.leaves_luma_alone else samples, table)
            return untouched_blocks(samples, as_a_whole=not self.is_resized)
        # Around a picture that was saved before, in a window for instance, is what was drawn by a program.
        weights = untouched_blocks(samples, as_a_whole=False) if self.own_tables is None else None
        if weights is not None and self.held is not None:
            rows, columns = self.held.shape
            weights[:rows, :columns] *= ~self.held
        return weights

    @property
    def leaves_luma_alone(self) -> bool:
        """Whether [`untouched_blocks`] speaks of luma alone: chroma of most JPEG files is stored at half the size."""
        halved = len(self.parts.samples) == 3 and self.parts.sampling != "4:4:4"
        return self.planes is None and self.parts.tables is not None and halved

    def flat_chroma(self, untouched: Tensor) -> FlatChroma | None:
        """Colors of flat blocks of a JPEG file with halved chroma, whose luma is left as it is."""
        sampling, tables = self.parts.sampling, self.parts.tables
        if not self.leaves_luma_alone or tables is None or not torch.equal(tables[1], tables[2]):
            return None
        if sampling not in ("4:2:0", "4:2:2"):
            return None
        return flat_chroma(self.parts.samples, tables, cast(Subsampling, sampling), untouched)

    def onto_frame(self, planes: Tensor) -> Tensor:
        """Planes (C, H, W) of the picture on the frame, where they are repeated beyond its border."""
        small = planes[:, :: self.enlargement, :: self.enlargement]
        return _with_border(small, self.top, self.left) if self.top or self.left else small

    def onto_picture(self, planes: Tensor) -> Tensor:
        """Planes (C, H, W) of the frame cut and enlarged to the picture."""
        inside = planes[:, self.top :, self.left :]
        if self.enlargement == 1:
            return inside
        return inside.repeat_interleave(self.enlargement, 1).repeat_interleave(self.enlargement, 2)


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
        return PreparedPicture(parts, own_tables=parts.tables, is_resized=history.resized is not None)
    is_held = not looks_back or (parts.quality is not None and told >= parts.quality)
    tables = quantization_tables(told)[[0, 1, 1][: parts.samples.shape[0]]]
    seen = replace(parts, tables=tables, grid_table=parts.grid_table if is_held else None)
    return PreparedPicture(seen, own_tables=parts.tables, is_told=parts.quality is None or told < parts.quality)


def _undone(parts: PictureParts, history: History) -> PreparedPicture:
    factor, own = history.enlargement, parts.tables
    _check_fits(parts, history)
    parts = _with_samples(parts, lambda samples: samples[:, ::factor, ::factor].contiguous())
    later, top, left = later_file(parts), 0, 0
    # In strips: the conversion of RGB takes sixteen times the memory of what it gives.
    strips = [slice(start, start + _STRIP) for start in range(0, parts.samples.shape[1], _STRIP)]
    planes = torch.cat([parts.integers_at(rows, slice(None)) for rows in strips], 1) if parts.rgb else parts.samples
    for save in history.saves:
        undone = undo_save(planes, save, later)
        planes, held, other = undone.planes, undone.explained, undone.other
        later = LaterFile(save.tables, save.sampling)
        top, left = top + save.top, left + save.left
    save = history.saves[-1]
    if top or left:
        parts = _with_samples(parts, lambda samples: _with_border(samples, top, left))
    seen = replace(parts, tables=save.tables, grid_table=save.tables[0])
    return PreparedPicture(seen, planes, held, _foreign(held, other, planes), own, top, left, factor)


def _with_samples(parts: PictureParts, change: Callable[[Tensor], Tensor]) -> PictureParts:
    deep = None if parts.deep_samples is None else change(parts.deep_samples)
    return replace(parts, samples=change(parts.samples), deep_samples=deep)


def _check_fits(parts: PictureParts, history: History) -> None:
    planes, height, width = parts.samples.shape
    factor = history.enlargement
    of_other = any(len(save.tables) != planes for save in history.saves)
    if of_other or height % factor or width % factor or (factor > 1 and parts.tables is not None):
        raise ValueError(
            f"history is of another picture: this one has {planes} planes and {width}x{height} pixels; "
            "pass what find_history gave for it"
        )


def _foreign(explained: Tensor, other: Tensor, planes: Tensor) -> Tensor | None:
    """Blocks that were drawn or pasted after an earlier save, with what is around them and not explained.

    Args:
        explained, other: bool (rows, columns), from [`undo_save`].
        planes: uint8 (C, H, W) of the frame.

    Returns:
        bool (rows, columns), or `None` if there are no such blocks.
    """
    rows, columns = explained.shape
    core = other.clone()
    # Colors that RGB cannot hold were clipped, which moves blocks of the earlier file far, too. In strips, as the
    # conversion takes memory.
    for row in range(0, rows if len(planes) == 3 and core.any() else 0, _STRIP // 8):
        part = as_pixels(planes[:, row * 8 : min(row * 8 + _STRIP, rows * 8), : columns * 8])
        ends = (part == 0) | (part == 255)
        share = (ends.any(0) & ~ends.all(0)).view(part.shape[1] // 8, 8, columns, 8).float().mean((1, 3))
        core[row : row + len(share)] &= share < _CLIPPED_SHARE
    # Single blocks are something else by chance; what is drawn covers some beside each other.
    core &= avg_pool2d(core[None, None].float(), 3, 1, 1)[0, 0] * 9 > _FEW - 0.5
    foreign = (max_pool2d(core[None, None].float(), 3, 1, 1)[0, 0] > 0) & ~explained
    return foreign if foreign.any() else None


def _blocks_at(blocks: Tensor, rows: slice, columns: slice) -> Tensor:
    """The part of (rows, columns) blocks that lies within some samples, which start at a block."""
    top, left = rows.start // 8, columns.start // 8
    return blocks[top : top + (rows.stop - rows.start) // 8, left : left + (columns.stop - columns.start) // 8]


def _with_border(samples: Tensor, top: int, left: int) -> Tensor:
    """(C, H, W) with `top` rows above and `left` columns before it that repeat its border."""
    rows = torch.arange(-top, samples.shape[1]).clamp(min=0)
    columns = torch.arange(-left, samples.shape[2]).clamp(min=0)
    return samples[:, rows][:, :, columns]
