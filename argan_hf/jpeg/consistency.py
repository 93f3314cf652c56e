"""Results held to their file: the picture that is written encodes to the very coefficients that the file stores.

A JPEG file states an interval for every DCT coefficient of its original: one quantization step wide, centered on the
dequantized value. Planes are projected onto these intervals, some way inside of their ends. (Onto the whole intervals,
which are a convex set that contains the original, projecting would never increase the squared error.) Then the picture
is written. Rounding to 8 bits, and the way through RGB, move coefficients again. Where one leaves its interval, two
things help: colors that cannot be written are clipped and the planes projected again, several times; and single pixels
are moved by one level. What does not help is undone. At qualities 99 and 100 most steps are 1, about as long as what
rounding moves coefficients by: there pixels are not moved, and few blocks encode to those of the file.

What becomes of a coded unit does not depend on others: if it did, the borders of tiles would be visible. Units without
color are left without, even if their file has coefficients that are too small to be seen.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from .coded_units import Border, cut_units, fold, groups, paste_units, repeat
from .file_blocks import FileBlocks, Held
from .moved_pixels import move_chroma, move_luma
from .unit_intervals import UnitIntervals
from .writing import beyond_colors, nearest_colors, seen_by_encoder

_SETTLINGS, _PROJECTIONS = 8, 8
_MOVES = 12
# Units that are worked on together, for every core: their temporaries stay in its cache.
_TOGETHER = 1 << 10
# Units whose pixels are moved together. It takes hundreds of small operations, which threads would only slow down.
_FEW = 64


def hold_to_file(planes: Tensor, blocks: FileBlocks, held: Tensor | None = None) -> tuple[Tensor, Held, Held]:
    """Change planes, as little as is needed, so that the picture written from them encodes to given blocks.

    Args:
        planes: float (C, H, W), 0..255: Y, or Y, Cb, Cr, as they are to be written.
        blocks: what they are held to.
        held: bool (H // 8, W // 8), which luma blocks are held, where chroma is not; others stay as they are.

    Returns:
        float32 (C, H, W), and how much of luma and of chroma encodes to the given blocks, if these planes are written
        by [`as_pixels`] and encoded as libjpeg does it.

    Raises:
        ValueError: if the blocks are those of a picture of another size, or of color, where there is none.
    """
    _check(planes, blocks)
    result = planes.to(torch.float32, copy=True)
    luma, chroma = Held(), Held()
    for group in groups(planes, blocks.factors, together=_together(planes)):
        if group.kind.border is not None and not blocks.has_border:
            continue
        units, intervals = cut_units(result, group), UnitIntervals.of(blocks, group)
        if held is None:
            counts = _hold(units, intervals)
        else:
            index = held[group.rows, group.columns].flatten().nonzero()[:, 0]
            part = units[:, index]
            counts = _hold(part, intervals.at(index))
            units[:, index] = part
        paste_units(units, result, group)
        luma, chroma = luma + counts[0], chroma + counts[1]
    return result, luma, chroma


def count_equal(planes: Tensor, blocks: FileBlocks) -> tuple[Held, Held]:
    """How much of luma and of chroma encodes to given blocks, as [`hold_to_file`] counts it.

    Args:
        planes: float32 (C, H, W), 0..255: Y, or Y, Cb, Cr, as they are written.
        blocks: what they are compared with.
    """
    luma, chroma = Held(), Held()
    for group in groups(planes, blocks.factors, together=_together(planes)):
        if group.kind.border is None or blocks.has_border:
            seen, intervals = _seen(cut_units(planes, group), group.kind.border), UnitIntervals.of(blocks, group)
            counts = intervals.count(seen, intervals.wrong(seen))
            luma, chroma = luma + counts[0], chroma + counts[1]
    return luma, chroma


def _check(planes: Tensor, blocks: FileBlocks) -> None:
    count, height, width = planes.shape
    down, across = blocks.luma.shape[:2]
    wanted = (-(-height // 8), -(-width // 8)) if blocks.has_border else (height // 8, width // 8)
    if (down, across) != wanted or (blocks.chroma is not None and count != 3):
        raise ValueError(
            f"the blocks are of {down} x {across} blocks of luma{'' if blocks.chroma is None else ' and of chroma'}, "
            f"expected {wanted[0]} x {wanted[1]} for {count} planes of {height} x {width} samples"
        )


def _together(planes: Tensor) -> int:
    return _TOGETHER * torch.get_num_threads() if planes.device.type == "cpu" else 1 << 40


def _hold(units: Tensor, true_intervals: UnitIntervals) -> tuple[Held, Held]:
    """Hold units (C, N, f, 64) of one kind, in place, and count."""
    intervals, colorless = true_intervals.without_color(units)
    # 1. Onto the intervals, and written.
    intervals.project(units)
    if intervals.kind.border is not None:
        _settle(units, intervals)
    seen = _seen(units, intervals.kind.border)
    luma, chroma = intervals.wrong(seen)

    def change(index: Tensor, how: Callable[[Tensor, UnitIntervals], None]) -> None:
        """Change some of the units, and see what becomes of them."""
        if len(index):
            part, their = units[:, index], intervals.at(index)
            how(part, their)
            now = _seen(part, intervals.kind.border)
            units[:, index], seen[:, index] = part, now
            luma[index], chroma[:, index] = their.wrong(now)

    # 2. Units that are not yet right: first those with colors that cannot be written.
    for _ in range(_SETTLINGS):
        index = (luma.any(1) | chroma.any(0)).nonzero()[:, 0]
        change(index[beyond_colors(units[:, index]) > 0.0], _settle)
    # 3. Single pixels: chroma first, as it moves luma a little.
    places = (luma.any(1) | chroma.any(0)).nonzero()[:, 0]
    before = units[:, places]
    for _ in range(_MOVES if intervals.has_room else 0):
        for index in chroma.any(0).nonzero()[:, 0].split(_FEW):
            change(index, partial(move_chroma, seen=seen[:, index], wrong=chroma[:, index]))
        for index in luma.any(1).nonzero()[:, 0].split(_FEW):
            change(index, partial(move_luma, seen=seen[:, index], wrong=luma[index]))
    # 4. Luma blocks for which that was in vain are as they were before.
    vain = luma[places]  # (n, f)
    change(places[vain.any(1)], partial(_put_back, before=before[:, vain.any(1)], blocks=vain[vain.any(1)]))
    return true_intervals.count(seen, (luma, chroma | colorless))


def _seen(units: Tensor, border: Border | None) -> Tensor:
    """What an encoder sees of units (C, N, f, 64)."""
    seen = seen_by_encoder(units)
    # It repeats what it sees: beyond the border, luma and chroma may come from different pixels, which no RGB holds.
    return seen if border is None else repeat(seen, border)


def _put_back(units: Tensor, intervals: UnitIntervals, before: Tensor, blocks: Tensor) -> None:  # noqa: ARG001
    """Pixels of luma blocks (N, f) as they were."""
    units.copy_(torch.where(blocks[:, :, None], before, units))


def _settle(units: Tensor, intervals: UnitIntervals) -> None:
    """Alternately onto what can be written, and onto the intervals: both sets are convex."""
    for _ in range(_PROJECTIONS):
        colors = nearest_colors(units)
        # Chroma that is held to nothing stays.
        changed = slice(0, 1 if intervals.chroma is None else None)
        units[changed] = colors[changed]
        intervals.project(units)
        if intervals.kind.border is not None:
            units.copy_(fold(units, intervals.kind.border))
