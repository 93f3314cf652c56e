"""Finds the parts of a picture that JPEG did not damage, so that a restoration leaves them as they are.

JPEG leaves faint waves beside a strong edge, up to the border of the block. Graphics that were never compressed have
none: beside an edge, neighboring samples are equal. Edges exactly on the border between two flat blocks of a JPEG file
have none either, as in QR codes and enlarged pixel art: those blocks are as good as the original, and a network that
takes them for artifacts would blur them. Photographs are hardly ever flat beside an edge.

So this counts, beside strong edges and across their direction, the neighbors that are equal and those that differ
faintly. Nothing is trained.
"""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, pad

from .history import find_enlargement

BLOCK = 8
"""Side of a block in samples."""
# How far from an edge is looked, in samples, and how large a difference is faint.
_REACH = 6
_FAINT = 12
# A difference that is a strong edge. In JPEG files with coarse tables, smooth ground has steps between blocks that are
# no edges: one of the DC coefficient, and what a slope can rise within a block whose other coefficients became 0.
_EDGE = 24.0
_SLOPE = 4.56
_SAFETY = 1.5
# Neighbors that are counted around a block, at least. With fewer there is no evidence.
_EVIDENCE = 24.0
# Shares of faint differences up to which a block is left wholly, and from which on it is not left at all. On training
# graphics, 5 % of the blocks of PNG files that were JPEG files before have less than 0.1 to 0.3. Letters with smooth
# edges that were never compressed have up to 0.15.
_CLEAN = (0.10, 0.25)
# Of a JPEG file, where faint waves are its own damage.
_CLEAN_IN_FILE = (0.02, 0.06)
# If so much of the evidence says so, a picture that is no JPEG file was never compressed, and is left as a whole.
_WHOLE = 0.9
# … unless this share of the evidence, and at least so many blocks, say otherwise somewhere.
_CLUSTER, _CLUSTER_BLOCKS = 0.4, 3.5
# If so much of the strong edges of both axes lie on one of eight phases, only these are strong.
_ON_ONE_PHASE, _EDGE_OF_SQUARES = 0.8, 72.0
# Share of the evidence within so many blocks that has to agree.
_AGREEMENT, _NEIGHBORS = 0.5, 3
_WORTH_SAYING = 0.01
_STRIP = 32 * BLOCK


def untouched_blocks(samples: Tensor, table: Tensor | None = None, *, as_a_whole: bool = True) -> Tensor | None:
    """How much of every block shall stay as it is.

    Args:
        samples: uint8 (C, H, W): RGB or gray of a picture that is no JPEG file; or the luma of a JPEG file as decoded,
            whose grid starts at the corner, with its chroma where that is stored at full size.
        table: integers (8, 8), the luma table of the JPEG file; `None` for other pictures.
        as_a_whole: whether a picture that is no JPEG file may be left altogether, where nearly all evidence says so;
            else only the surroundings of that evidence are left.

    Returns:
        float32 (ceil(H / 8), ceil(W / 8)), 0 (restore) to 1 (leave); `None` if everything is to be restored.
    """
    least_edge = _least_edge_by_phase(samples) if table is None else _least_edge(table)
    equal, faint = _count(samples, least_edge)  # (rows, columns) both
    if as_a_whole and table is None and float(equal.sum()) >= _EVIDENCE and _is_clean(equal, faint):
        return torch.ones_like(equal)
    # Sums over a block and its eight neighbors.
    equal, faint = (avg_pool2d(counts[None, None], 3, 1, 1)[0, 0] * 9 for counts in (equal, faint))
    low, high = _CLEAN if table is None else _CLEAN_IN_FILE
    share = faint / (equal + faint).clamp(min=1.0)
    has_evidence = (equal + faint >= _EVIDENCE).float()
    weights = ((high - share) / (high - low)).clamp(0.0, 1.0) * has_evidence
    # Photographs have single blocks that look so by chance, beside many that do not.
    agreement = _around(weights) / _around(has_evidence).clamp(min=1e-6)
    weights = weights * (agreement >= _AGREEMENT)
    return weights if bool(weights.any()) else None


