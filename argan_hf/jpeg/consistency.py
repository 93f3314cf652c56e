"""Projection of restored luma onto the quantization constraint set: the planes that would encode to the given file.

A JPEG file states an interval for every DCT coefficient of its original: one quantization step wide, centered on the
dequantized value. The projection moves each coefficient of the restored picture into its interval, so the result could
have been the original. The set is convex and contains the original, so projecting onto it never increases the squared
error. `MARGIN` makes the intervals shorter, so that results survive the rounding to 8 bits. The original may then lie
outside of them: from quality 95 on, where steps are hardly longer than the margin, the projection costs PSNR.

What is guaranteed: luma, in whole blocks, for files whose grid starts at the corner of the picture. Blocks that the
border of the picture cuts are not changed, because the samples with which the encoder padded them are unknown. Chroma
is not changed, because its coefficients cannot be recovered from upsampled samples.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from .block_dct import IntegerDct, cut, dct_basis, paste, strips
from .recovery import recover_coefficients
from .writing import Writing

MARGIN = 1.0
"""Least distance of a projected coefficient from the ends of its interval, in units of the orthonormal DCT of samples
0..255.

Rounding samples to 8 bits moves coefficients by 0.29 (one standard deviation). Without a margin, a coefficient at an
end of its interval would leave it about half of the time. `benchmarks/consistency.py` measures several margins.
"""

_MARGIN_ROUNDS = 5


def project(plane: Tensor, quantized: Tensor, table: Tensor, margin: float = MARGIN) -> Tensor:
    """The nearest plane whose luma coefficients lie inside their intervals (an orthogonal projection).

    Args:
        plane: float (H, W), 0..255.
        quantized: (H // 8, W // 8, 8, 8) from [`recover_coefficients`].
        table: integers (8, 8), the luma table of the file.
        margin: least distance from the ends of the intervals. An interval shorter than two margins shrinks to its
            center, which is the coefficient of the decoded picture.

    Returns:
        float32 (H, W); rows and columns beyond the last whole block are returned unchanged.
    """
    result = plane.to(torch.float32, copy=True)
    if quantized.numel():
        paste(_project(cut(plane), quantized.flatten(0, 1), _Steps.of(table, plane.device), margin), result)
    return result


@dataclass(frozen=True)
class _Steps:
    """A table and the transforms, made once for all strips.

    Attributes:
        orthonormal, integers: the table in the scale of the orthonormal DCT, float32 (8, 8), and of the integer DCT,
            float64 (64,).
        basis: float32 (8, 8), of the orthonormal DCT.
        dct: the integer DCT.
    """

    orthonormal: Tensor
    integers: Tensor
    basis: Tensor
    dct: IntegerDct

    @classmethod
    def of(cls, table: Tensor, device: torch.device) -> "_Steps":
        table = table.to(device)
        steps = table.float()
        return cls(steps, 8.0 * table.double().flatten(), dct_basis(steps), IntegerDct(device))


def _project(samples: Tensor, quantized: Tensor, steps: _Steps, margin: float) -> Tensor:
    """The same for blocks, float32 (N, 8, 8), 0..255."""
    # 1. The intervals, shortened by the margin: middle - half .. middle + half.
    half = (steps.orthonormal / 2 - margin).clamp_(min=0.0)  # (8, 8)
    middle = quantized * steps.orthonormal  # (N, 8, 8)
    # 2. The DCT is orthonormal, so clamping every coefficient gives the nearest block.
    coefficients = steps.basis @ (samples - 128.0) @ steps.basis.T  # (N, 8, 8)
    coefficients.clamp_(middle - half, middle.add_(half))
    return (steps.basis.T @ coefficients @ steps.basis).add_(128.0)


def make_consistent(
    restored: Tensor,
    decoded: Tensor,
    quantized: Tensor,
    table: Tensor,
    strength: float = 1.0,
    *,
    held: Tensor | None = None,
) -> tuple[Tensor, float]:
    """Project restored luma so that the picture that is written encodes to given luma coefficients.

    Rounding and clipping to 8 bits moves coefficients, and so does the conversion of color to RGB and back. Blocks that
    leave their intervals by it are clipped and projected again with twice the margin, at most four times. What becomes
    of a block does not depend on others: if it did, the borders of tiles would be visible.

    Args:
        restored, decoded, table, strength: as for [`project_onto_file`].
        quantized: (H // 8, W // 8, 8, 8) from [`recover_coefficients`].
        held: bool (H // 8, W // 8), which blocks are projected; others stay as they are. Default: all.

    Returns:
        `restored` with its luma projected, float32 (K, H, W), and the share 0..1 of the coefficients of the written
        picture that equal the given ones, in projected blocks; 1 if there are none.
    """
    result = restored.to(torch.float32, copy=True)
    steps = _Steps.of(table, restored.device)
    (rows, columns), blocks, missed = quantized.shape[:2], 0, 0
    for strip in strips(rows, columns, restored.device):
        lines = slice(strip.start * 8, strip.stop * 8)
        samples, goal = cut(result[0, lines]), quantized[strip].flatten(0, 1)  # (N, 8, 8) both
        writing = Writing.of(result[:, lines], decoded[:, lines], strength)
        if held is None:
            samples, misses = _hold(samples, goal, steps, writing)
            blocks += len(samples)
        else:
            chosen = held[strip].flatten().nonzero()[:, 0]
            samples[chosen], misses = _hold(samples[chosen], goal[chosen], steps, writing.at(chosen))
            blocks += len(chosen)
        missed += misses
        paste(samples, result[0, lines])
    return result, 1.0 - missed / (64 * blocks) if blocks else 1.0


def _hold(samples: Tensor, quantized: Tensor, steps: _Steps, writing: Writing) -> tuple[Tensor, int]:
    """Blocks (N, 8, 8) projected until they are written as wanted, and how many coefficients still are not."""
    margin, places = MARGIN, torch.arange(len(samples), device=samples.device)
    result = torch.empty_like(samples)
    for last in (False,) * (_MARGIN_ROUNDS - 1) + (True,):
        # 1. Project, write, and find the blocks that do not encode to the file.
        projected = _project(samples, quantized, steps, margin)  # (n, 8, 8)
        result[places] = projected
        excess = _excess(writing.luma(projected), quantized, steps)  # (n, 64)
        wrong = (excess.amax(1) >= 0.0).nonzero()[:, 0]
        if last or not len(wrong):
            break
        # 2. Go on with these blocks alone, from the clipped result, with twice the margin.
        samples, quantized, writing = projected[wrong].clamp_(0.0, 255.0), quantized[wrong], writing.at(wrong)
        margin, places = 2 * margin, places[wrong]
    return result, int((excess[wrong] >= 0.0).sum())


def project_onto_file(
    restored: Tensor,
    decoded: Tensor,
    table: Tensor,
    strength: float = 1.0,
    *,
    file_luma: Tensor | None = None,
    held: Tensor | None = None,
) -> tuple[Tensor, float]:
    """Project restored luma so that the picture that is written encodes to the luma coefficients of the file.

    `JpegRestorer` and the evaluation both use this function for "faithful" results. The picture that has to encode to
    the file is the written one: blended with the decoded planes, converted to RGB if it has color, rounded to 8 bits.

    Args:
        restored: float (K, H, W), 0..255: the first K planes as a network restored them, luma first.
        decoded: (C, H, W), K <= C: the planes as decoded, integers 0..255 of any dtype: Y, or Y, Cb, Cr.
        table: integers (8, 8), the luma table of the file.
        strength: 0..1, the share of `restored` in what is written.
        file_luma: integers 0..255 (H, W), the luma that the file shows, where that is not `decoded[0]`: the picture may
            have been saved again since.
        held: bool (H // 8, W // 8), which blocks are known to be the file's; default: all.

    Returns:
        `restored` with its luma projected, float32 (K, H, W), and the share 0..1 of luma coefficients, in whole blocks
        of the written picture, that equal those of the file.
    """
    quantized = recover_coefficients(decoded[0] if file_luma is None else file_luma, table)
    return make_consistent(restored, decoded, quantized, table, strength, held=held)


def share_inside(luma: Tensor, quantized: Tensor, table: Tensor) -> float:
    """Share of luma coefficients, in whole blocks, that an encoder would round to those of the file.

    Args:
        luma: uint8 (H, W), as it would be encoded.
        quantized: (H // 8, W // 8, 8, 8) from [`recover_coefficients`].
        table: integers (8, 8).

    Returns:
        0..1; 1 for a picture without a whole block.
    """
    if not quantized.numel():
        return 1.0
    missed = sum(int((excess >= 0.0).sum()) for excess in _excesses(luma, quantized, table))
    return 1.0 - missed / quantized.numel()


def blocks_inside(luma: Tensor, quantized: Tensor, table: Tensor) -> Tensor:
    """Whether each whole block would encode to the coefficients of the file, bool (H // 8, W // 8).

    Args:
        luma, quantized, table: as for [`share_inside`].
    """
    inside = torch.ones(0, dtype=torch.bool, device=luma.device)
    parts = [excess.amax(1) < 0.0 for excess in _excesses(luma, quantized, table)]
    return torch.cat((inside, *parts)).view(quantized.shape[:2])


def _excesses(luma: Tensor, quantized: Tensor, table: Tensor) -> Iterator[Tensor]:
    """[`_excess`] of a picture, strip by strip."""
    (rows, columns), steps = quantized.shape[:2], _Steps.of(table, luma.device)
    for strip in strips(rows, columns, luma.device):
        samples = cut(luma[strip.start * 8 : strip.stop * 8])
        yield _excess(samples, quantized[strip].flatten(0, 1), steps)


def _excess(samples: Tensor, quantized: Tensor, steps: _Steps) -> Tensor:
    """How far coefficients, encoded again, lie beyond those that an encoder rounds to the given ones.

    Args:
        samples: (N, 8, 8), integers 0..255.
        quantized: (N, 8, 8).
        steps: of the table.

    Returns:
        float64 (N, 64): below 0 inside, from 0 on outside.
    """
    goal = quantized.flatten(1).double()  # (N, 64)
    # Halves are rounded away from zero, so of the two ends of an interval, the one nearer to zero belongs to it, and
    # the other does not. Between integers, that is an interval half a unit nearer to zero without both ends.
    middle = (goal * steps.integers).sub_(goal.sign_(), alpha=0.5)
    return steps.dct.encode(samples).sub_(middle).abs_().sub_(steps.integers / 2)
