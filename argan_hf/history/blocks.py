"""Blocks of an earlier save found again on one plane, and the proof for each of them.

On the grid of an earlier save every coefficient lies near a multiple of its step, because a later save and the rounding
to 8 bits moved it by less than half a step. Rounding gives the integer that the earlier file stored.

No block is taken on trust. It counts as explained if its samples, as the earlier file shows them, can become what is
seen: for a JPEG file if they lie within half a step of its coefficients, for other pictures if they equal its samples,
both up to the rounding of colors in between.
"""

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import pad

from ..jpeg.block_dct import dct_basis

# A block is explained if it is at most this far from anything that can have become what is seen, RMS in gray levels.
# Rounding to 8 bits and the conversion of color in between move it by less than the first; the second is for clipped
# colors, where the steps are so long that a wrong integer would move it farther still.
_NEAR, _FAR = 0.3, 1.0
_LEAST_FAR = 1.5
# Of floating-point samples, so that halves are not missed.
_EPSILON = 1e-3


@dataclass(frozen=True)
class FoundBlocks:
    """What was found about the blocks of an earlier save, on a plane that starts at the corner of its grid.

    Attributes:
        explained: bool (H // 8, W // 8), which whole blocks are explained.
        detailed: bool, same shape, which whole blocks hold more than their mean.
    """

    explained: Tensor
    detailed: Tensor


def tolerance(table: Tensor, later: Tensor | None) -> float:
    """How far a block may be from anything that can have become what is seen, RMS in gray levels.

    Args:
        table: integers (8, 8), the table of the earlier save.
        later: integers (8, 8), that of the file that is seen; `None` for pictures that are no JPEG files.
    """
    later_steps = 0.0 if later is None else _low_steps(later)
    return min(max((_low_steps(table) - 2 * later_steps) / 16, _NEAR), _FAR)


def far_distance(table: Tensor) -> float:
    """How far from what is seen a block of another picture is at least, RMS in gray levels.

    Rounding such a block to the steps of the earlier save moves it by the steps over the root of 12, of which the
    intervals of a later file may excuse some. A wrong integer moves a block by an eighth of a step.

    Args:
        table: integers (8, 8), the table of the earlier save.
    """
    return max(_LEAST_FAR, _low_steps(table) / 8)


def _low_steps(table: Tensor) -> float:
    """The mean step of the lowest frequencies, in which wrong integers are frequent."""
    return float(table[:3, :3].flatten()[1:6].float().mean())


def rounded(plane: Tensor, table: Tensor) -> tuple[Tensor, Tensor]:
    """What a file shows whose coefficients are the multiples of its steps that lie nearest to those of a plane.

    Args:
        plane: float32 (H, W), 0..255, the grid of the file starts at its corner.
        table: integers (8, 8), the table of the file.

    Returns:
        float32 (H, W), integers 0..255 in whole blocks, elsewhere as given; and bool (H // 8, W // 8), which whole
        blocks hold more than their mean.
    """
    steps = table.to(plane.device).float().flatten()  # (64,)
    numbers = (to_coefficients(plane) / steps).round_()  # (rows, columns, 64)
    shown = plane.clone()
    # Halves are rounded up, as libjpeg does: many blocks hold nothing but a mean, and some means end in one half.
    samples = to_samples(numbers * steps).add_(128.5 + _EPSILON).floor_().clamp_(0.0, 255.0)
    shown[: samples.shape[0], : samples.shape[1]] = samples
    return shown, (numbers[..., 1:] != 0).any(-1)


def prove(
    plane: Tensor, shown: Tensor, beyond: Tensor, known: Tensor, tolerance: float, far: float = torch.inf
) -> tuple[Tensor, Tensor, Tensor]:
    """Keep the blocks that can have become what is seen.

    Args:
        plane: float32 (H, W), as it is seen.
        shown: float32 (H, W), as the earlier file would show it, from [`rounded`].
        beyond: float32 (H, W), what `shown` has beyond anything that can have become what is seen.
        known: bool (H // 8, W // 8), which blocks lie within the picture.
        tolerance: from [`tolerance`].
        far: RMS in gray levels from which on a block is no block of the earlier file with a wrong integer, but
            something else.

    Returns:
        float32 (H, W): blocks that are explained as shown, others as the nearest that can have become what is seen;
        bool (H // 8, W // 8), which blocks are explained; and, same shape, which are something else.
    """
    rows, columns = known.shape
    whole = (slice(rows * 8), slice(columns * 8))
    squares = beyond[whole].square().reshape(rows, 8, columns, 8)
    distance = squares.mean((1, 3)).sqrt_()  # (rows, columns)
    explained = (distance <= tolerance) & known
    result = plane.clone()
    # Where one wrong integer is among right ones, the nearest is closer to the truth than what is seen.
    nearest = torch.where(by_sample(explained), shown[whole], (shown - beyond)[whole])
    result[whole] = torch.where(by_sample(known), nearest, plane[whole])
    return result, explained, (distance > far) & known


def by_sample(blocks: Tensor) -> Tensor:
    """What is said of blocks (rows, columns), said of samples: (rows * 8, columns * 8)."""
    return blocks.repeat_interleave(8, 0).repeat_interleave(8, 1)


def beyond_file(plane: Tensor, decoded: Tensor, table: Tensor) -> Tensor:
    """What a plane has beyond the intervals that a JPEG file states for its coefficients.

    Args:
        plane, decoded: float32 (H, W), 0..255; `decoded` is what the file shows. The grid starts at their corner.
        table: integers (8, 8), the table of the file.

    Returns:
        float32 (H, W), zero where encoding the plane gives the file.
    """
    steps = table.to(plane.device).float().flatten()  # (64,)
    middle = (to_coefficients(decoded) / steps).round_().mul_(steps)  # (rows, columns, 64)
    away = to_coefficients(plane).sub_(middle)
    result = torch.zeros_like(plane)
    rows, columns = away.shape[:2]
    result[: rows * 8, : columns * 8] = to_samples(away - torch.minimum(torch.maximum(away, -steps / 2), steps / 2))
    return result


def to_coefficients(plane: Tensor) -> Tensor:
    """Coefficients of the whole blocks of a plane (H, W), 0..255: float32 (H // 8, W // 8, 64), level-shifted."""
    rows, columns = plane.shape[0] // 8, plane.shape[1] // 8
    blocks = plane[: rows * 8, : columns * 8].reshape(rows, 8, columns, 8).transpose(1, 2).reshape(rows, columns, 64)
    return (blocks - 128.0) @ _transform(blocks.device).T


def to_samples(coefficients: Tensor) -> Tensor:
    """Samples of coefficients (rows, columns, 64), without the level shift: float32 (rows * 8, columns * 8)."""
    rows, columns = coefficients.shape[:2]
    blocks = (coefficients @ _transform(coefficients.device)).reshape(rows, columns, 8, 8)
    return blocks.transpose(1, 2).reshape(rows * 8, columns * 8)


@cache
def _transform(device: torch.device) -> Tensor:
    """The DCT of flattened blocks as one matrix, float32 (64, 64): coefficient, sample."""
    with torch.inference_mode(False):
        basis = dct_basis(torch.empty(0, device=device))
        return torch.kron(basis, basis)


def framed(plane: Tensor, top: int, left: int) -> Tensor:
    """A plane (H, W) with `top` rows above and `left` columns before it that repeat its border."""
    return pad(plane[None, None], (left, 0, top, 0), mode="replicate")[0, 0]