def left_untouched(restored: Tensor, seen: Tensor, weights: Tensor, rows: slice, columns: slice) -> Tensor:
    """Restored planes that are replaced by those that are seen, as far as their weights say; smooth across blocks.

    Args:
        restored: float32 (C, h, w), 0..255, of a part of a picture; it is not changed.
        seen: float32, the same part as it was given; at least C planes.
        weights: from [`untouched_blocks`], of the whole picture.
        rows, columns: of the picture that the part covers; they start at a block.

    Returns:
        float32 (C, h, w).
    """
    # One more block on every side, between whose centers weights are interpolated.
    first, last = (rows.start // BLOCK, columns.start // BLOCK), (-(-rows.stop // BLOCK), -(-columns.stop // BLOCK))
    around = pad(weights[None, None], (1, 1, 1, 1), mode="replicate")[
        :, :, first[0] : last[0] + 2, first[1] : last[1] + 2
    ]
    if not around.any():
        return restored
    fine = interpolate(around, scale_factor=BLOCK, mode="bilinear", align_corners=False)[0, 0]
    fine = fine[BLOCK : BLOCK + restored.shape[1], BLOCK : BLOCK + restored.shape[2]]
    return restored.lerp(seen[: len(restored)], fine)


def _around(values: Tensor) -> Tensor:
    """Means over the neighborhood of every block."""
    return avg_pool2d(values[None, None], 2 * _NEIGHBORS + 1, 1, _NEIGHBORS)[0, 0]


def describe_untouched(weights: Tensor | None, *, luma_alone: bool) -> tuple[str, ...]:
    """What is left as it is, in a sentence; none where that is less than a hundredth of the picture.

    Args:
        weights: from [`untouched_blocks`].
        luma_alone: whether chroma is restored there.
    """
    share = 0.0 if weights is None else float(weights.mean())
    if share < _WORTH_SAYING:
        return ()
    if share == 1 and not luma_alone:
        return (
            "Nothing to repair: no trace of JPEG was found beside the edges of the picture, so it is left as it is.",
        )
    subject = f"{'The brightness' if luma_alone else 'The pixels'} of {max(int(100 * share), 1)} % of the picture"
    return (f"{subject} {'is' if luma_alone else 'are'} left: nothing to repair there.",)


def _least_edge(table: Tensor) -> float:
    return max(_EDGE, _SAFETY * (float(table[0, 1]) / _SLOPE + float(table[0, 0]) / BLOCK))


def _least_edge_by_phase(samples: Tensor) -> float:
    """The least strong edge of a picture without a table: larger if edges lie 8 samples apart.

    A file of the lowest qualities has steps between its flat blocks. Squares of pixel art have larger ones, or they are
    flat in color, too, which chroma of a file at half the size never is.
    """
    if len(samples) == 3 and find_enlargement(samples) % BLOCK == 0 and not bool((samples[1:] == samples[0]).all()):
        return _EDGE
    phases = torch.zeros(2, BLOCK)
    for top in range(0, samples.shape[1], _STRIP):
        part = samples[:, top : top + _STRIP + 1].to(torch.int16)
        for axis, sums in enumerate(phases, start=1):
            inside = part if axis == 1 else part[:, :_STRIP]
            edges = (inside.diff(dim=axis).abs().amax(0) >= _EDGE).sum(2 - axis)  # by line
            sums += pad(edges, (0, -len(edges) % BLOCK)).view(-1, BLOCK).sum(0)
    shares = [float(sums.max() / sums.sum()) for sums in phases if float(sums.sum()) >= _EVIDENCE]
    return _EDGE_OF_SQUARES if shares and min(shares) >= _ON_ONE_PHASE else _EDGE


def _is_clean(equal: Tensor, faint: Tensor) -> bool:
    """Whether nearly all blocks with evidence have next to no faint differences beside edges, and nowhere many."""
    has_evidence = equal + faint >= _EVIDENCE / 9
    dirty = has_evidence & (faint > _CLEAN[1] * (equal + faint))
    if not has_evidence.any() or float(dirty.sum()) > (1 - _WHOLE) * float(has_evidence.sum()):
        return False
    # A photograph in a page of text is no large share of the evidence, but all of it in its place.
    near, evidence_near = _around(dirty.float()), _around(has_evidence.float()).clamp(min=1e-6)
    clustered = (near / evidence_near > _CLUSTER) & (near * (2 * _NEIGHBORS + 1) ** 2 >= _CLUSTER_BLOCKS)
    return not bool(clustered.any())


def _count(samples: Tensor, least_edge: float) -> tuple[Tensor, Tensor]:
    """Neighbors beside strong edges that are equal, and that differ faintly, by block: float32 (rows, columns) both."""
    height, width = samples.shape[1:]
    counts: list[list[Tensor]] = [[], []]
    # In strips, so that a large picture takes no copy in floating point.
    for top in range(0, height, _STRIP):
        start, stop = max(top - _REACH - 1, 0), min(top + _STRIP + _REACH + 1, height)
        inside = slice(top - start, min(top + _STRIP, height) - start)
        part = samples[:, start:stop]
        equal, faint = torch.zeros(2, stop - start, width, dtype=torch.uint8)
        for axis in (1, 2):
            size = part.shape[axis] - 1
            before, after = part.narrow(axis, 0, size), part.narrow(axis, 1, size)
            # All in bytes, which is several times faster than in floating point.
            steps = (torch.maximum(before, after) - torch.minimum(before, after)).amax(0)  # (h - 1, w) or (h, w - 1)
            beside = _widened(steps >= least_edge, axis - 1)
            equal[: steps.shape[0], : steps.shape[1]] += beside & (steps == 0)
            faint[: steps.shape[0], : steps.shape[1]] += beside & (steps > 0) & (steps <= _FAINT)
        for found, counted in zip(counts, (equal[inside], faint[inside]), strict=True):
            whole = pad(counted, (0, -width % BLOCK, 0, -counted.shape[0] % BLOCK))
            # At most 16 in a column of a block, so bytes hold it.
            columns = whole.unflatten(0, (-1, BLOCK)).sum(1, dtype=torch.uint8)  # (rows, w)
            found.append(columns.unflatten(1, (-1, BLOCK)).sum(2, dtype=torch.float32))
    return torch.cat(counts[0]), torch.cat(counts[1])


def _widened(edges: Tensor, axis: int) -> Tensor:
    """Edges, bool (h, w), and what lies within reach of them along an axis."""
    size, result = edges.shape[axis], edges.clone()
    for distance in range(1, min(_REACH, size - 1) + 1):
        rest = size - distance
        result.narrow(axis, distance, rest).logical_or_(edges.narrow(axis, 0, rest))
        result.narrow(axis, 0, rest).logical_or_(edges.narrow(axis, distance, rest))
    return result
