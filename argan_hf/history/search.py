"""Decides whether a picture was saved before, how, and whether that is certain enough to act on it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from ..jpeg.color import as_pixels, is_neutral
from ..jpeg.resampling import FACTORS, Subsampling
from ..jpeg.tables import estimate_quality, quantization_tables
from .blocks import framed, rounded, tolerance
from .chroma import ChromaGrid, LaterFile, can_be_undone, prove_chroma, show_chroma
from .lattice import Lattice, find_lattices
from .undo import EarlierSave, prove_luma

# Most blocks have to agree, and either far more of them than on other grids and with other tables, or clusters show
# that no other grid shows. Of files that were saved once, 0.05 more agree at most.
_LEAST_AGREEMENT, _LEAST_CERTAINTY = 0.75, 0.2
_LEAST_EVIDENCE, _LEAST_LEAD = 150.0, 1.3
# Even then some more of them have to agree: enlarged pixels show clusters, too.
_LEAST_OF_ALL = 0.03
# On the grid of the file itself, steps hardly longer than its own show by missing multiples only. Files that were saved
# once reach 450 there, by coefficients that do not fall off as assumed.
_HARDLY_LONGER, _LEAST_ON_GRID = 1.6, 600.0
_LEAST_BLOCKS = 16
_OTHER_GRIDS = ((3, 2), (4, 4), (0, 4), (4, 0))
_OTHER_TABLES = (0.85, 1.18)
# How far a block may be from what is seen to agree, RMS in gray levels. Shares are compared at the shorter distance
# that undoing allows.
_TOLERANCE = 1.0
# Chroma samplings in the order of how frequent they are, and the share at which no other is tried.
_SAMPLINGS: tuple[Subsampling, ...] = ("4:2:0", "4:4:4", "4:2:2", "4:4:0")
_ENOUGH = 0.9
_CHROMA_WINDOWS = 6
_FEW_WINDOWS = 4
_OFTEN_CLIPPED = 0.05
# A candidate with less evidence from clusters has to be better by this to be preferred.
_CLEARLY = 0.1


class _View(NamedTuple):
    """What is looked at: parts of the picture, where their samples are clipped, and the file that shows them."""

    windows: Sequence[Tensor]
    clipped: Sequence[Tensor]
    later: LaterFile | None


def find_earlier_save(windows: Sequence[Tensor], later: LaterFile | None) -> EarlierSave | None:
    """The strongest earlier save that the pixels of a picture show.

    Args:
        windows: uint8 (C, H, W), parts of the picture: Y, or Y, Cb, Cr, straight from the decoder for JPEG files. Each
            starts at a multiple of 16 rows and columns.
        later: the JPEG file that shows the planes, whose grid starts at their corner; `None` for other pictures.

    Returns:
        `None` if none is certain.
    """
    view = _View(windows, [is_clipped(window) for window in windows], later)
    best, clipped = None, view.clipped
    lumas, later_table = [window[0] for window in windows], later.tables[0] if later else None
    lattices = find_lattices(lumas, clipped, later_table)
    if sum(float(cut.float().mean()) for cut in clipped) > _OFTEN_CLIPPED * len(clipped):
        # Where few blocks are left without clipped samples, the others may show more in spite of them.
        lattices += find_lattices(lumas, [torch.zeros_like(cut) for cut in clipped], later_table)
    for lattice in lattices:
        table, top, left = lattice.table, -lattice.rows % 8, -lattice.columns % 8
        agreement, blocks = _agreement(view, table, top, left, _TOLERANCE)
        if blocks < _LEAST_BLOCKS or agreement < _LEAST_AGREEMENT:
            continue
        certainty = _certainty(view, table, top, left)
        stands_out = certainty >= _LEAST_OF_ALL and _stands_out(lattice, later)
        if certainty < _LEAST_CERTAINTY and not stands_out:
            continue
        quality, standard = estimate_quality(table[None])
        tables = torch.stack([table, *[quantization_tables(quality)[1]] * (windows[0].shape[0] - 1)])
        save = EarlierSave(tables, quality, standard, top, left, None, agreement, certainty)
        if best is None or _is_better(save, best):
            best = save
    if best is None or len(best.tables) == 1:
        return best
    colored = [pair for pair in zip(windows, clipped, strict=True) if not is_neutral(pair[0])]
    return _with_chroma(best, colored[:_CHROMA_WINDOWS], later)


def is_clipped(window: Tensor) -> Tensor:
    """Where samples were cut off at the ends of their range, so that they say nothing of steps: bool (H, W).

    Args:
        window: uint8 (C, H, W), Y, or Y, Cb, Cr.
    """
    colors = as_pixels(window)
    return ((colors == 0) | (colors == 255)).any(0)


def _is_better(save: EarlierSave, best: EarlierSave) -> bool:
    """Whether a candidate is preferred to one with more evidence from clusters."""
    if (save.top, save.left) == (best.top, best.left) and save.standard != best.standard:
        # Steps found one by one follow chance more closely than a table of libjpeg can.
        return save.standard
    return save.certainty > best.certainty + _CLEARLY


def _certainty(view: _View, table: Tensor, top: int, left: int) -> float:
    """How much larger a share of blocks a save explains than the same table on other grids and other tables do."""
    others = [(table, (top + rows) % 8, (left + columns) % 8) for rows, columns in _OTHER_GRIDS]
    others += [((table * scale).round().int().clamp(min=1), top, left) for scale in _OTHER_TABLES]
    allowed = tolerance(table, view.later.tables[0] if view.later else None)
    # Half of the parts of a large picture are enough to compare.
    if len(view.windows) > _FEW_WINDOWS:
        view = _View(view.windows[::2], view.clipped[::2], view.later)
    own = _agreement(view, table, top, left, allowed)[0]
    elsewhere = max(_agreement(view, *other, allowed)[0] for other in others)
    return max(own - elsewhere, 0.0)


def _stands_out(lattice: Lattice, later: LaterFile | None) -> bool:
    if lattice.quality is None:
        return False
    least = _LEAST_EVIDENCE
    if later is not None and (lattice.rows, lattice.columns) == (0, 0):
        ratio = float(lattice.table.float().mean() / later.tables[0].float().mean())
        least = _LEAST_ON_GRID if ratio < _HARDLY_LONGER else least
    return lattice.evidence >= _LEAST_LEAD * lattice.null + least


def _agreement(view: _View, table: Tensor, top: int, left: int, allowed: float) -> tuple[float, int]:
    """Share 0..1 of the luma blocks with detail and without clipped samples that a save explains; their number."""
    explained = counted = 0
    for window, cut in zip(view.windows, view.clipped, strict=True):
        luma = window[0].float()
        shown, detailed = rounded(framed(luma, top, left), table)
        _, proven, _ = prove_luma(luma, shown[top:, left:], shown, table, top, left, view.later, allowed)
        clear = detailed & _without(cut, top, left)
        explained += int((proven & clear).sum())
        counted += int(clear.sum())
    return (explained / counted if counted else 0.0), counted


def _without(clipped: Tensor, top: int, left: int, rows: int = 8, columns: int = 8) -> Tensor:
    """Which whole cells of a frame lie within the picture and hold no clipped sample, bool."""
    frame = pad(clipped, (left, 0, top, 0), value=True)
    height, width = frame.shape[0] // rows, frame.shape[1] // columns
    return ~frame[: height * rows, : width * columns].reshape(height, rows, width, columns).any(3).any(1)


def _with_chroma(save: EarlierSave, windows: Sequence[tuple[Tensor, Tensor]], later: LaterFile | None) -> EarlierSave:
    """The save with its chroma subsampling and the grid of its chroma, where these can be told."""
    best, best_share = save, _LEAST_AGREEMENT
    for sampling in _SAMPLINGS:
        if best_share > _ENOUGH or not can_be_undone(sampling, later):
            continue
        rows, columns = FACTORS[sampling]
        for top in range(save.top, save.top + 8 * rows, 8):
            for left in range(save.left, save.left + 8 * columns, 8):
                grid = ChromaGrid(save.tables[1], sampling, top, left)
                explained = counted = 0
                for window, clipped in windows:
                    clear = _without(clipped, top, left, 8 * rows, 8 * columns)
                    for plane in window[1:].float():
                        chroma = show_chroma(plane, grid, later)
                        _, found = prove_chroma(chroma, chroma.full[top:, left:], plane, grid, later)
                        telling = found.detailed[: clear.shape[0], : clear.shape[1]] & clear
                        explained += int((telling & found.explained[: clear.shape[0], : clear.shape[1]]).sum())
                        counted += int(telling.sum())
                if counted >= _LEAST_BLOCKS and explained / counted > best_share:
                    best, best_share = replace(save, sampling=sampling, top=top, left=left), explained / counted
    return best
