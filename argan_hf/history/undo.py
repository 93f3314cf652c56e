"""Undoes a later save: the planes of an earlier file come back, block by block."""

from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.functional import pad

from ..jpeg.color import rgb_to_ycbcr_unrounded, to_uint8, ycbcr_to_rgb_unclipped
from ..jpeg.resampling import Subsampling
from .blocks import beyond_file, far_distance, framed, prove, rounded, tolerance
from .chroma import ChromaGrid, LaterFile, prove_chroma, show_chroma

# Strips of this many rows, with an overlap in which the filters of chroma and the blocks of both grids find all they
# depend on. Both are multiples of 16, so that every strip starts on the grid of the file that is seen.
_STRIP, _OVERLAP = 1024, 64


@dataclass(frozen=True)
class EarlierSave:
    """A save that a picture went through before the one that is seen.

    Attributes:
        tables: int32 (planes, 8, 8), the table of each plane; those of chroma are a guess where `sampling` is `None`.
            Comparing saves with `==` leaves them out.
        quality: the nearest libjpeg quality, 1..100.
        standard: whether the luma table is libjpeg's at that quality.
        top, left: rows and columns by which its grid starts before the picture: 0..7, or 0..15 with halved chroma.
        sampling: of its chroma; `None` if it cannot be told, or the picture has no chroma.
        agreement: share 0..1 of the blocks with detail, in a sample of the picture, that this save explains.
        certainty: 0..1, how much larger the share is that this save explains closely than that which the same table on
            other grids, or other tables, do.
    """

    tables: Tensor = field(compare=False)
    quality: int
    standard: bool
    top: int
    left: int
    sampling: Subsampling | None
    agreement: float
    certainty: float


@dataclass(frozen=True)
class EarlierPicture:
    """The picture of an earlier save, on a frame that starts at the corner of its grid.

    Attributes:
        planes: uint8 (C, H + top, W + left): as the earlier file showed them where blocks are explained, and near to
            that elsewhere; beyond the picture its border is repeated.
        explained: bool (rows, columns), which whole luma blocks of the frame are explained.
        other: bool, same shape, which are no blocks of that file at all: something was drawn or pasted there since.
    """

    planes: Tensor
    explained: Tensor
    other: Tensor


def undo_save(seen: Tensor, save: EarlierSave, later: LaterFile | None) -> EarlierPicture:
    """Find the planes of an earlier save again.

    Args:
        seen: uint8 (C, H, W): Y, or Y, Cb, Cr, straight from the decoder for JPEG files.
        save: the earlier save.
        later: the JPEG file that shows the planes, whose grid starts at their corner; `None` for other pictures.
    """
    height, width = seen.shape[1] + save.top, seen.shape[2] + save.left
    planes = torch.empty(seen.shape[0], height, width, dtype=torch.uint8, device=seen.device)
    explained, other = (torch.zeros(height // 8, width // 8, dtype=torch.bool, device=seen.device) for _ in range(2))
    for start in range(0, height, _STRIP):
        stop = min(start + _STRIP, height)
        # 1. Rows of the picture that the strip needs; they start at a multiple of 16.
        upper = max((start - save.top - _OVERLAP) // 16 * 16, 0)
        piece = seen[:, upper : stop - save.top + _OVERLAP].float()
        # 2. The same grid, counted from there, and the row of the frame at which the piece's own frame starts.
        top = save.top if upper == 0 else (save.top + upper) % 16
        first = save.top + upper - top
        inner = slice(start - first, stop - first)
        # 3. What the earlier file would show, and which of its blocks can have become what is seen.
        shown, _ = rounded(framed(piece[0], top, save.left), save.tables[0])
        chroma, grids = [], []
        if save.sampling is not None:
            grids = [ChromaGrid(table, save.sampling, top, save.left) for table in save.tables[1:]]
            chroma = [show_chroma(plane, grid, later) for plane, grid in zip(piece[1:], grids, strict=True)]
        colors = [part.full[top:, save.left :] for part in chroma] or list(piece[1:])
        again = through_rgb(torch.stack([shown[top:, save.left :], *colors]))
        luma, proven, is_other = prove_luma(piece[0], again[0], shown, save.tables[0], top, save.left, later)
        planes[0, start:stop] = to_uint8(luma[inner])
        blocks = slice((start - first) // 8, (start - first) // 8 + stop // 8 - start // 8)
        explained[start // 8 : stop // 8], other[start // 8 : stop // 8] = proven[blocks], is_other[blocks]
        for number in range(1, len(piece)):
            if save.sampling is None:
                whole = framed(piece[number], top, save.left)
            else:
                part, grid = chroma[number - 1], grids[number - 1]
                whole, _ = prove_chroma(part, again[number], piece[number], grid, later)
            planes[number, start:stop] = to_uint8(whole[inner])
    return EarlierPicture(planes, explained, other)


def prove_luma(
    seen: Tensor,
    again: Tensor,
    shown: Tensor,
    table: Tensor,
    top: int,
    left: int,
    later: LaterFile | None,
    allowed: float | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Keep the luma blocks of an earlier save that can have become what is seen.

    Args:
        seen: float32 (H, W), 0..255.
        again: float32 (H, W), `shown` within the picture, as the conversion to RGB and back leaves it.
        shown: float32 (H + top, W + left), from [`rounded`].
        table: integers (8, 8), the table of the earlier save.
        top, left: 0..15, rows and columns by which its grid starts before the plane.
        later: as for [`undo_save`].
        allowed: how far a block may be from what is seen; default: [`tolerance`].

    Returns:
        As [`prove`], on the frame.
    """
    later_table = later.tables[0] if later else None
    beyond = again - seen if later_table is None else beyond_file(again, seen, later_table)
    known = torch.ones(shown.shape[0] // 8, shown.shape[1] // 8, dtype=torch.bool, device=seen.device)
    known[: -(-top // 8)] = False
    known[:, : -(-left // 8)] = False
    allowed = tolerance(table, later_table) if allowed is None else allowed
    beyond = pad(beyond, (left, 0, top, 0))
    return prove(framed(seen, top, left), shown, beyond, known, allowed, far_distance(table))


def through_rgb(planes: Tensor) -> Tensor:
    """Planes as the conversion to RGB, which clips colors that are out of gamut, and back leaves them.

    Args:
        planes: float32 (C, H, W), 0..255: Y, or Y, Cb, Cr.

    Returns:
        float32, same shape, not rounded.
    """
    if planes.shape[0] == 1:
        return planes
    colors = ycbcr_to_rgb_unclipped(planes)
    if colors.min() >= 0.0 and colors.max() <= 255.0:
        return planes
    return rgb_to_ycbcr_unrounded(colors.clamp_(0.0, 255.0))
